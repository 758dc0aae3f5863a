// Workers that are Model Context Protocol servers on stdio: JSON-RPC 2.0, one message a line
// (https://modelcontextprotocol.io/specification, versions 2024-10-07 to 2026-07-28).
//
// A task's input is {"tool":"echo","arguments":{…}}, sent as tools/call, or
// {"method":"tools/list","params":{…}}, sent as it is; its output is the JSON-RPC result, also when
// that says isError. A JSON-RPC error is an error that is not retryable. What a server asks of its
// client is answered: ping, and all else with "method not found", since no capability was offered.
// A server that rejects `initialize` is asked to `server/discover` itself, as those of 2026-07-28
// want it; from then on every request carries what such a server needs in `_meta`.
#pragma once

#include "protocols/worker_codec.hpp"

namespace greenroom::protocols {

/// Names on the wire are numbers from 1 on; see `worker_codec::numbers_names`.
[[nodiscard]] std::unique_ptr<worker_codec> make_mcp_codec(std::size_t line_bytes_max);

}  // namespace greenroom::protocols
