// Does anybody wait for a slot that is there? An outsider's look at what a director should never
// let happen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace greenroom::runtime::monitoring {

/// One specialist as it looks from outside.
struct slot_view {
  double waiting_s = 0;  ///< For so long its department has been asking for a slot; 0: it is not.
  bool up = false;       ///< It has a process that counts against the slots.
  bool idle = false;     ///< It has one, and no task.
  std::uint32_t department = 0;
  double memory_mb = 0;
  double start_s = 0;  ///< What a start takes; 0: unknown.
};

struct slot_watch_limits {
  std::size_t slots = 1;
  double memory_budget_mb = 0;  ///< 0: none.
  double min_residency_s = 0;
};

/// One is stuck when it has waited for longer than a residency and a start take, and all that time
/// there was a slot that nobody used: a free one, or one of an idle worker. Told a look every
/// second or so.
class slot_watch {
public:
  /// Returns who is stuck, by place in `all`.
  [[nodiscard]] std::vector<std::size_t> look(std::span<const slot_view> all,
                                              const slot_watch_limits& limits, double now_s);
  /// What was seen before does not count: nobody looked for a while.
  void forget();

private:
  std::vector<double> idle_since_s_;  // Below 0: not idle.
  double free_since_s_ = -1;          // Below 0: every slot is taken.
};

}  // namespace greenroom::runtime::monitoring
