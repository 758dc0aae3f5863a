#include "runtime/calendar.hpp"

#include <algorithm>
#include <cmath>

namespace greenroom::runtime {

std::size_t hour_of(double now_s) {
  const double in_day = now_s - day_s * std::floor(now_s / day_s);
  return std::min<std::size_t>(23, static_cast<std::size_t>(in_day / hour_s));
}

std::size_t weekday_of(double now_s) {
  const double days = std::floor(now_s / day_s);
  const double in_week = days - 7 * std::floor(days / 7);
  return std::min<std::size_t>(6, static_cast<std::size_t>(in_week));
}

}  // namespace greenroom::runtime
