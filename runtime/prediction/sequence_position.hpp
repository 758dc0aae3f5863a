// The position in a case: the input of the sequence model.
#pragma once

#include "protocols/base/hash.hpp"
#include "runtime/prediction/context_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace greenroom::runtime {

/// The steps of one case so far (at most the last 32), their times, and the set of steps that
/// occurred.
struct sequence_position {
  static constexpr std::size_t remembered_max = 32;

  std::array<specialist_index, remembered_max> steps{};  ///< A ring; read it with `back`.
  std::uint32_t length = 0;                              ///< Of the whole case.
  std::size_t window = remembered_max;                   ///< Number of steps to consider.
  double started_s = 0;
  double last_s = 0;
  double gap_s = -1;                 ///< Between the last two steps; negative before the second.
  std::uint64_t whole = 0;           ///< A hash of all steps in order.
  std::uint64_t seen = 0;            ///< One bit of 64 for each step that occurred.
  specialist_index other = no_step;  ///< The latest step different from the last one.
  std::uint32_t repeats = 0;         ///< Repetitions of the last step in a row.

  std::size_t remembered() const { return std::min<std::size_t>(length, window); }
  /// The step `ago` positions before the last one; `no_step` before the beginning.
  specialist_index back(std::size_t ago) const {
    if (ago >= remembered()) return no_step;
    return steps[(length - 1 - ago) % remembered_max];
  }
  /// @pre The window is at most `remembered_max`. The case continues with `who` at `now_s`.
  void advance(specialist_index who, double now_s) {
    const specialist_index last = back(0);
    if (length == 0) {
      started_s = now_s;
      gap_s = -1;
    } else {
      gap_s = std::max(0.0, now_s - last_s);
    }
    if (who == last) {
      ++repeats;
    } else {
      repeats = 0;
      other = last;
    }
    steps[length % remembered_max] = who;
    ++length;
    last_s = now_s;
    whole = base::mixed(whole, who);
    seen |= 1ULL << (base::mixed(0, who) & 63U);
    if (window < remembered_max) look_again();
  }

private:
  /// Forgets all steps beyond the window.
  void look_again() {
    whole = seen = 0;
    other = no_step;
    for (std::size_t ago = remembered(); ago-- > 0;) {
      whole = base::mixed(whole, back(ago));
      seen |= 1ULL << (base::mixed(0, back(ago)) & 63U);
      if (back(ago) != back(0)) other = back(ago);
    }
  }
};

}  // namespace greenroom::runtime
