// Signals: each source's estimate for one specialist at one moment, as the logarithm of its ratio
// to the specialist's long-run rate.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/pooling/arrival_history.hpp"
#include "runtime/pooling/gap_table.hpp"
#include "runtime/pooling/pace.hpp"
#include "runtime/pooling/warm_policy.hpp"

namespace greenroom::runtime {

enum class signal : std::uint8_t {
  bias,
  own_gaps,   ///< Hazard of the specialist's own idle times at the current age.
  timer,      ///< Its intervals repeat, and one is about to complete.
  after_one,  ///< As `timer`, for intervals after one like the last.
  after_two,  ///< As `timer`, for intervals after two like the last two.
  rate_30s,   ///< Recent visits against the next longer scale; also below.
  rate_2m,
  rate_5m,
  rate_14m,
  rate_40m,
  rate_2h,
  rate_6h,
  rate_18h,
  rate_2d,
  fleet_2m,  ///< The fleet's current rate against its long-run rate.
  fleet_15m,
  fleet_2h,
  hour,        ///< The specialist's hour of the day.
  weekday,     ///< The specialist's day of the week.
  alike_gaps,  ///< Hazard of all specialists at this age, in units of each one's rate.
  fleet_hour,  ///< The fleet's hour of the day.
  newcomer,    ///< Few visits so far.
  sessions,    ///< Sessions under way that used it, or its predecessor.
};
constexpr std::size_t index(signal which) { return static_cast<std::size_t>(which); }

/// One registered signal: how to add one is in the README of this folder.
struct signal_entry {
  signal which;
  const char* name;            ///< For people; `greenroom predict` shows it.
  double weight_at_start = 0;  ///< The mixture's trust before anything is learnt.
};
/// Every signal, in the order of the enumeration. A signal's position is part of saved state.
inline constexpr std::array signal_table{
    signal_entry{signal::bias, "bias"},
    signal_entry{signal::own_gaps, "own idle times", 0.4},
    signal_entry{signal::timer, "timer", 0.3},
    signal_entry{signal::after_one, "what follows such an interval", 0.3},
    signal_entry{signal::after_two, "what follows two such intervals", 0.3},
    signal_entry{signal::rate_30s, "last 30 s", 0.45},
    signal_entry{signal::rate_2m, "last 2 min", 0.45},
    signal_entry{signal::rate_5m, "last 5 min", 0.45},
    signal_entry{signal::rate_14m, "last 14 min", 0.45},
    signal_entry{signal::rate_40m, "last 40 min", 0.45},
    signal_entry{signal::rate_2h, "last 2 h", 0.45},
    signal_entry{signal::rate_6h, "last 6 h", 0.45},
    signal_entry{signal::rate_18h, "last 18 h", 0.45},
    signal_entry{signal::rate_2d, "last 2 days", 0.45},
    signal_entry{signal::fleet_2m, "fleet now (2 min)", 0.1},
    signal_entry{signal::fleet_15m, "fleet now (15 min)", 0.1},
    signal_entry{signal::fleet_2h, "fleet now (2 h)", 0.1},
    signal_entry{signal::hour, "hour of day", 0.1},
    signal_entry{signal::weekday, "day of week", 0.1},
    signal_entry{signal::alike_gaps, "idle times of others"},
    signal_entry{signal::fleet_hour, "fleet's hour of day"},
    signal_entry{signal::newcomer, "newcomer"},
    signal_entry{signal::sessions, "sessions under way", 0.3},
};
constexpr std::size_t signal_count = signal_table.size();
static_assert(
    [] {
      for (std::size_t i = 0; i < signal_count; ++i)
        if (index(signal_table[i].which) != i) return false;
      return true;
    }(),
    "the table has the order of the enumeration");
constexpr const char* signal_name(signal which) { return signal_table[index(which)].name; }

struct signal_values {
  double base = 0;      ///< The long-run rate, visits per second.
  double base_log = 0;  ///< The logarithm of `base`.
  std::array<double, signal_count> x{};
  double promised = 0;  ///< Visits per second that sessions under way promise.
  // For `gap_table`.
  std::uint32_t gap_row = 0;  ///< By its last interval.
  double age_s = 0;           ///< The idle time so far.
  double ahead_s = 1;         ///< Time until about the next assessment.
};

/// The fleet as a whole: its current rate, its hours, and how idle times end, in units of each
/// specialist's long-run rate (so that rare and busy specialists are comparable).
class fleet_rhythm {
public:
  void begin(double now_s);
  /// Times are policy time; hours and days are taken from the clock.
  void keep_pace(const pace& kept) { pace_ = kept; }
  double clock_s(double now_s) const { return pace_.clock(now_s); }
  double days_observed(double observed_s) const { return observed_s * pace_.unit() / 86400; }
  bool begun() const { return start_s_ >= 0; }
  double observed_s(double now_s) const;
  void visit(double now_s);
  void idle(double age_s, double lasted_s, double base_rate, bool ended);

  /// Values that are the same for all specialists at one moment, computed once.
  struct moment {
    double observed_s = 60;
    std::array<double, rate_scales> exposure_s{};  ///< Of each scale; shorter at first.
    double fleet_2m = 0;  ///< Logarithms of the fleet's rates over its long run.
    double fleet_15m = 0;
    double fleet_2h = 0;
    double fleet_hour = 0;
  };
  void refresh(double now_s);
  const moment& present() const { return present_; }

  /// Hazard at this age of a specialist whose long-run rate is `base_rate`.
  double alike_hazard(double age_s, double base_rate) const;
  /// Estimates fade, so that they follow a fleet that changes.
  static constexpr std::array<double, 4> scale_s{120, 900, 7200, 604800};

  struct memory {
    double start_s = -1;
    double counted_s = 0;
    std::array<double, 4> counts{};
    std::array<double, 24> hour{};
    std::array<double, age_bins> ended{};
    std::array<double, age_bins> expected{};
  };
  const memory& remembered() const { return m_; }
  void remember(const memory& kept) {
    m_ = kept;
    start_s_ = kept.start_s;
  }

private:
  double rate(std::size_t scale, double now_s) const;
  double hour_rate(double now_s, double prior_rate) const;

  memory m_;
  double start_s_ = -1;
  pace pace_;
  moment present_;
};

/// Time observed at one hour of the day (or one day of the week) in a span of `observed_s`; the
/// slot counts 1 and each neighbour a half.
double slot_exposure_s(double observed_s, std::size_t slots);

/// Reads every signal but `sessions`, which needs more than one specialist's history. `settle_s` is
/// the shortest idle time of interest. Constant work.
void read_signals(const arrival_history& one, const fleet_rhythm& fleet, double now_s,
                  double settle_s, signal_values& out);

/// An idle specialist is reassessed after this share of its idle time.
constexpr double look_again_share = 0.2;

/// How far from a remembered interval a timer may fire.
double timer_slack_s(double interval_s, double settle_s);

}  // namespace greenroom::runtime
