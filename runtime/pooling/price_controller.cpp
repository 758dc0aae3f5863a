#include "runtime/pooling/price_controller.hpp"

#include <algorithm>
#include <cmath>

namespace greenroom::runtime {
namespace {

// Two days remember a night and the day before it.
constexpr double memory_s = 172'800;
// How fast the price follows: a factor of e in this time when the mean is off by its own size.
constexpr double fastest_s = 300;
constexpr double slowest_s = 14'400;

}  // namespace

void price_controller::observe(double share, double target, double now_s) {
  if (last_s_ < 0) last_s_ = now_s;
  const double passed_s = std::min(now_s - last_s_, 3600.0);
  if (passed_s <= 0 || target <= 0) return;
  last_s_ = now_s;
  const double fade = std::exp(-passed_s / memory_s);
  share_s_ = share_s_ * fade + share * passed_s;
  observed_s_ = observed_s_ * fade + passed_s;

  // Relative errors, so that 0.01 and 0.5 are approached alike; bounded, so that an idle night
  // does not run the price away. The mean decides; the present share only damps.
  const auto off = [target](double value) {
    return std::clamp((value - target) / std::max(value, target), -1.0, 1.0);
  };
  const double error = 0.8 * off(mean_share()) + 0.2 * off(share);
  const double follow_s = std::clamp(observed_s_ / 8.0, fastest_s, slowest_s);
  price_ = std::clamp(price_ * std::exp(error * passed_s / follow_s), price_min, price_max);
}

void price_controller::remember(const memory& kept) {
  price_ = std::clamp(kept.price, price_min, price_max);
  share_s_ = kept.share_s;
  observed_s_ = kept.observed_s;
  last_s_ = -1;
}

}  // namespace greenroom::runtime
