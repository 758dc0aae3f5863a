// The arrival history of one specialist: about a kilobyte, enough to estimate in constant time how
// likely the next arrival is now.
//
// A *visit* is an arrival that ends an idle time. Arrivals while the specialist is busy belong to
// the same visit: they need no decision, because a busy specialist stays warm.
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
/// minute to a week, so that one exponential and its cubes give all fades.
constexpr std::size_t rate_scales = 10;
constexpr std::array<double, rate_scales> rate_scale_s{30,   90,    270,   810,    2430,
                                                       7290, 21870, 65610, 196830, 590490};
/// The share of each scale's count that remains after `passed_s`.
std::array<double, rate_scales> fades_after(double passed_s);

constexpr std::size_t intervals_kept = 48;

struct arrival_history {
  std::array<float, rate_scales> recent{};         ///< Visits, faded over each scale, at `visit_s`.
  std::array<float, age_bins> ended{};             ///< Idle times that ended at this age …
  std::array<float, age_bins> lasted_s{};          ///< … and the time spent idle at this age.
  std::array<float, intervals_kept> interval_s{};  ///< Between visit starts, latest first.
  std::array<float, 24> hour{};                    ///< Visits by hour of the day.
  std::array<float, 7> weekday{};                  ///< Visits by day of the week.
  double visit_s = 0;                              ///< Start of the last visit.
  double idle_since_s = 0;
  std::uint64_t visits = 0;
  bool busy = false;

  /// An arrival after an idle time, or the first arrival.
  void visit(double now_s) { visit(now_s, now_s); }
  /// `clock_s`: clock time, where `now_s` is policy time.
  void visit(double now_s, double clock_s);

  [[nodiscard]] std::size_t intervals() const {
    return std::min<std::size_t>(intervals_kept, visits > 0 ? visits - 1 : 0);
  }
};

}  // namespace greenroom::runtime
