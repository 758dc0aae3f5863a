// A worker that is an HTTP server, started by the node when the specialist has a `command`.
#pragma once

#include "runtime/machine/worker/worker.hpp"

namespace greenroom::machine {

/// Ready when a GET of `health` is answered with 2xx. A task's input is POSTed to `path`; its
/// output is the body if that is JSON, or the body as a JSON string. The body of a task that is
/// streamed is given on as it comes. 4xx is an error that is not retryable; 408, 425, 429, 5xx and
/// a connection that fails are retryable, after the pause that the answer's Retry-After asks for.
[[nodiscard]] std::shared_ptr<worker> make_http_worker(const config::specialist& who,
                                                       const worker_surroundings& where,
                                                       std::shared_ptr<worker_events> events);

}  // namespace greenroom::machine
