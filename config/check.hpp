// Rules over several keys of a configuration.
#pragma once

#include "config/node.hpp"
#include "config/places.hpp"
#include "config/problem.hpp"

#include <vector>

namespace greenroom::config {

/// Appends every violated rule: duplicate or unknown names, routes, conflicting limits.
void check(const node& whole, const places& where, std::vector<problem>& problems);

/// Appends a warning for each valid but unlikely value, such as times in an unusual order.
void advise(const node& whole, const places& where, std::vector<problem>& warnings);

}  // namespace greenroom::config
