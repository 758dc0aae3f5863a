// The chart that says it all: cold starts against memory, a line or a point for each policy.
#pragma once

#include <string>
#include <vector>

#include "runtime/simulation/ledger.hpp"

namespace greenroom::runtime {

struct chart_series {
  std::string name;
  std::vector<simulation_result> points;  ///< In order of memory; one makes a dot.
};

/// A self-contained SVG image (no script, no fonts of its own), both axes logarithmic.
std::string trade_off_chart(const std::string& title, const std::vector<chart_series>& series);

}  // namespace greenroom::runtime
