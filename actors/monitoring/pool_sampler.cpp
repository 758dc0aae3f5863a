#include "actors/monitoring/pool_sampler.hpp"

#include "actors/state/units.hpp"
#include "runtime/monitoring/health_score.hpp"

#include <algorithm>

namespace greenroom::actors {

using machine::task_outcome;
using runtime::monitoring::pool_sample;

namespace {

constexpr double unit_ns = 1 << 20;

std::uint64_t grown(std::uint64_t now, std::uint64_t before) {
  return now > before ? now - before : 0;
}

std::optional<double> share(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

std::uint64_t seen_bytes_of(const sampler_parts& where, std::uint32_t who) {
  for (const auto kind : {protocols::pool_kind::baseline, protocols::pool_kind::intelligent})
    if (const auto seen = where.pools.of(kind).specialists[who].gauge.memory_seen_bytes.load(
            std::memory_order_relaxed);
        seen > 0)
      return seen;
  return 0;
}

// How many tasks and copies a worker has completed.
std::uint64_t asked_of(const sampler_parts& where, protocols::pool_kind kind, std::uint32_t who) {
  const auto& record = where.pools.of(kind).specialists[who];
  const auto completed = static_cast<std::size_t>(task_outcome::completed);
  return machine::count_of(record.gauge.ends[completed])
         + machine::count_of(record.shadow_ends[completed]);
}

}  // namespace

std::optional<double> worker_memory_ratio(const sampler_parts& where) {
  using protocols::pool_kind;
  constexpr std::uint64_t asked_least = 3;
  constexpr double growth_least = 16 * bytes_per_mb;
  // One among many that grows: so much, and twice the share that all of them may.
  constexpr double one_growth_least = 48 * bytes_per_mb;
  constexpr double one_share = 0.5;
  const auto& catalog = where.catalogs.now();
  double smart_bytes = 0;
  double plain_bytes = 0;
  double count = 0;
  double worst = 0;
  for (std::uint32_t i = 0; i < catalog.members.size(); ++i) {
    const auto& one = catalog.members[i];
    if (one.gone || one.config.backend.kind == config::backend_kind::function) continue;
    const auto here = static_cast<double>(where.pools.of(pool_kind::intelligent)
                                              .specialists[i]
                                              .gauge.memory_bytes.load(std::memory_order_relaxed));
    const auto there =
        static_cast<double>(where.pools.of(pool_kind::baseline)
                                .specialists[i]
                                .gauge.memory_seen_bytes.load(std::memory_order_relaxed));
    if (here <= 0 || there <= 0) continue;
    if (asked_of(where, pool_kind::intelligent, i) < asked_least
        || asked_of(where, pool_kind::baseline, i) < asked_least)
      continue;
    smart_bytes += here;
    plain_bytes += there;
    count += 1;
    if (here - there >= one_growth_least) worst = std::max(worst, one_share * here / there);
  }
  if (count == 0) return std::nullopt;
  const auto all = smart_bytes / plain_bytes;
  const bool grown_much = smart_bytes - plain_bytes >= count * growth_least;
  return std::max(grown_much ? all : std::min(all, 1.0), worst);
}

double always_warm_bytes(const sampler_parts& where) {
  const auto& catalog = where.catalogs.now();
  double seen_bytes = 0;
  std::size_t seen = 0;
  std::size_t unseen = 0;
  for (std::uint32_t i = 0; i < catalog.members.size(); ++i) {
    const auto& one = catalog.members[i];
    if (one.gone || one.config.backend.kind == config::backend_kind::function) continue;
    const auto measured = seen_bytes_of(where, i);
    seen_bytes += static_cast<double>(measured);
    ++(measured > 0 ? seen : unseen);
  }
  if (seen == 0) return 0;
  return seen_bytes + static_cast<double>(unseen) * seen_bytes / static_cast<double>(seen);
}

pool_memory memory_of(const sampler_parts& where, protocols::pool_kind pool) {
  const auto& catalog = where.catalogs.now();
  pool_memory result;
  double nominal_used = 0;
  double nominal_all = 0;
  for (std::uint32_t i = 0; i < catalog.members.size(); ++i) {
    const auto& one = catalog.members[i];
    if (one.gone || one.config.backend.kind == config::backend_kind::function) continue;
    const auto& gauge = where.pools.of(pool).specialists[i].gauge;
    const auto state = gauge.state.load(std::memory_order_relaxed);
    const bool up = state != worker_state::cold && state != worker_state::failed;
    const auto now = gauge.memory_bytes.load(std::memory_order_relaxed);
    nominal_all += one.config.memory_mb;
    if (up) nominal_used += one.config.memory_mb;
    result.used_mb +=
        static_cast<double>(up && now == 0 ? seen_bytes_of(where, i) : now) / bytes_per_mb;
  }
  result.always_mb = always_warm_bytes(where) / bytes_per_mb;
  if (result.always_mb == 0) return {nominal_used, nominal_all};
  return result;
}

void pool_sampler::forget() {
  readings_.clear();
  times_ = runtime::monitoring::quantile_window{window_s_, slices};
  times_before_ = parts_.pools.of(pool_).gauge.times();
}

// Durations are counted in units of 2^20 ns (about a millisecond), so that the pool's buckets are
// the window's and nothing is rounded twice.
void pool_sampler::add_times(double now_s) {
  const auto now = parts_.pools.of(pool_).gauge.times();
  for (std::size_t i = 0; i < now.size(); ++i)
    if (const auto fresh = grown(now[i], times_before_[i]); fresh > 0) {
      times_.add(machine::latency_histogram::middle_of(i) / unit_ns, now_s,
                 static_cast<std::uint32_t>(fresh));
      times_count_ += fresh;
    }
  times_before_ = now;
}

pool_sampler::reading pool_sampler::read_counters(double now_s) {
  const auto& gauge = parts_.pools.of(pool_).gauge;
  reading now;
  now.at_s = now_s;
  for (std::size_t i = 0; i < now.ends.size(); ++i) now.ends[i] = gauge.ends(i);
  now.refused = parts_.ends.refused(pool_);
  now.shed = machine::count_of(gauge.shed_open);
  now.warm_hits = machine::count_of(gauge.warm_hits);
  now.cold_starts = machine::count_of(gauge.cold_starts);
  now.prewarms = machine::count_of(gauge.prewarms);
  now.prewarm_hits = machine::count_of(gauge.prewarm_hits);
  now.sum_ns = gauge.time_sum_ns();
  add_times(now_s);
  now.times = times_count_;
  return now;
}

void pool_sampler::count_specialists(pool_sample& result) const {
  const auto& catalog = parts_.catalogs.now();
  const auto& pool = parts_.pools.of(pool_);
  double waiting = 0;
  for (std::size_t i = 0; i < catalog.members.size(); ++i) {
    if (catalog.members[i].gone) continue;
    ++result.specialists;
    const auto& gauge = pool.specialists[i].gauge;
    const auto state = gauge.state.load(std::memory_order_relaxed);
    if (is_up(state)) ++result.warm;
    if (state == worker_state::failed
        || gauge.open_until_ns.load(std::memory_order_relaxed) > parts_.clock.now_ns())
      ++result.failed;
    const auto depth = gauge.depth();
    waiting += depth - std::min(depth, gauge.running.load(std::memory_order_relaxed));
  }
  result.queue_depth = waiting;
}

void pool_sampler::add_memory(const pool_memory& memory, reading& now) {
  const auto passed = last_s_ > 0 ? std::max(now.at_s - last_s_, 0.0) : 0;
  last_s_ = now.at_s;
  used_mb_s_ += memory.used_mb * passed;
  always_mb_s_ += memory.always_mb * passed;
  now.used_mb_s = used_mb_s_;
  now.always_mb_s = always_mb_s_;
}

void pool_sampler::set_rates(const reading& before, const reading& now, pool_sample& result) {
  const auto ended = [&](task_outcome which) {
    const auto at = static_cast<std::size_t>(which);
    return grown(now.ends[at], before.ends[at]);
  };
  const auto bad =
      ended(task_outcome::failed) + ended(task_outcome::timeout) + ended(task_outcome::unknown);
  const auto shed = grown(now.shed, before.shed);
  result.errors = bad - std::min(bad, grown(now.refused, before.refused)) + shed;
  result.tasks = ended(task_outcome::completed) + bad + shed;
  result.error_rate = share(result.errors, result.tasks);
  if (result.error_rate) result.success_rate = 1 - *result.error_rate;
  const auto hits = grown(now.warm_hits, before.warm_hits);
  const auto colds = grown(now.cold_starts, before.cold_starts);
  result.warm_hit_rate = share(hits, hits + colds);
  result.cold_start_rate = share(colds, hits + colds);
  const auto prewarms = grown(now.prewarms, before.prewarms);
  constexpr std::uint64_t prewarms_least = 10;
  if (prewarms >= prewarms_least)
    result.prediction_accuracy =
        std::min(1.0, static_cast<double>(grown(now.prewarm_hits, before.prewarm_hits))
                          / static_cast<double>(prewarms));
}

void pool_sampler::set_times(const reading& before, const reading& now, pool_sample& result) {
  const auto times = times_.summary(now.at_s);
  const auto all = grown(now.times, before.times);
  if (times.count == 0 || all == 0) return;
  result.response_mean_ms =
      static_cast<double>(grown(now.sum_ns, before.sum_ns)) * ms_per_ns / static_cast<double>(all);
  result.response_p50_ms = *times.p50 * unit_ns * ms_per_ns;
  result.response_p95_ms = *times.p95 * unit_ns * ms_per_ns;
  result.response_p99_ms = *times.p99 * unit_ns * ms_per_ns;
}

pool_sample pool_sampler::take(double now_s) {
  auto now = read_counters(now_s);
  const auto& config = parts_.catalogs.now().config;
  pool_sample result;
  result.at_s = now_s;
  result.pool = protocols::to_string(pool_);
  result.profile = config.profile;
  count_specialists(result);
  const auto memory = memory_of(parts_, pool_);
  result.memory_mb = memory.used_mb;
  result.always_warm_memory_mb = memory.always_mb;
  if (const auto budget = config.pool.memory_budget_mb; budget > 0)
    result.memory_use = memory.used_mb / budget;
  add_memory(memory, now);
  while (readings_.size() > 1 && now_s - readings_[1].at_s >= window_s_) readings_.pop_front();
  readings_.push_back(now);
  const auto& before = readings_.front();
  set_rates(before, now, result);
  set_times(before, now, result);
  const auto always = now.always_mb_s - before.always_mb_s;
  if (always > 0)
    result.memory_efficiency =
        std::clamp(1 - (now.used_mb_s - before.used_mb_s) / always, 0.0, 1.0);
  else if (memory.always_mb > 0)  // The first sample: the efficiency of this moment.
    result.memory_efficiency = std::clamp(1 - memory.used_mb / memory.always_mb, 0.0, 1.0);
  if (pool_ == protocols::pool_kind::intelligent)
    result.worker_memory_ratio = worker_memory_ratio(parts_);
  return result;
}

pool_sample served_sample(const sampler_parts& where, const std::array<pool_sample, 2>& of) {
  using runtime::rollout::mode;
  const auto rules = where.routes.now();
  const auto main = static_cast<std::size_t>(where.routes.main());
  auto result = of[main];
  if (rules.routes != mode::hybrid) return result;
  // Both answer: rates and times are of all tasks together, the rest is the intelligent pool's.
  const auto weighted = [&](std::optional<double> pool_sample::*field) -> std::optional<double> {
    const auto& a = of[index_of(protocols::pool_kind::intelligent)].*field;
    const auto& b = of[index_of(protocols::pool_kind::baseline)].*field;
    if (!a || !b) return a ? a : b;
    const auto all = static_cast<double>(of[index_of(protocols::pool_kind::intelligent)].tasks
                                         + of[index_of(protocols::pool_kind::baseline)].tasks);
    if (all <= 0) return a;
    return (*a * static_cast<double>(of[index_of(protocols::pool_kind::intelligent)].tasks)
            + *b * static_cast<double>(of[index_of(protocols::pool_kind::baseline)].tasks))
           / all;
  };
  result.error_rate = weighted(&pool_sample::error_rate);
  result.success_rate = weighted(&pool_sample::success_rate);
  result.warm_hit_rate = weighted(&pool_sample::warm_hit_rate);
  result.cold_start_rate = weighted(&pool_sample::cold_start_rate);
  result.response_mean_ms = weighted(&pool_sample::response_mean_ms);
  result.queue_depth = of[index_of(protocols::pool_kind::intelligent)].queue_depth
                       + of[index_of(protocols::pool_kind::baseline)].queue_depth;
  result.tasks = of[index_of(protocols::pool_kind::intelligent)].tasks
                 + of[index_of(protocols::pool_kind::baseline)].tasks;
  result.errors = of[index_of(protocols::pool_kind::intelligent)].errors
                  + of[index_of(protocols::pool_kind::baseline)].errors;
  return result;
}

}  // namespace greenroom::actors
