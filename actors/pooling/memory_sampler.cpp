#include "actors/pooling/memory_sampler.hpp"

#include "actors/monitoring/pool_sampler.hpp"

#include <utility>

namespace greenroom::actors {

namespace {

void add(memory_sum& to, std::uint64_t used, std::uint64_t always, std::uint64_t passed_ms) {
  to.used_kib_ms.fetch_add(used / 1024 * passed_ms, std::memory_order_relaxed);
  to.always_kib_ms.fetch_add(always / 1024 * passed_ms, std::memory_order_relaxed);
}

}  // namespace

double cpu_share_of(const machine::specialist_gauge& gauge) {
  if (gauge.pid.load(std::memory_order_relaxed) <= 0) return 0;
  return gauge.cpu_permille.load(std::memory_order_relaxed) * 1e-3;
}

void memory_sampler_state::measure_processor(protocols::pool_kind kind, std::uint32_t who, int pid,
                                             std::chrono::milliseconds used, std::int64_t now_ns) {
  auto& before = readings_[index_of(kind)][who];
  auto& gauge = parts_->pools.of(kind).specialists[who].gauge;
  double share = 0;
  // A child process that has ended takes its time along, so the sum may shrink.
  if (before.pid == pid && now_ns > before.at_ns && used > before.used)
    share = static_cast<double>((used - before.used).count()) * 1e6
            / static_cast<double>(now_ns - before.at_ns);
  gauge.cpu_permille.store(static_cast<std::uint32_t>(share * 1e3), std::memory_order_relaxed);
  before = {pid, now_ns, used};
}

void memory_sampler_state::sample_pool(protocols::pool_kind kind, std::int64_t now_ns) {
  auto& pool = parts_->pools.of(kind);
  if (!pool.open) return;
  const auto count = parts_->catalogs.now().members.size();
  protocols::memory_survey found;
  readings_[index_of(kind)].resize(count);
  for (std::uint32_t who = 0; who < count; ++who) {
    auto& gauge = pool.specialists[who].gauge;
    const auto pid = gauge.pid.load(std::memory_order_relaxed);
    if (pid <= 0) continue;
    const auto usage = measure_(pid);
    const auto bytes = usage.memory_bytes;
    // The worker may have been stopped while it was measured.
    if (bytes == 0 || gauge.pid.load(std::memory_order_relaxed) != pid) continue;
    gauge.memory_bytes.store(bytes, std::memory_order_relaxed);
    const auto before = gauge.memory_seen_bytes.load(std::memory_order_relaxed);
    gauge.memory_seen_bytes.store(before == 0 ? bytes : before - before / 4 + bytes / 4,
                                  std::memory_order_relaxed);
    measure_processor(kind, who, pid, usage.processor_time, now_ns);
    found.specialists.push_back(who);
    found.bytes.push_back(bytes);
  }
  const auto& to = pool_actors_[index_of(kind)];
  if (!found.specialists.empty() && to) self_->send(to, std::move(found));
}

std::uint64_t memory_sampler_state::bytes_used_by(protocols::pool_kind kind) const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < parts_->catalogs.now().members.size(); ++i)
    sum += parts_->pools.of(kind).specialists[i].gauge.memory_bytes.load(std::memory_order_relaxed);
  return sum;
}

void memory_sampler_state::sum_up(std::uint64_t passed_ms) {
  using protocols::pool_kind;
  const auto always = static_cast<std::uint64_t>(always_warm_bytes(parts_->sampling));
  const auto intelligent_bytes = bytes_used_by(pool_kind::intelligent);
  const auto baseline_bytes = bytes_used_by(pool_kind::baseline);
  // A pool that was emptied does not save memory: it does not work.
  const bool works = parts_->pools.of(pool_kind::intelligent).open
                     && parts_->routes.now().routes != runtime::rollout::mode::fallback;
  if (works) add(parts_->memory.intelligent, intelligent_bytes, always, passed_ms);
  // The cost of a rollout while it lasts says nothing of the time before and after it.
  const bool both =
      works && parts_->pools.of(pool_kind::baseline).open && parts_->routes.baseline_warm.load();
  if (std::exchange(two_pools_, both) != both) {
    parts_->memory.all.used_kib_ms = 0;
    parts_->memory.all.always_kib_ms = 0;
  }
  add(parts_->memory.all, intelligent_bytes + baseline_bytes, always, passed_ms);
}

void memory_sampler_state::on_pool(const protocols::pool_joined& news) {
  pool_actors_[index_of(news.kind)] = news.pool;
}

void memory_sampler_state::on_sample() {
  catalog_reader::turn();  // A detached actor has a thread of its own.
  parts_->clock.read_wall_clock();
  const auto now_ns = self_->clock().now().time_since_epoch().count();
  const auto passed_ms =
      static_cast<std::uint64_t>(last_ns_ == 0 ? 0 : (now_ns - last_ns_) / 1'000'000);
  last_ns_ = now_ns;
  for (const auto kind : {protocols::pool_kind::intelligent, protocols::pool_kind::baseline})
    sample_pool(kind, now_ns);
  sum_up(passed_ms);
  self_->delayed_send(self_, period_, sample_atom::value);
}

void memory_sampler_state::open(memory_sampler_self::stateful_pointer<memory_sampler_state> actor,
                                const memory_sampler_parts& from, usage_gauge gauge,
                                std::chrono::milliseconds every) {
  self_ = actor;
  parts_.emplace(from);
  measure_ = std::move(gauge);
  period_ = every;
  self_->delayed_send(self_, period_, sample_atom::value);
}

memory_sampler_self::behavior_type memory_sampler(
    memory_sampler_self::stateful_pointer<memory_sampler_state> self,
    const memory_sampler_parts& parts, usage_gauge measure, std::chrono::milliseconds period) {
  auto& state = self->state;
  state.open(self, parts, std::move(measure), period);
  parts.unexpected.watch(self);
  return {
      [&state](const protocols::pool_joined& news) { state.on_pool(news); },
      [&state](sample_atom) { state.on_sample(); },
  };
}

}  // namespace greenroom::actors
