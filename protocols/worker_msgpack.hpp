// Workers that speak MessagePack: the maps of worker_jsonl.hpp, each behind a 4-byte big-endian
// length of at most 16 MiB.
//
// Outputs become JSON text: binary as a base64 string, integer keys as strings, infinity and NaN as
// null, and invalid UTF-8 as U+FFFD. Other keys and extension types fail the task. Text printed
// between frames and frames that are too long are skipped.
#pragma once

#include "protocols/worker_codec.hpp"

namespace greenroom::protocols {

constexpr std::size_t msgpack_frame_bytes_max = std::size_t{16} << 20;

[[nodiscard]] std::unique_ptr<worker_codec> make_msgpack_codec(
    std::size_t frame_bytes_max = msgpack_frame_bytes_max);

}  // namespace greenroom::protocols
