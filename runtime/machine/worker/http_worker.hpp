// A worker that is an HTTP server; the node starts the server if the specialist has a `command`.
#pragma once

#include "runtime/machine/worker/worker.hpp"

namespace greenroom::machine {

/// Ready when a GET of `health` returns 2xx. A task's input is POSTed to `path`; the output is the
/// body if that is JSON, else the body as a JSON string. A streamed task's body is passed on in
/// pieces. 4xx is not retryable; 408, 425, 429, 5xx and a failed connection are, after the answer's
/// Retry-After.
[[nodiscard]] std::shared_ptr<worker> make_http_worker(const config::specialist& who,
                                                       const worker_surroundings& where,
                                                       std::shared_ptr<worker_events> events);

}  // namespace greenroom::machine
