// How idle times end: corrects the error of all other sources together, by the current idle time
// and the interval before it.
//
// A stage of boosting (Friedman, Greedy Function Approximation, Annals of Statistics 29, 2001) on
// the likelihood of a Poisson process, learned online: each cell of a table counts observed and
// expected visits of all specialists. Their ratio, shrunk towards 1 while little is known,
// multiplies the call rate. So a specialist that arrives every ten minutes, or in pairs a minute
// apart, is predicted from its first repetition, because other specialists behave alike.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace greenroom::runtime {

/// Takes 4 KB for each interval length that occurs, 1.1 MB with all of them. The work grows with
/// the octaves that a span of ages covers.
class gap_table {
public:
  /// `interval_s`: between the starts of the last two visits; 0: only one visit so far.
  [[nodiscard]] static std::uint32_t row_of(double interval_s);

  /// Observed ÷ expected visits, where expected excludes this table: the mean over `span_s` > 0
  /// from that age on. `row`: see `row_of`.
  [[nodiscard]] double factor(std::uint32_t row, double age_s, double span_s) const;
  /// From that age on, an idle time lasted for `lasted_s` more, with `rate` visits per second
  /// expected without this table; `came`: a visit then ended it.
  void learn(std::uint32_t row, double age_s, double lasted_s, double rate, bool came);

  using cell = std::uint32_t;
  struct counts {
    float came = 0;
    float foreseen = 0;
  };
  /// Calls `see(cell, const counts&)` for every cell with an expected count above 0.
  template <class See>
  void visit(See see) const {
    for (std::size_t i = 0; i < rows; ++i) {
      if (!rows_[i]) continue;
      for (std::size_t j = 0; j < columns; ++j)
        if (const counts& one = (*rows_[i])[j]; one.foreseen > 0)
          see(static_cast<cell>(i * columns + j), one);
    }
  }
  /// False when there is no such cell.
  bool remember(cell at, const counts& kept);

private:
  // Ages in 24 steps to the octave and intervals in 12, from a quarter of a second to twelve days.
  // Timers fire within a few percent, so coarse steps would blur them.
  static constexpr double shortest_s = 0.25;
  static constexpr double octaves = 22;
  static constexpr double age_steps = 24;
  static constexpr double interval_steps = 12;
  static constexpr auto columns = static_cast<std::size_t>(octaves * age_steps) + 1;
  static constexpr auto rows = static_cast<std::size_t>(octaves * interval_steps) + 2;

public:
  static constexpr std::size_t cells = rows * columns;

private:
  using ages = std::array<counts, columns>;
  static std::size_t step_of(double length_s, double steps);
  /// Calls `see(column, from_s, to_s)` for each part of a span of ages.
  template <class See>
  static void each_part(double age_s, double span_s, See see);
  ages& row(std::uint32_t at);

  std::array<std::unique_ptr<ages>, rows> rows_;  ///< Row 0: no interval yet.
};

}  // namespace greenroom::runtime
