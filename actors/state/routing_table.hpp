// Which pool answers: one number that the door reads for every task, and what ends while a rollout
// is judged.
#pragma once

#include "protocols/task_times.hpp"
#include "runtime/rollout/judge.hpp"
#include "runtime/rollout/routing.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

namespace greenroom::actors {

/// Set by the rollout and, before it, by the rollback; read from any thread.
class routing_table {
public:
  using mode = runtime::rollout::mode;
  struct setting {
    mode routes = mode::idle;
    double percentage = 0;
  };

  /// From the rollout: ignored while a rollback is under way.
  void set(setting wanted) {
    if (!rolling_back.load(std::memory_order_acquire)) force(wanted);
  }
  /// From the rollback.
  void force(setting wanted) {
    const auto share = static_cast<std::uint32_t>(std::lround(wanted.percentage * 1000));
    packed_.store(static_cast<std::uint32_t>(wanted.routes) << 24U | share,
                  std::memory_order_release);
  }
  [[nodiscard]] setting now() const {
    const auto packed = packed_.load(std::memory_order_acquire);
    return {static_cast<mode>(packed >> 24U), (packed & 0xffffffU) / 1000.0};
  }

  /// The pool for one task. The same for every task of a case, and for a request that is repeated
  /// with its idempotency key.
  [[nodiscard]] protocols::pool_kind answering(std::string_view case_id,
                                               std::string_view idempotency_key) {
    const auto rules = now();
    // Only a hybrid route depends on the key, and a key of its own costs a shared counter.
    std::uint64_t key = 0;
    if (rules.routes == mode::hybrid)
      key = case_id.empty() && idempotency_key.empty()
                ? serial_.fetch_add(1, std::memory_order_relaxed)
                : runtime::rollout::routing_key(case_id, idempotency_key, {});
    return runtime::rollout::answering_side(rules.routes, rules.percentage, key, routing_,
                                            configured.load(std::memory_order_relaxed));
  }
  /// The pool that people mean when they ask how the node is doing.
  [[nodiscard]] protocols::pool_kind main() const {
    switch (now().routes) {
      case mode::idle: return configured.load(std::memory_order_relaxed);
      case mode::full:
      case mode::hybrid: return protocols::pool_kind::intelligent;
      default: return protocols::pool_kind::baseline;
    }
  }

  std::atomic<protocols::pool_kind> configured{protocols::pool_kind::intelligent};
  /// A rollback is under way; the rollout must not change the routes.
  std::atomic<bool> rolling_back{false};
  /// By pool: queued tasks of that pool go to the other pool.
  std::array<std::atomic<bool>, 2> leaving{};
  /// How many more tasks the baseline is to be given a copy of, so that there is something to
  /// compare with although none of the traffic goes there.
  std::atomic<std::int64_t> copies_wanted{0};
  /// True takes one of them.
  [[nodiscard]] bool take_copy() {
    return copies_wanted.load(std::memory_order_relaxed) > 0
           && copies_wanted.fetch_sub(1, std::memory_order_relaxed) > 0;
  }
  /// The baseline pool keeps every specialist warm. After COMPLETE it may cool.
  std::atomic<bool> baseline_warm{true};

private:
  std::atomic<std::uint32_t> packed_{
      0};  // Mode in the highest byte, then thousandths of a percent.
  std::atomic<std::uint64_t> serial_{0};
  runtime::rollout::routing routing_;
};

/// The ends of tasks by pool, while a rollout needs them exactly. A task that its worker refused is
/// the caller's mistake and no failure of the pool.
class ends_feed {
public:
  void open(bool now_open) { open_.store(now_open, std::memory_order_relaxed); }

  void add(const protocols::task& job, protocols::pool_kind pool, protocols::task_state state,
           protocols::failure why, std::int64_t took_ns) {
    using protocols::failure, protocols::task_state;
    if (why == failure::refused) {
      ++refused_[static_cast<std::size_t>(pool)];
      if (!job.is_shadow) ++refused_callers_;
    }
    if (!open_.load(std::memory_order_relaxed) || state == task_state::cancelled) return;
    if (!job.judged) return;
    const auto failed = state == task_state::unknown || why == failure::worker_failed
                        || why == failure::start_failed || why == failure::out_of_time;
    auto& mine = sides_[static_cast<std::size_t>(pool)];
    std::optional<double> run_ms;
    if (job.dispatched_ns > 0) run_ms = static_cast<double>(protocols::run_ns(job)) * 1e-6;
    const std::lock_guard lock{mine.mutex};
    mine.batch.add(static_cast<double>(took_ns) * 1e-6, failed, run_ms);
  }
  /// One that this pool could not even be given, because a circuit of it was open.
  void add_shed(protocols::pool_kind pool) {
    if (!open_.load(std::memory_order_relaxed)) return;
    auto& mine = sides_[static_cast<std::size_t>(pool)];
    const std::lock_guard lock{mine.mutex};
    mine.batch.add(0, true);
  }
  [[nodiscard]] runtime::rollout::arm take(protocols::pool_kind pool) {
    auto& mine = sides_[static_cast<std::size_t>(pool)];
    const std::lock_guard lock{mine.mutex};
    return std::exchange(mine.batch, {});
  }
  [[nodiscard]] std::uint64_t refused(protocols::pool_kind pool) const {
    return refused_[static_cast<std::size_t>(pool)].load(std::memory_order_relaxed);
  }
  /// Of both pools, without copies that are only compared.
  [[nodiscard]] std::uint64_t refused_callers() const {
    return refused_callers_.load(std::memory_order_relaxed);
  }

private:
  struct side {
    std::mutex mutex;
    runtime::rollout::arm batch;
  };
  std::atomic<bool> open_{false};
  std::array<side, 2> sides_;
  std::array<std::atomic<std::uint64_t>, 2> refused_{};
  std::atomic<std::uint64_t> refused_callers_{0};
};

}  // namespace greenroom::actors
