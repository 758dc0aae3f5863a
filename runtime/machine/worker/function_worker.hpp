// A worker that calls a C++ callable of the embedding service.
#pragma once

#include "runtime/machine/worker/worker.hpp"

#include <cstddef>
#include <memory>

namespace greenroom::machine {

/// Calls the callable on this thread. An exception, a result that is no JSON text, and a result
/// longer than `output_bytes_max` are failures that a retry would not fix.
[[nodiscard]] protocols::attempt_result call_now(const callable& function,
                                                 const protocols::task& job,
                                                 std::size_t output_bytes_max,
                                                 std::stop_token stop = {});

/// Inline callables answer within `run`. Others run on a thread pool that grows to 256 threads
/// while all are busy, and answer on the worker's loop. A callable cannot be interrupted, only
/// asked to stop (`callable_function`): after `stop`, `on_gone` follows once the running calls have
/// returned. The destructor leaves running calls to `worker_surroundings::calls`; queued calls
/// never begin.
[[nodiscard]] std::shared_ptr<worker> make_function_worker(const config::specialist& who,
                                                           const worker_surroundings& where,
                                                           const callable& function,
                                                           std::shared_ptr<worker_events> events);

}  // namespace greenroom::machine
