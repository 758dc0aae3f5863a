// Workers that are Model Context Protocol servers on stdio: JSON-RPC 2.0, one message a line
// (https://modelcontextprotocol.io/specification, versions 2024-10-07 to 2026-07-28).
//
// A task's input is {"tool":"echo","arguments":{…}}, sent as tools/call, or
// {"method":"tools/list","params":{…}}, sent unchanged; the output is the JSON-RPC result, even
// with isError. A JSON-RPC error is a failure that is not retryable. Requests of the server are
// answered: ping, and others with "method not found", since the node offers no capability. A server
// that rejects `initialize` gets `server/discover`, as version 2026-07-28 requires; from then on
// every request carries that version's `_meta`.
#pragma once

#include "protocols/worker_codec.hpp"

namespace greenroom::protocols {

/// Names on the wire are numbers from 1 on; see `worker_codec::numbers_names`.
[[nodiscard]] std::unique_ptr<worker_codec> make_mcp_codec(std::size_t line_bytes_max);

}  // namespace greenroom::protocols
