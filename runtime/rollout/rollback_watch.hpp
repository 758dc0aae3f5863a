// Decides when all traffic must return to the baseline, independent of the phases.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/monitoring/pool_sample.hpp"

namespace greenroom::runtime::rollout {

/// The cause of a rollback. The first eight are watched; the others come from outside.
enum class trigger : std::uint8_t {
  error_rate,
  response_time,
  memory_use,
  memory_efficiency,
  health,
  critical_alerts,
  success_rate,
  worker_memory,  ///< The intelligent pool's workers against the baseline's.
  judge,          ///< The rollout's judge found a certain failure.
  by_hand,        ///< An operator.
};
constexpr std::size_t trigger_count = static_cast<std::size_t>(trigger::by_hand) + 1;
std::string_view name_of(trigger what);
std::optional<trigger> trigger_named(std::string_view name);

/// The `rollback:` block of the configuration, with `rollout.grace`.
struct rollback_thresholds {
  double error_rate = 0.10;         ///< Upper limit.
  double response_ratio = 3.0;      ///< Upper limit, relative to the baseline; 0: not watched.
  double memory_use = 0.90;         ///< Upper limit; 0: not watched.
  double memory_efficiency = 0.20;  ///< Lower limit.
  double health = 0.60;             ///< Lower limit.
  double critical_alerts_s = 120;   ///< Longest time that a critical alert may be active.
  double success_rate = 0.80;       ///< Lower limit.
  double worker_memory = 1.5;       ///< Upper limit, relative to the baseline; 0: not watched.
  double grace_s = 30;              ///< How long a breach must last; alerts have their own time.
  std::uint64_t tasks_min = 10;     ///< With fewer tasks, rates and times are ignored.
};

struct tripped {
  trigger cause = trigger::error_rate;
  double value = 0;
  double threshold = 0;
  double since_s = 0;  ///< Start of the breach.
  double at_s = 0;
  std::string text;  ///< "error_rate 14.2 %, more than 10.0 % for 30 s"
};

/// Pass every sample of the intelligent pool; armed while that pool works (shadow, hybrid, full). A
/// trigger trips at the first sample at which a breach has lasted for its grace time without a
/// sample to the contrary. An absent value (no traffic) neither continues nor ends a breach until
/// it was absent for a whole grace time. After a trip the watch is silent until it is armed again.
class rollback_watch {
public:
  explicit rollback_watch(rollback_thresholds limits = {});

  void arm(double now_s);  ///< Resets all breaches. Does nothing when already armed.
  void disarm();
  bool armed() const { return armed_; }
  void set(const rollback_thresholds& limits) { limits_ = limits; }

  /// `critical_since_s`: since when a measured critical alert has been firing without interruption.
  /// Events (such as the rollback itself) do not count, or a rollback would trigger the next one.
  std::optional<tripped> observe(const monitoring::pool_sample& sample,
                                 std::optional<double> critical_since_s);

private:
  static constexpr std::size_t watched = 8;
  struct hold {
    std::optional<double> since_s;
    std::optional<double> absent_since_s;
    double value = 0;
  };
  double threshold_of(trigger what) const;
  double grace_of(trigger what) const;
  tripped describe(trigger what, double now_s) const;

  rollback_thresholds limits_;
  bool armed_ = false;
  double last_sample_s_ = 0;
  std::array<hold, watched> holds_{};
};

}  // namespace greenroom::runtime::rollout
