// A chart of cold starts over memory, with a line or a point for each policy.
#pragma once

#include <string>
#include <vector>

#include "runtime/simulation/cost_ledger.hpp"

namespace greenroom::runtime {

struct chart_series {
  std::string name;
  std::vector<simulation_result> points;  ///< In order of memory; a single one is drawn as a dot.
};

/// A self-contained SVG image (no script, no own fonts), both axes logarithmic.
std::string trade_off_chart(const std::string& title, const std::vector<chart_series>& series);

}  // namespace greenroom::runtime
