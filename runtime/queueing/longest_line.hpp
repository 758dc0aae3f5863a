// The longest queue of each specialist in recorded traffic.
#pragma once

#include "runtime/simulation/trace.hpp"

#include <cstddef>
#include <vector>

namespace greenroom::runtime {

/// For each specialist of the trace, the maximum number of tasks queued at once, when the
/// specialist serves `concurrency[i]` tasks at a time in arrival order and has no cold starts.
/// Requests without a duration take no time. @pre Requests are in time order; `concurrency` has one
/// entry of at least 1 per specialist.
[[nodiscard]] std::vector<std::size_t> longest_lines(const trace& traffic,
                                                     const std::vector<std::size_t>& concurrency);

}  // namespace greenroom::runtime
