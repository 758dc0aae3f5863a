// The limits of an HTTP server, and what it counts.
#pragma once

#include "runtime/machine/http/request.hpp"
#include "runtime/machine/http/responder.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace greenroom::machine::http {

/// Runs on the loop thread of the connection and must not block.
using request_handler = std::function<void(request&, responder)>;

struct server_options {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: a free port, see `server::port`.
  std::uint64_t request_bytes = std::uint64_t{16} << 20;
  std::size_t url_bytes = 8192;
  std::size_t header_bytes = 16384;  ///< One field's value; all fields together 80 KiB
                                     ///< (http_parser's limit).
  std::size_t header_fields = 100;
  std::size_t connections = 4096;  ///< Over all loops; further clients get a 503.
  /// Concurrent requests of one connection, at least 2. Further requests are not read, and while
  /// the limit is reached, a hang-up of the client is not detected.
  std::size_t pipelined = 8;
  std::chrono::milliseconds header_timeout{10'000};  ///< First byte to end of headers, else 408.
  std::chrono::milliseconds idle_timeout{60'000};    ///< Between requests, and for a whole body.
  std::chrono::milliseconds write_timeout{60'000};   ///< One write to a client that does not read.
  std::size_t stream_bytes = std::size_t{1} << 20;   ///< Unsent bytes at which a stream is cut off.
  /// Limit on incomplete bodies of all connections together; beyond it uploads get a 503.
  std::uint64_t unfinished_bytes = std::uint64_t{256} << 20;
  /// Limit on unsent answer bytes of all connections together. Beyond it, clients that have read
  /// nothing for a second are cut off; if there are none, the answer is a 503.
  std::uint64_t unsent_bytes = std::uint64_t{256} << 20;
};

/// Counters since the start; `connections` is the current number.
struct server_counters {
  std::size_t connections = 0;
  std::uint64_t accepted = 0, requests = 0, refused = 0, malformed = 0, timed_out = 0, hung_up = 0,
                streams_cut = 0;
};

}  // namespace greenroom::machine::http
