// Workers that are Model Context Protocol servers on stdio: JSON-RPC 2.0, one message a line
// (https://modelcontextprotocol.io/specification, versions 2024-11-05 to 2025-11-25).
//
// A task's input is {"tool":"echo","arguments":{…}}, sent as tools/call, or
// {"method":"tools/list","params":{…}}, sent as it is; its output is the JSON-RPC result, also when
// that says isError. A JSON-RPC error is an error that is not retryable. What a server asks of its
// client is answered: ping, and all else with "method not found", since no capability was offered.
#pragma once

#include "protocols/worker_codec.hpp"

namespace greenroom::protocols {

/// Names on the wire are numbers from 1 on; see `worker_codec::numbers_names`.
[[nodiscard]] std::unique_ptr<worker_codec> make_mcp_codec(std::size_t line_bytes_max);

}  // namespace greenroom::protocols
