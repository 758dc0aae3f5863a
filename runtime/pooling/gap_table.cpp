#include "runtime/pooling/gap_table.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace greenroom::runtime {
namespace {

// A cell's ratio has half weight at this many expected visits.
constexpr double prior_visits = 3;
// Counts fade, so that they follow a fleet that changes.
constexpr float fade = 0.999F;

double ratio(const gap_table::counts& one) {
  return (static_cast<double>(one.came) + prior_visits)
         / (static_cast<double>(one.foreseen) + prior_visits);
}

}  // namespace

std::size_t gap_table::step_of(double length_s, double steps) {
  const double octave = length_s > shortest_s ? std::log2(length_s / shortest_s) : 0;
  return static_cast<std::size_t>(std::min(octave, octaves) * steps);
}

std::uint32_t gap_table::row_of(double interval_s) {
  return interval_s > 0 ? static_cast<std::uint32_t>(1 + step_of(interval_s, interval_steps)) : 0;
}

template <class See>
void gap_table::each_part(double age_s, double span_s, See see) {
  // The age at which each column ends; the last one has no end.
  static const auto ends_s = [] {
    std::array<double, columns> edges{};
    for (std::size_t i = 0; i < columns; ++i)
      edges[i] = shortest_s * std::exp2(static_cast<double>(i + 1) / age_steps);
    edges.back() = std::numeric_limits<double>::infinity();
    return edges;
  }();
  const double end_s = age_s + span_s;
  auto column = step_of(age_s, age_steps);
  // An age on an edge may have been rounded into the column before it.
  if (ends_s[column] <= age_s) ++column;
  double from_s = age_s;
  while (ends_s[column] < end_s) {
    see(column, from_s, ends_s[column]);
    from_s = ends_s[column++];
  }
  see(column, from_s, end_s);
}

gap_table::ages& gap_table::row(std::uint32_t at) {
  auto& found = rows_[at];
  if (!found) found = std::make_unique<ages>();
  return *found;
}

double gap_table::factor(std::uint32_t row, double age_s, double span_s) const {
  const auto& known = rows_[row];
  if (!known) return 1;
  double sum = 0;
  each_part(age_s, span_s, [&](std::size_t column, double from_s, double to_s) {
    sum += ratio((*known)[column]) * (to_s - from_s);
  });
  return sum / span_s;
}

void gap_table::learn(std::uint32_t row, double age_s, double lasted_s, double rate, bool came) {
  auto& known = this->row(row);
  std::size_t last = 0;
  each_part(age_s, lasted_s, [&](std::size_t column, double from_s, double to_s) {
    known[column].foreseen += static_cast<float>(rate * (to_s - from_s));
    last = column;
  });
  if (!came) return;
  known[last].came = (known[last].came + 1.0F) * fade;
  known[last].foreseen *= fade;
}

bool gap_table::remember(cell at, const counts& kept) {
  if (at >= cells) return false;
  row(static_cast<std::uint32_t>(at / columns))[at % columns] = kept;
  return true;
}

}  // namespace greenroom::runtime
