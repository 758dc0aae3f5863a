// Whether a node under chaos was good enough.
#pragma once

#include "runtime/chaos/recovery.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace greenroom::runtime::chaos {

/// The defaults are what the product promises.
struct bounds {
  double mean_recovery_s = 7;
  /// Or, where that is more, so many times what a worker's start took in this very run: on a busy
  /// machine everything takes longer alike. 0: seconds alone count.
  double mean_recovery_starts = 0;
  double max_recovery_s = 60;
  double recovered = 1;      ///< Share of faults that were recovered from.
  double success = 0.952;    ///< Share of the traffic's tasks that were completed.
  std::uint64_t lost = 0;    ///< Accepted and never answered, or gone from the ledger.
  double over_budget_s = 5;  ///< Longest stretch above the memory budget.
};

struct outcome {
  std::uint64_t asked = 0, completed = 0;  ///< The traffic's; probes are not counted.
  std::size_t faults = 0;                  ///< Carried out.
  times recovery;                          ///< Of those that were recovered from.
  std::uint64_t lost = 0, doubled = 0, pending = 0;
  bool always_balanced = true;  ///< Accepted = ended + alive, at every look.
  double over_budget_s = 0;
  double start_s = 0;  ///< What a worker's start took, on average; 0: none was measured.

  [[nodiscard]] double success() const;
  [[nodiscard]] double recovered() const;  ///< 1 when there was no fault.
};

/// What was missed, each as a sentence; empty: all is well. No fault and no task is a miss as well,
/// for a run that proves nothing must not pass.
std::vector<std::string> misses(const outcome& came, const bounds& wanted);

}  // namespace greenroom::runtime::chaos
