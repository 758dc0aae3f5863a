#include "runtime/pooling/prediction_referee.hpp"

#include <algorithm>
#include <cmath>

namespace greenroom::runtime {
namespace {

constexpr double keep_min_s = 1;
constexpr double keep_max_s = 604'800;
// Worse means by more than a tenth and by more than ten cold starts; less is chance.
constexpr double worse_ratio = 1.1;
constexpr std::uint64_t worse_margin = 10;

}  // namespace

void prediction_referee::open_window(double now_s) {
  opened_s_ = now_s;
  memory_s_ = shadow_memory_s_ = 0;
  cold_ = shadow_cold_ = 0;
  constrained_ = false;
}

void prediction_referee::visit(double gap_s) {
  if (gap_s > keep_s_) {
    ++shadow_cold_;
  } else {
    shadow_memory_s_ += gap_s;
  }
}

prediction_referee::verdict prediction_referee::judge(double now_s) {
  if (opened_s_ < 0) open_window(now_s);
  if (now_s - opened_s_ < window_s || cold_ + shadow_cold_ < judged_after) return verdict::none;
  const bool worse =
      cold_ > shadow_cold_ + worse_margin
      && static_cast<double>(cold_) > worse_ratio * static_cast<double>(shadow_cold_);
  // The comparison is valid only at about equal memory; the duration approaches that.
  const bool comparable =
      !constrained_ && memory_s_ > 0.9 * shadow_memory_s_ && shadow_memory_s_ > 0;
  if (predicting_ && memory_s_ > 0 && shadow_memory_s_ > 0) {
    const double ratio = std::clamp(memory_s_ / shadow_memory_s_, 0.25, 4.0);
    keep_s_ = std::clamp(keep_s_ * std::pow(ratio, 0.7), keep_min_s, keep_max_s);
  }
  open_window(now_s);
  if (!predicting_) {
    if (++paused_ < pause_) return verdict::none;
    predicting_ = true;
    bad_ = 1;  // After a retry one bad window is enough.
    return verdict::tried_again;
  }
  if (!comparable) return verdict::none;
  if (!worse) {
    bad_ = 0;
    pause_ = std::max(2U, pause_ / 2);
    return verdict::kept;
  }
  if (++bad_ < 2) return verdict::none;
  predicting_ = false;
  paused_ = 0;
  pause_ = std::min(pause_max, pause_ * 2);
  return verdict::switched_off;
}

}  // namespace greenroom::runtime
