// Detects a task that waits although a slot is available, which the director should never allow;
// independent of the director.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace greenroom::runtime::monitoring {

/// A specialist as seen from outside the director.
struct slot_view {
  double waiting_s = 0;  ///< Time since its department asked for a slot; 0: no request.
  bool up = false;       ///< It has a process that counts against the slots.
  bool idle = false;     ///< It has a process and no task.
  std::uint32_t department = 0;
  double memory_mb = 0;
  double start_s = 0;  ///< Duration of a start; 0: unknown.
};

struct slot_watch_limits {
  std::size_t slots = 1;
  double memory_budget_mb = 0;  ///< 0: none.
  double min_residency_s = 0;
};

/// A specialist is stuck when it has waited longer than a residency and a start take, and during
/// all that time a slot was available: a free one, or the slot of an idle worker. Call `look` about
/// once a second.
class slot_watch {
public:
  /// Returns the stuck specialists as indices into `all`.
  [[nodiscard]] std::vector<std::size_t> look(std::span<const slot_view> all,
                                              const slot_watch_limits& limits, double now_s);
  /// Discards earlier observations, after a time without calls.
  void forget();

private:
  std::vector<double> idle_since_s_;  // Below 0: not idle.
  double free_since_s_ = -1;          // Below 0: every slot is taken.
};

}  // namespace greenroom::runtime::monitoring
