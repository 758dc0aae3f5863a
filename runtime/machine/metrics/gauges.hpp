// What is counted as tasks go by: plain atomics, read by the door, the monitor and the exporter.
#pragma once

#include "protocols/base/worker_state.hpp"
#include "protocols/task.hpp"
#include "runtime/machine/metrics/latency_histogram.hpp"
#include "runtime/machine/metrics/striped.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace greenroom::machine {

inline void count(counter& which, std::uint64_t more = 1) {
  which.fetch_add(more, std::memory_order_relaxed);
}

/// How a task ended, as a label of metrics.
enum class task_outcome : std::uint8_t { completed, failed, timeout, cancelled, unknown };
constexpr std::size_t task_outcomes = 5;
constexpr std::array<std::string_view, task_outcomes> task_outcome_names{
    "completed", "failed", "timeout", "cancelled", "unknown"};

using base::worker_state;

/// What a worker has printed in place of an answer, told to callers that wait in vain. Any thread.
class stray_note {
public:
  void add(std::string_view what) {
    const std::lock_guard lock{mutex_};
    last_.assign(what);
    lines_.fetch_add(1, std::memory_order_release);
  }
  /// It has answered. Nearly always there is nothing to be cleared.
  void clear() {
    if (lines_.load(std::memory_order_acquire) == 0) return;
    const std::lock_guard lock{mutex_};
    last_.clear();
    lines_.store(0, std::memory_order_release);
  }
  /// "has sent 2 lines that are no message since its last answer, the last one «…»", or "".
  [[nodiscard]] std::string told() const {
    const std::lock_guard lock{mutex_};
    const auto lines = lines_.load(std::memory_order_relaxed);
    if (lines == 0) return {};
    return "has sent " + std::to_string(lines)
           + (lines == 1 ? " line that is no message since its last answer: "
                         : " lines that are no messages since its last answer, the last one: ")
           + last_;
  }

private:
  mutable std::mutex mutex_;
  std::atomic<std::uint64_t> lines_{0};
  std::string last_;
};

/// One specialist in one pool. What the door reads for every task is on one cache line, which the
/// node's side writes rarely; what changes with every end is on another. Otherwise the two would
/// take the line from each other's core with every task.
struct alignas(64) specialist_gauge {
  std::atomic<std::uint32_t> entered{0};    ///< Let in at the door, or come from the other pool.
  std::atomic<std::uint32_t> left_seen{0};  ///< `left`, as the door has last looked at it.
  std::atomic<worker_state> state{worker_state::cold};
  std::atomic<int> pid{0};
  std::atomic<std::int64_t> open_until_ns{0};  ///< Steady clock; the circuit is open until then.
  std::atomic<std::int64_t> run_hint_ns{0};    ///< `run_ns`, an eighth or 1 µs off at most.
  std::atomic<std::int64_t> start_ns{0};       ///< Moving mean of one start.
  std::atomic<std::uint64_t> memory_bytes{0};  ///< Last measured PSS; 0: not running.
  std::atomic<std::uint64_t> memory_seen_bytes{
      0};  ///< Moving mean while it ran; 0: never measured.

  std::atomic<std::uint32_t> cpu_permille{0};  ///< Of one core, when it was measured last.

  alignas(64) std::atomic<std::uint32_t> left{0};  ///< Ended, or gone to the other pool.
  std::atomic<std::uint32_t> running{0};
  std::atomic<std::int64_t> run_ns{0};       ///< Moving mean of one run.
  std::atomic<std::int64_t> run_told_ns{0};  ///< `run_hint_ns`, for those who write it.
  counter warm_hits{0};
  std::array<counter, task_outcomes> ends{};  ///< The first of them on this line, too.
  counter cold_starts{0}, retries{0}, starts{0}, crashes{0};
  counter stray_lines{0};  ///< On its workers' output, which were no messages.
  stray_note strays;       ///< Those since its last answer.

  /// Waiting and running.
  [[nodiscard]] std::uint32_t depth() const {
    const auto less = left.load(std::memory_order_acquire);
    return entered.load(std::memory_order_acquire) - less;
  }
  /// Counts one more in. Returns how many there were, or more: those that have left since somebody
  /// looked are still counted.
  std::uint32_t enter() {
    const auto less = left_seen.load(std::memory_order_acquire);
    return entered.fetch_add(1, std::memory_order_relaxed) - less;
  }
  /// It was refused after all.
  void turn_away() { entered.fetch_sub(1, std::memory_order_relaxed); }
  /// Looks how many there are besides the one that has just entered.
  [[nodiscard]] std::uint32_t others() {
    const auto less = left.load(std::memory_order_acquire);
    left_seen.store(less, std::memory_order_release);
    return entered.load(std::memory_order_relaxed) - 1 - less;
  }

  /// Nothing was counted yet. Nobody counts meanwhile; readers see a moving picture.
  void forget() {
    constexpr auto relaxed = std::memory_order_relaxed;
    entered.store(0, relaxed);
    left_seen.store(0, relaxed);
    left.store(0, relaxed);
    running.store(0, relaxed);
    state.store(worker_state::cold, relaxed);
    pid.store(0, relaxed);
    for (auto* one : {&open_until_ns, &run_hint_ns, &start_ns, &run_ns, &run_told_ns})
      one->store(0, relaxed);
    for (auto* one : {&memory_bytes, &memory_seen_bytes, &warm_hits, &cold_starts, &retries,
                      &starts, &crashes, &stray_lines})
      one->store(0, relaxed);
    for (auto& one : ends) one.store(0, relaxed);
    strays.clear();
  }

  /// Moving means forget with a weight of 1/8.
  static std::int64_t learn(std::atomic<std::int64_t>& mean, std::int64_t value) {
    const auto old = mean.load(std::memory_order_relaxed);
    const auto now = old == 0 ? value : old + (value - old) / 8;
    mean.store(now, std::memory_order_relaxed);
    return now;
  }
  void learn_run(std::int64_t value) {
    const auto now = learn(run_ns, value);
    const auto told = run_told_ns.load(std::memory_order_relaxed);
    // Below a microsecond nobody who waits would notice, and those at the door would lose the line.
    const auto same = std::max<std::int64_t>(told / 8, 1000);
    if (now - told <= same && told - now <= same) return;
    run_told_ns.store(now, std::memory_order_relaxed);
    run_hint_ns.store(now, std::memory_order_relaxed);
  }
};

/// One department in one pool. The bounds of the exported histogram, in nanoseconds.
constexpr std::array<std::int64_t, 14> duration_bounds_ns{
    1'000'000,     2'500'000,     5'000'000,      10'000'000,    25'000'000,
    50'000'000,    100'000'000,   250'000'000,    500'000'000,   1'000'000'000,
    2'500'000'000, 5'000'000'000, 10'000'000'000, 30'000'000'000};

struct department_gauge {
  struct counts {
    std::array<counter, duration_bounds_ns.size() + 1> durations{};
    counter sum_ns{0};
  };
  striped<counts> by_thread;
  counter actor_restarts{0};

  void add(std::int64_t duration_ns) {
    std::size_t at = 0;
    while (at < duration_bounds_ns.size() && duration_ns > duration_bounds_ns[at]) ++at;
    by_thread.write([&](counts& mine, bool alone) {
      count(mine.durations[at], 1, alone);
      count(mine.sum_ns, static_cast<std::uint64_t>(duration_ns), alone);
    });
  }
  [[nodiscard]] std::uint64_t durations(std::size_t at) const {
    return by_thread.sum([at](const counts& one) -> const auto& { return one.durations[at]; });
  }
  [[nodiscard]] std::uint64_t sum_ns() const {
    return by_thread.sum([](const counts& one) -> const auto& { return one.sum_ns; });
  }
};

/// One pool.
struct pool_gauge {
  struct counts {
    latency_histogram total_time;  ///< From acceptance to the end.
    std::array<counter, task_outcomes> ends{};
  };
  striped<counts> by_thread;
  counter warm_hits{0}, cold_starts{0}, retries{0};
  counter prewarms{0}, prewarm_hits{0}, evictions{0}, cooldowns{0};
  counter shed_open{0};  ///< Refused because a circuit of this pool was open, and nobody stood in.

  void add(std::size_t outcome, std::int64_t total_ns) {
    by_thread.write([&](counts& mine, bool alone) {
      count(mine.ends[outcome], 1, alone);
      mine.total_time.add(total_ns, alone);
    });
  }
  [[nodiscard]] std::uint64_t ends(std::size_t outcome) const {
    return by_thread.sum([outcome](const counts& one) -> const auto& { return one.ends[outcome]; });
  }
  [[nodiscard]] latency_histogram::snapshot times() const {
    latency_histogram::snapshot result{};
    by_thread.read([&](const counts& one) { one.total_time.add_to(result); });
    return result;
  }
  [[nodiscard]] std::uint64_t time_sum_ns() const {
    std::uint64_t result = 0;
    by_thread.read([&](const counts& one) { result += one.total_time.sum_ns(); });
    return result;
  }
};

/// Why a task was shed, as a label of metrics.
constexpr std::array<std::string_view, 6> shed_reasons{"queue_full", "deadline", "circuit_open",
                                                       "draining",   "journal",  "rate_limit"};
enum class shed_reason : std::uint8_t {
  queue_full,
  deadline,
  circuit_open,
  draining,
  journal,
  rate_limit
};

/// As with a specialist's, the door's counts and those of the ends are on lines of their own.
struct node_gauge {
  alignas(64) counter entered{0};  ///< Let in at the door, or about to be refused after all.
  counter left_seen{0};            ///< `left`, as the door has last looked at it.
  counter taken{0};                ///< Really let in.
  counter withdrawn{0};            ///< Turned out to be known already, and were never there.
  struct counts {
    alignas(64) counter left{0};  ///< Their end is decided, or they were withdrawn.
    counter ended{0};             ///< Their end was told.
  };
  striped<counts> by_thread;

  void leave() {
    by_thread.write([](counts& mine, bool alone) { count(mine.left, 1, alone); });
  }
  void end() {
    by_thread.write([](counts& mine, bool alone) { count(mine.ended, 1, alone); });
  }
  [[nodiscard]] std::uint64_t left() const {
    return by_thread.sum([](const counts& one) -> const auto& { return one.left; });
  }
  [[nodiscard]] std::uint64_t ended() const {
    return by_thread.sum([](const counts& one) -> const auto& { return one.ended; });
  }
  [[nodiscard]] std::uint64_t accepted() const {
    const auto less = withdrawn.load(std::memory_order_acquire);
    return taken.load(std::memory_order_acquire) - less;
  }
  /// Waiting and running, all specialists.
  [[nodiscard]] std::uint64_t depth() const {
    const auto less = left();
    return entered.load(std::memory_order_acquire) - less;
  }
  /// As those of `specialist_gauge`.
  std::uint64_t enter() {
    const auto less = left_seen.load(std::memory_order_acquire);
    return entered.fetch_add(1, std::memory_order_relaxed) - less;
  }
  void turn_away() { entered.fetch_sub(1, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t others() {
    const auto less = left();
    left_seen.store(less, std::memory_order_release);
    return entered.load(std::memory_order_relaxed) - 1 - less;
  }

  std::array<counter, shed_reasons.size()> shed{};
  counter journal_commits{0}, journal_records{0}, journal_damages{0};
  std::atomic<bool> journal_ok{true};
  std::atomic<bool> draining{false};
  /// The grace of a drain is over: no worker is started any more.
  std::atomic<bool> closing{false};
};

}  // namespace greenroom::machine
