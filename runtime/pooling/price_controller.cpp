#include "runtime/pooling/price_controller.hpp"

#include <algorithm>
#include <cmath>

namespace greenroom::runtime {
namespace {

// Two days contain a night and the day before it.
constexpr double memory_s = 172'800;
// The initial price keeps a specialist for some minutes, as most systems do.
constexpr double price_at_start = 1e-4;
constexpr double believed_after_s = 600;
constexpr double correction_most = 2.0;

const double log_min = std::log(price_controller::price_min);
const double log_step = (std::log(price_controller::price_max) - log_min)
                        / static_cast<double>(price_controller::steps);

double price_of(std::size_t step) {
  return std::exp(log_min + log_step * static_cast<double>(step));
}

}  // namespace

void price_controller::idle(double value, double memory_mb, double lasted_s) {
  if (!(value > price_min)) return;
  const double step = (std::log(value) - log_min) / log_step;
  m_.spent[std::min(steps - 1, static_cast<std::size_t>(step))] += memory_mb * lasted_s;
}

void price_controller::observe(double share, double busy_share, double memory_total_mb,
                               double now_s) {
  if (last_s_ < 0) last_s_ = now_s;
  const double passed_s = std::min(now_s - last_s_, 3600.0);
  if (passed_s <= 0) return;
  last_s_ = now_s;
  const double fade = std::exp(-passed_s / memory_s);
  for (double& one : m_.spent) one *= fade;
  m_.share_s = m_.share_s * fade + share * passed_s;
  m_.busy_s = m_.busy_s * fade + busy_share * passed_s;
  m_.observed_s = m_.observed_s * fade + passed_s;
  m_.total_mb = memory_total_mb;
}

double price_controller::mean_share() const {
  return m_.observed_s > 0 ? m_.share_s / m_.observed_s : 0;
}

double price_controller::price(double target) const {
  if (m_.observed_s < believed_after_s) return price_at_start;
  // Half of the difference to the memory in use is treated as systematic.
  const double error = mean_share() > 0 ? target / mean_share() : 1.0;
  const double wanted = target * std::clamp(std::sqrt(error), 1 / correction_most, 1.25);
  double left = (wanted * m_.observed_s - m_.busy_s) * m_.total_mb;
  for (std::size_t step = steps; step-- > 0;) {
    if (m_.spent[step] >= left) {
      // Within the step the memory is assumed to be spread evenly over the logarithm.
      const double share = m_.spent[step] > 0 ? std::max(0.0, left) / m_.spent[step] : 0;
      return price_of(step) * std::exp(log_step * (1.0 - share));
    }
    left -= m_.spent[step];
  }
  return price_min;
}

void price_controller::remember(const memory& kept) {
  m_ = kept;
  last_s_ = -1;
}

}  // namespace greenroom::runtime
