// Hours and days in UTC: a schedule needs no zone to repeat.
#pragma once

#include <cstddef>

namespace greenroom::runtime {

inline constexpr double hour_s = 3600;
inline constexpr double day_s = 86'400;

/// Of the day, from 0. Times are seconds since 1970.
std::size_t hour_of(double now_s);
/// From 0, which was a Thursday.
std::size_t weekday_of(double now_s);

}  // namespace greenroom::runtime
