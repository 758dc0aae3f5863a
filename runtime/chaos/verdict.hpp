// The acceptance criteria of a chaos run.
#pragma once

#include "runtime/chaos/recovery.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace greenroom::runtime::chaos {

/// The defaults are the product's guarantees.
struct bounds {
  double mean_recovery_s = 7;
  /// The bound is at least this many measured worker starts of the same run, because a busy machine
  /// slows everything alike. 0: only the seconds count.
  double mean_recovery_starts = 0;
  double max_recovery_s = 60;
  double recovered = 1;      ///< Share of faults with recovery.
  double success = 0.952;    ///< Share of the traffic's tasks that completed.
  std::uint64_t lost = 0;    ///< Accepted and never answered, or missing in the ledger.
  double over_budget_s = 5;  ///< Longest time above the memory budget.
};

struct outcome {
  std::uint64_t asked = 0, completed = 0;  ///< Of the traffic; probes are not counted.
  std::size_t faults = 0;                  ///< Faults carried out.
  times recovery;                          ///< Of the faults with recovery.
  std::uint64_t lost = 0, doubled = 0, pending = 0;
  bool always_balanced = true;  ///< Accepted = ended + active, at every check.
  double over_budget_s = 0;
  double start_s = 0;  ///< Mean worker start in this run; 0: not measured.

  [[nodiscard]] double success() const;
  [[nodiscard]] double recovered() const;  ///< 1 when there were no faults.
};

/// Each violated bound as a sentence; empty: passed. A run without faults or without tasks fails
/// too, because it proves nothing.
std::vector<std::string> misses(const outcome& came, const bounds& wanted);

}  // namespace greenroom::runtime::chaos
