// Workers that speak one JSON object a line.
//
// To the worker: {"type":"task","id":"…","input":…,"timeout_ms":…} and {"type":"ping"}.
// From the worker: {"type":"ready"} once, {"type":"result","id":"…","output":…},
// {"type":"error","id":"…","message":"…","retryable":false}, {"type":"pong"}, and for streamed
// answers {"type":"chunk","id":"…","text":"…"} before the result.
#pragma once

#include "protocols/worker_codec.hpp"

namespace greenroom::protocols {

[[nodiscard]] std::unique_ptr<worker_codec> make_jsonl_codec(std::size_t line_bytes_max);

}  // namespace greenroom::protocols
