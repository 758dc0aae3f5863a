#include "runtime/pooling/gap_table.hpp"

#include <algorithm>
#include <cmath>

namespace greenroom::runtime {
namespace {

// A cell is believed by half when so many visits were foreseen in it.
constexpr double prior_visits = 3;
// What is counted fades, so that a fleet that changes is seen to.
constexpr float fade = 0.999F;

}  // namespace

gap_table::cell gap_table::cell_of(double age_s, double interval_s) {
  const auto step = [](double length_s, double steps) {
    const double octave = length_s > shortest_s ? std::log2(length_s / shortest_s) : 0;
    return static_cast<std::size_t>(std::min(octave, octaves) * steps);
  };
  const std::size_t at = interval_s > 0 ? 1 + step(interval_s, interval_steps) : 0;
  return static_cast<cell>(at * columns + step(age_s, age_steps));
}

gap_table::counts& gap_table::of(cell at) {
  auto& lengths = rows_[at / columns];
  if (!lengths) lengths = std::make_unique<length_row>();
  return (*lengths)[at % columns];
}

double gap_table::factor(cell at) const {
  const auto& lengths = rows_[at / columns];
  if (!lengths) return 1;
  const counts& one = (*lengths)[at % columns];
  return (static_cast<double>(one.came) + prior_visits)
         / (static_cast<double>(one.foreseen) + prior_visits);
}

void gap_table::learn(cell at, double foreseen, bool came) {
  counts& one = of(at);
  one.foreseen += static_cast<float>(foreseen);
  if (!came) return;
  one.came = (one.came + 1.0F) * fade;
  one.foreseen *= fade;
}

bool gap_table::remember(cell at, const counts& kept) {
  if (at >= cells) return false;
  of(at) = kept;
  return true;
}

}  // namespace greenroom::runtime
