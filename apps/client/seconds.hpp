// Durations as plain numbers of seconds, for output and files.
#pragma once

#include <chrono>

namespace greenroom::apps {

template <class Rep, class Period>
[[nodiscard]] constexpr double seconds_of(std::chrono::duration<Rep, Period> value) {
  return std::chrono::duration<double>{value}.count();
}

}  // namespace greenroom::apps
