// What is remembered of one specialist's arrivals: enough to say, in constant time and about a
// kilobyte, how likely the next one is now.
//
// A *visit* is an arrival that ends an idle time. Arrivals that find the specialist busy are part
// of the visit: they need no decision, since one that is busy stays.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace greenroom::runtime {

/// Idle times in bins of a quarter octave, from a quarter of a second to beyond a week.
constexpr std::size_t age_bins = 88;
std::size_t age_bin(double age_s);
/// Lower edge of a bin; bin 0 begins at 0.
double age_bin_from_s(std::size_t bin);

/// Time constants over which visits are averaged: each three times the one before, from half a
/// minute to a week, so that one exponential and its cubes fade them all.
constexpr std::size_t rate_scales = 10;
constexpr std::array<double, rate_scales> rate_scale_s{30,   90,    270,   810,    2430,
                                                       7290, 21870, 65610, 196830, 590490};
/// How much is left of a count of each scale after `passed_s`.
std::array<double, rate_scales> fades_after(double passed_s);

constexpr std::size_t intervals_kept = 48;

struct arrival_history {
  std::array<float, rate_scales> recent{};  ///< Visits, each fading over its scale, at `visit_s`.
  std::array<float, age_bins> ended{};      ///< Idle times that ended at this age …
  std::array<float, age_bins> lasted_s{};   ///< … and the time spent idle at this age.
  std::array<float, intervals_kept> interval_s{};  ///< From visit to visit, the last one first.
  std::array<float, 24> hour{};                    ///< Visits by hour of the day.
  std::array<float, 7> weekday{};                  ///< Visits by day of the week.
  double visit_s = 0;                              ///< Start of the last visit.
  double idle_since_s = 0;
  std::uint64_t visits = 0;
  bool busy = false;

  /// An arrival after an idle time, or the very first.
  void visit(double now_s) { visit(now_s, now_s); }
  /// `clock_s`: by the clock on the wall, which may run at another pace.
  void visit(double now_s, double clock_s);

  /// How many intervals are remembered.
  [[nodiscard]] std::size_t intervals() const {
    return std::min<std::size_t>(intervals_kept, visits > 0 ? visits - 1 : 0);
  }
};

}  // namespace greenroom::runtime
