#include "runtime/resilience/backoff.hpp"

#include <algorithm>
#include <cmath>

namespace greenroom::runtime {

std::chrono::nanoseconds backoff::delay(std::size_t failures, double chance) const {
  constexpr std::size_t doublings_max = 30;
  const auto doublings = std::min(failures == 0 ? 0 : failures - 1, doublings_max);
  const auto wanted =
      std::min(static_cast<double>(base.count()) * std::pow(2.0, static_cast<double>(doublings)),
               static_cast<double>(max.count()));
  return std::chrono::nanoseconds{std::llround(wanted * (1.0 + jitter * (2.0 * chance - 1.0)))};
}

}  // namespace greenroom::runtime
