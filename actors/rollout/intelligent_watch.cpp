#include "actors/rollout/intelligent_watch.hpp"

#include "actors/state/rollout_settings.hpp"
#include "actors/state/units.hpp"
#include "runtime/monitoring/response_ratio.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace greenroom::actors {

using protocols::pool_kind;
using runtime::monitoring::pool_sample;
using runtime::rollout::mode;

namespace {

constexpr double window_min_s = 10;
constexpr double late_look_s = 5;  // No load makes a look that late.

}  // namespace

intelligent_watch::intelligent_watch(const pool_watch_parts& parts) : parts_{parts} {
  const auto interval_s = seconds_of(parts_.catalogs.now().config.rollout.check_interval);
  const auto window_s = std::max(2 * interval_s, window_min_s);
  for (const auto kind : {pool_kind::intelligent, pool_kind::baseline})
    samplers_.emplace_back(parts_.sampling, kind, window_s);
  adopt_thresholds();
}

void intelligent_watch::adopt_thresholds() {
  watch_.set(thresholds_of(parts_.catalogs.now().config));
}

pool_sample intelligent_watch::sample_baseline(double now_s) {
  return samplers_[index_of(pool_kind::baseline)].take(now_s);
}

// At 100 % the baseline pool has no tasks; its last mean is still what users had.
void intelligent_watch::learn_baseline(double now_s) {
  const auto enough = parts_.catalogs.now().config.rollback.min_samples;
  const auto baseline = sample_baseline(now_s);
  if (baseline.response_mean_ms && baseline.tasks >= enough)
    baseline_mean_ms_ = baseline.response_mean_ms;
  if (baseline_mean_ms_) return;
  // After a restart at 100 % the rollout still has it.
  baseline_mean_ms_ = parts_.board.read([&](const status_board::content& board) {
    const auto* kept = board.rollout ? &board.rollout->compared_with() : nullptr;
    return kept != nullptr && kept->tasks >= enough ? kept->latency_ms.mean()
                                                    : std::optional<double>{};
  });
}

pool_sample intelligent_watch::take_sample(double now_s) {
  using namespace runtime::monitoring;
  const auto& config = parts_.catalogs.now().config;
  auto sample = samplers_[index_of(pool_kind::intelligent)].take(now_s);
  learn_baseline(now_s);
  sample.plain_response_ratio = plain_ratio(sample.response_mean_ms, baseline_mean_ms_);
  sample.response_ratio =
      counted_ratio(sample.response_mean_ms, baseline_mean_ms_, slack_of(config));
  health_ = health_score(sample);
  sample.health = health_.score;
  if (parts_.routes.now().routes != mode::shadow) return sample;
  // In shadow the pool begins cold, and no caller waits for its starts: response times count once
  // there are enough samples to judge them. Errors and memory count from the beginning.
  const auto judged = parts_.board.read([](const status_board::content& board) {
    return board.rollout ? board.rollout->canary().tasks : 0;
  });
  if (judged < std::max(config.rollout.min_samples, config.rollback.min_samples)) {
    sample.response_ratio.reset();
    sample.health.reset();
  }
  return sample;
}

std::optional<double> intelligent_watch::critical_since(mode routes) const {
  // Beside another pool only the intelligent pool's own alerts count against it.
  const std::string_view subject = routes == mode::full ? "node" : "pool:intelligent";
  return parts_.board.read([&](const status_board::content& board) {
    std::optional<double> since;
    for (const auto& one : board.firing)
      if (one.level == runtime::monitoring::severity::critical && one.subject == subject
          && one.rule != runtime::monitoring::rollback_triggered
          && (!since || one.firing_since_s < *since))
        since = one.firing_since_s;
    return since;
  });
}

std::optional<runtime::rollout::tripped> intelligent_watch::look(double now_s) {
  const auto rules = parts_.routes.now().routes;
  if (rules != mode::shadow && rules != mode::hybrid && rules != mode::full) {
    disarm();
    return std::nullopt;
  }
  // After a pause of the node the samples say nothing of the pool.
  const auto before_s = std::exchange(looked_s_, now_s);
  const auto interval_s = seconds_of(parts_.catalogs.now().config.rollout.check_interval);
  if (before_s > 0 && now_s - before_s > 2 * interval_s + late_look_s) disarm();
  if (!watch_.armed()) {
    for (auto& one : samplers_) one.forget();
    watch_.arm(now_s);
  }
  const auto sample = take_sample(now_s);
  parts_.board.write([&](status_board::content& board) {
    board.watched_efficiency = sample.memory_efficiency;
    board.watched_at_s = now_s;
  });
  return watch_.observe(sample, critical_since(rules));
}

}  // namespace greenroom::actors
