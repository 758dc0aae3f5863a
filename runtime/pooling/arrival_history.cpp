#include "runtime/pooling/arrival_history.hpp"

#include <algorithm>
#include <cmath>

#include "runtime/calendar.hpp"

namespace greenroom::runtime {
namespace {

constexpr double first_bin_s = 0.25;
constexpr double bins_per_octave = 4;

}  // namespace

std::size_t age_bin(double age_s) {
  if (!(age_s > first_bin_s)) return 0;
  const double bin = bins_per_octave * std::log2(age_s / first_bin_s);
  return std::min(age_bins - 1, static_cast<std::size_t>(bin));
}

double age_bin_from_s(std::size_t bin) {
  return bin == 0 ? 0 : first_bin_s * std::exp2(static_cast<double>(bin) / bins_per_octave);
}

std::array<double, rate_scales> fades_after(double passed_s) {
  std::array<double, rate_scales> left{};
  left[rate_scales - 1] = std::exp(-std::max(0.0, passed_s) / rate_scale_s[rate_scales - 1]);
  for (std::size_t k = rate_scales - 1; k-- > 0;) {
    left[k] = left[k + 1] * left[k + 1] * left[k + 1];
  }
  return left;
}

void arrival_history::visit(double now_s, double clock_s) {
  const auto left = fades_after(now_s - visit_s);
  for (std::size_t k = 0; k < rate_scales; ++k) {
    recent[k] = static_cast<float>(static_cast<double>(recent[k]) * left[k] + 1.0);
  }
  if (visits > 0) {
    std::copy_backward(interval_s.begin(), interval_s.end() - 1, interval_s.end());
    interval_s[0] = static_cast<float>(now_s - visit_s);
  }
  // Old habits count less than new ones: halving bounds the sums and keeps the ratios.
  constexpr float half_at = 512;
  float& in_hour = hour[hour_of(clock_s)];
  in_hour += 1.0F;
  weekday[weekday_of(clock_s)] += 1.0F;
  visit_s = now_s;
  ++visits;
  if (in_hour >= half_at * 16) {
    for (float& one : hour) one *= 0.5F;
    for (float& one : weekday) one *= 0.5F;
  }
}

}  // namespace greenroom::runtime
