#include "protocols/base/time_text.hpp"

#include <chrono>
#include <cmath>

namespace greenroom::base {

std::string rfc3339(std::int64_t unix_ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> at{milliseconds{unix_ms}};
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss time{at - day};
  std::string result;
  result.reserve(24);
  const auto put = [&result](std::int64_t value, int digits, char behind) {
    std::int64_t weight = 1;
    for (int i = 1; i < digits; ++i) weight *= 10;
    for (; weight > 0; weight /= 10) result += static_cast<char>('0' + value / weight % 10);
    result += behind;
  };
  put(static_cast<int>(date.year()), 4, '-');
  put(static_cast<unsigned>(date.month()), 2, '-');
  put(static_cast<unsigned>(date.day()), 2, 'T');
  put(time.hours().count(), 2, ':');
  put(time.minutes().count(), 2, ':');
  put(time.seconds().count(), 2, '.');
  put(time.subseconds().count(), 3, 'Z');
  return result;
}

std::string rfc3339_of_seconds(double unix_s) {
  return rfc3339(static_cast<std::int64_t>(std::llround(unix_s * 1000)));
}

}  // namespace greenroom::base
