#include "runtime/pooling/call_rate_mixture.hpp"

#include <algorithm>
#include <cmath>

namespace greenroom::runtime {
namespace {

constexpr double mixture_step = 0.1;
constexpr float own_step = 0.1F;
// Errors are gathered up to this sum, or to the next visit.
constexpr float gather_max = 0.05F;
// The first steps divide by the root of these, so that a single error moves little.
constexpr double squares_at_start = 3.0;
constexpr float own_squares_at_start = 1.0F;
// No single observation moves the fleet's estimate by more than this (natural logarithm).
constexpr double shift_max = 0.1;
constexpr double own_shift_max = 1.0;
constexpr double weight_min = -0.5;
constexpr double weight_max = 1.5;
// The prior of a specialist's calibration, in visits.
constexpr double calibration_events = 20.0;
constexpr float calibration_fade = 0.998F;
// Visits from sessions add to the specialist's own visits. The pool assumes sources that describe
// the same visits and captures only a part; this share is added.
constexpr double promised_share = 0.5;
constexpr double log_rate_min = -25.0;
constexpr double log_rate_max = 3.0;

double calibration(const call_rate_mixture::own_trust& own) {
  return (static_cast<double>(own.came) + calibration_events)
         / (static_cast<double>(own.foreseen) + calibration_events);
}

}  // namespace

call_rate_mixture::call_rate_mixture() {
  for (const signal_entry& one : signal_table) m_.weight[index(one.which)] = one.weight_at_start;
  m_.squares.fill(squares_at_start);
}

call_rate_mixture::estimate call_rate_mixture::read(const own_trust& own,
                                                    const signal_values& values) const {
  double sum = values.base_log;
  for (std::size_t k = 0; k < signal_count; ++k) {
    sum += (m_.weight[k] + static_cast<double>(own.weight[k])) * values.x[k];
  }
  estimate answer;
  answer.raw = std::exp(std::clamp(sum, log_rate_min, log_rate_max));
  answer.rate =
      answer.raw * calibration(own) * gaps_.factor(values.gap_row, values.age_s, values.ahead_s)
      + promised_beside(values);
  return answer;
}

double call_rate_mixture::promised_beside(const signal_values& values) {
  return promised_share * values.promised;
}

void call_rate_mixture::learn(own_trust& own, const signal_values& values, double raw,
                              double lasted_s, bool came, double focus_rate) {
  const double foreseen = raw * lasted_s;
  gaps_.learn(values.gap_row, values.age_s, lasted_s, raw * calibration(own), came);
  own.foreseen += static_cast<float>(foreseen);
  if (came) {
    own.came = (own.came + 1.0F) * calibration_fade;
    own.foreseen *= calibration_fade;
  }
  const double error = std::min(1.0, foreseen - (came ? 1.0 : 0.0)) / (1.0 + raw / focus_rate);
  for (std::size_t k = 0; k < signal_count; ++k) {
    own.slope[k] += static_cast<float>(error * values.x[k]);
  }
  own.error += static_cast<float>(std::abs(error));
  // An idle time arrives in many small pieces; a step for each would cost more and gain nothing.
  if (came || own.error > gather_max) apply(own);
}

void call_rate_mixture::apply(own_trust& own) {
  std::array<double, signal_count> move{};
  std::array<float, signal_count> own_move{};
  double shift = 0;
  float own_shift = 0;
  for (std::size_t k = 0; k < signal_count; ++k) {
    const float slope = own.slope[k];
    const auto wide = static_cast<double>(slope);
    m_.squares[k] += wide * wide;
    own.squares[k] += slope * slope;
    move[k] = mixture_step * wide / std::sqrt(m_.squares[k]);
    own_move[k] = own_step * slope / std::sqrt(own_squares_at_start + own.squares[k]);
    // First-order change of the logarithm at the gathered signals.
    shift += move[k] * wide;
    own_shift += own_move[k] * slope;
  }
  const double size = std::max(1e-6, static_cast<double>(own.error));
  // `shift` is error × change of the logarithm: divided by the error it is the change.
  const double scale =
      std::min(1.0, shift_max * size * std::min(1.0, size) / std::max(1e-12, shift));
  const double own_scale = std::min(1.0, own_shift_max * size * std::min(1.0, size)
                                             / std::max(1e-12, static_cast<double>(own_shift)));
  for (std::size_t k = 0; k < signal_count; ++k) {
    m_.weight[k] = std::clamp(m_.weight[k] - scale * move[k], k == 0 ? -3.0 : weight_min,
                              k == 0 ? 3.0 : weight_max);
    own.weight[k] -= static_cast<float>(own_scale) * own_move[k];
  }
  own.slope.fill(0.0F);
  own.error = 0;
}

double call_rate_mixture::trust(const own_trust& own, signal which) const {
  return m_.weight[index(which)] + static_cast<double>(own.weight[index(which)]);
}

}  // namespace greenroom::runtime
