// Functions shared by the workers that are child processes.
#pragma once

#include "runtime/machine/process/launch.hpp"
#include "runtime/machine/worker/worker.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace greenroom::machine {

/// Returns command, directory and environment of a specialist's worker.
[[nodiscard]] launch_order worker_command(const config::specialist& who,
                                          const worker_surroundings& where);

/// Time between TERM and KILL for a worker that was late or broke its stream.
inline constexpr std::chrono::milliseconds fault_grace{1000};

/// The rest of the task's time, at least one millisecond.
[[nodiscard]] std::int64_t time_left_ms(const protocols::task& job, const config::specialist& who);

/// "10s", "250ms"
[[nodiscard]] std::string in_words(std::chrono::milliseconds time);

}  // namespace greenroom::machine
