#include "runtime/pooling/warm_adaptation.hpp"

#include <algorithm>

namespace greenroom::runtime {
namespace {

constexpr double calm_s = 86'400;
// At least half of the configured slots stay: the memory budget handles further pressure.
std::size_t given_up_most(std::size_t slots_max) { return slots_max / 2; }

}  // namespace

void warm_adaptation::configure(double threshold, std::size_t slots_max, bool adaptive) {
  // A reload that leaves the threshold unchanged keeps the adapted value.
  if (threshold != configured_) {
    threshold_ = threshold;
    configured_ = threshold;
  }
  adaptive_ = adaptive;
  slots_max_ = std::max<std::size_t>(slots_max, 1);
  given_up_ = adaptive ? std::min(given_up_, given_up_most(slots_max_)) : 0;
  if (!adaptive) threshold_ = threshold;
}

bool warm_adaptation::observe(double memory_pressure, double hit_rate, double now_s) {
  if (!adaptive_) return false;
  // Pressure takes precedence: a missing slot costs time, missing memory costs workers.
  direction wanted = direction::still;
  if (memory_pressure > pressure_high) {
    wanted = direction::up;
  } else if (hit_rate >= 0 && hit_rate < hit_rate_low) {
    wanted = direction::down;
  }
  if (wanted != wanted_) {
    wanted_ = wanted;
    wanted_since_s_ = now_s;
  }
  if (wanted == direction::still) {
    if (now_s - moved_s_ >= calm_s && dwell_ > dwell_s) {
      dwell_ = std::max(dwell_s, dwell_ / 2);
      moved_s_ = now_s;
    }
    return false;
  }
  const bool turned = last_ != direction::still && wanted != last_;
  const double needed_s = turned ? std::min(2 * dwell_, dwell_longest_s) : dwell_;
  if (now_s - wanted_since_s_ < needed_s) return false;

  const double before = threshold_;
  const std::size_t given_before = given_up_;
  if (wanted == direction::up) {
    threshold_ = std::min(threshold_max, threshold_ + step);
    given_up_ = std::min(given_up_ + 1, given_up_most(slots_max_));
  } else {
    threshold_ = std::max(threshold_min, threshold_ - step);
    if (given_up_ > 0) --given_up_;
  }
  wanted_since_s_ = now_s;
  if (threshold_ == before && given_up_ == given_before) return false;
  if (turned) dwell_ = needed_s;
  last_ = wanted;
  moved_s_ = now_s;
  return true;
}

void warm_adaptation::remember(const memory& kept) {
  threshold_ = std::clamp(kept.threshold, threshold_min, threshold_max);
  given_up_ = std::min(kept.given_up, given_up_most(slots_max_));
}

}  // namespace greenroom::runtime
