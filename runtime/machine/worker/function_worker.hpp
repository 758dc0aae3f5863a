// A worker that is a C++ callable of the embedding service.
#pragma once

#include "runtime/machine/worker/worker.hpp"

#include <cstddef>
#include <memory>

namespace greenroom::machine {

/// Calls it here and now. What it throws, and what is no JSON text or longer than
/// `output_bytes_max`, is a failure of the task that retrying would not help.
[[nodiscard]] protocols::attempt_result call_now(const callable& function,
                                                 const protocols::task& job,
                                                 std::size_t output_bytes_max,
                                                 std::stop_token stop = {});

/// Inline callables answer from within `run`. Others run on a pool of threads that grows while all
/// are busy, up to 256, and answer on the worker's loop. A callable cannot be interrupted, only
/// asked to stop (`callable_function`): after `stop` the worker is gone once the calls under way
/// have returned. One that is destroyed leaves them to `worker_surroundings::calls`; those that
/// have not begun never do.
[[nodiscard]] std::shared_ptr<worker> make_function_worker(const config::specialist& who,
                                                           const worker_surroundings& where,
                                                           const callable& function,
                                                           std::shared_ptr<worker_events> events);

}  // namespace greenroom::machine
