// How long the lines in front of specialists were, from recorded traffic.
#pragma once

#include "runtime/simulation/trace.hpp"

#include <cstddef>
#include <vector>

namespace greenroom::runtime {

/// For each specialist of the trace the most tasks that waited at once, when it serves
/// `concurrency[i]` at a time in the order of arrival and never starts anew. Requests without a
/// duration take no time. @pre the requests are in the order of time, and `concurrency` has one
/// entry of 1 or more for each specialist.
[[nodiscard]] std::vector<std::size_t> longest_lines(const trace& traffic,
                                                     const std::vector<std::size_t>& concurrency);

}  // namespace greenroom::runtime
