// What the workers that are child processes have in common.
#pragma once

#include "runtime/machine/process/launch.hpp"
#include "runtime/machine/worker/worker.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace greenroom::machine {

/// Command, directory and environment of a specialist's worker.
[[nodiscard]] launch_order worker_launch(const config::specialist& who,
                                         const worker_surroundings& where);

/// What a worker that was late or broke its stream gets between TERM and KILL.
inline constexpr std::chrono::milliseconds fault_grace{1000};

/// What is left of the task's time, at least one millisecond.
[[nodiscard]] std::int64_t time_left_ms(const protocols::task& job, const config::specialist& who);

/// "10s", "250ms"
[[nodiscard]] std::string in_words(std::chrono::milliseconds time);

}  // namespace greenroom::machine
