// When must everything go back to the baseline? A watch that knows nothing of phases.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/monitoring/pool_sample.hpp"

namespace greenroom::runtime::rollout {

/// Why a rollback happened. The first eight are watched; the others are told.
enum class trigger : std::uint8_t {
  error_rate,
  response_time,
  memory_use,
  memory_efficiency,
  health,
  critical_alerts,
  success_rate,
  worker_memory,  ///< Of the intelligent pool's workers, over that of the baseline's own.
  judge,          ///< The rollout's judge was certain.
  by_hand,        ///< An operator.
};
std::string_view name_of(trigger what);
std::optional<trigger> trigger_named(std::string_view name);

/// The `rollback:` block of the configuration, with `rollout.grace`.
struct rollback_thresholds {
  double error_rate = 0.10;         ///< More than.
  double response_ratio = 3.0;      ///< More than, of the baseline's response time.
  double memory_use = 0.90;         ///< More than.
  double memory_efficiency = 0.20;  ///< Less than.
  double health = 0.60;             ///< Less than.
  double critical_alerts_s = 120;   ///< A critical alert standing for more than.
  double success_rate = 0.80;       ///< Less than.
  double worker_memory = 1.5;       ///< More than, of the baseline's own; 0: not watched.
  double grace_s = 30;              ///< How long each but the alerts, which have their own, holds.
  std::uint64_t tasks_min = 10;     ///< Rates and times of fewer tasks than this say nothing.
};

struct tripped {
  trigger cause = trigger::error_rate;
  double value = 0;
  double threshold = 0;
  double since_s = 0;  ///< Since when it held.
  double at_s = 0;
  std::string text;  ///< "error_rate 14.2 %, more than 10.0 % for 30 s"
};

/// Told every sample of the intelligent pool, armed whenever that pool works (shadow, hybrid,
/// full). A trigger trips at the first sample at which it has held, without a sample to the
/// contrary, for its grace. A value that is absent (no traffic) neither holds nor denies until it
/// was absent for a whole grace. Having tripped, it is silent until it is armed again.
class rollback_watch {
public:
  explicit rollback_watch(rollback_thresholds limits = {});

  void arm(double now_s);  ///< Forgets what it saw. Nothing when it is armed already.
  void disarm();
  bool armed() const { return armed_; }
  void set(const rollback_thresholds& limits) { limits_ = limits; }

  /// `critical_since_s`: since when a measured critical alert has been firing without a break.
  /// Events (the rollback itself) do not count, or one rollback would ask for the next.
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
