// Policy time: clock time scaled by the cooldown.
#pragma once

#include <algorithm>

namespace greenroom::runtime {

/// The policy's constants (rates over half a minute to a week, ticks, dwells) suit traffic whose
/// workers are kept for minutes. The cooldown says how long a worker is worth keeping when nothing
/// else is known, so the cooldown also sets the time scale: a tenth of the usual 45 s makes every
/// constant ten times shorter. A longer cooldown changes nothing, since the constants reach to a
/// week.
///
/// The mapping is linear, and continuous when the cooldown changes at run time.
class pace {
public:
  static constexpr double usual_cooldown_s = 45;
  static constexpr double unit_least = 1e-3;

  static double unit_of(double cooldown_s) {
    return std::clamp(cooldown_s / usual_cooldown_s, unit_least, 1.0);
  }

  /// Clock seconds per second of policy time.
  double unit() const { return unit_; }
  double own(double clock_s) const { return own_at_ + (clock_s - clock_at_) / unit_; }
  double clock(double own_s) const { return clock_at_ + (own_s - own_at_) * unit_; }

  /// Uses `unit` from `clock_s` on.
  void change(double unit, double clock_s) {
    if (unit == unit_) return;
    own_at_ = own(clock_s);
    clock_at_ = clock_s;
    unit_ = unit;
  }

  struct memory {
    double unit = 1;
    double clock_at_s = 0;
    double own_at_s = 0;
  };
  memory remembered() const { return {unit_, clock_at_, own_at_}; }
  void remember(const memory& kept) {
    unit_ = kept.unit;
    clock_at_ = kept.clock_at_s;
    own_at_ = kept.own_at_s;
  }

private:
  double unit_ = 1;
  double clock_at_ = 0;
  double own_at_ = 0;
};

}  // namespace greenroom::runtime
