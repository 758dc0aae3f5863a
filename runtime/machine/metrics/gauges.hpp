// Counters of the running node: plain atomics, read by admission, the monitor and the exporter.
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

/// A task's outcome, as a label of metrics.
enum class task_outcome : std::uint8_t { completed, failed, timeout, cancelled, unknown };
constexpr std::size_t task_outcome_count = 5;
constexpr std::array<std::string_view, task_outcome_count> task_outcome_names{
    "completed", "failed", "timeout", "cancelled", "unknown"};

using base::worker_state;

/// A worker's output that was no message, reported to callers whose task timed out. Any thread.
class stray_note {
public:
  void add(std::string_view what) {
    const std::lock_guard lock{mutex_};
    last_.assign(what);
    lines_.fetch_add(1, std::memory_order_release);
  }
  /// Clears the note after an answer. Usually there is nothing to clear.
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

/// One specialist in one pool. The members that admission reads for every task share one cache
/// line, which the node's side writes rarely; the members that change with every end are on another
/// line. Otherwise the two sides' cores would contend for the line with every task.
struct alignas(64) specialist_gauge {
  std::atomic<std::uint32_t> entered{0};    ///< Admitted, or moved in from the other pool.
  std::atomic<std::uint32_t> left_seen{0};  ///< `left`, as last read by admission.
  std::atomic<worker_state> state{worker_state::cold};
  std::atomic<int> pid{0};
  std::atomic<std::int64_t> open_until_ns{0};  ///< Steady clock; the circuit is open until then.
  std::atomic<std::int64_t> run_hint_ns{0};    ///< `run_ns`, at most an eighth or 1 µs off.
  std::atomic<std::int64_t> start_ns{0};       ///< Moving mean of the start time.
  std::atomic<std::uint64_t> memory_bytes{0};  ///< Last measured PSS; 0: not running.
  std::atomic<std::uint64_t> memory_seen_bytes{
      0};  ///< Moving mean while running; 0: never measured.

  std::atomic<std::uint32_t> cpu_permille{0};  ///< Of one core, at the last measurement.

  alignas(64) std::atomic<std::uint32_t> left{0};  ///< Ended, or moved to the other pool.
  std::atomic<std::uint32_t> running{0};
  std::atomic<std::int64_t> run_ns{0};       ///< Moving mean of the run time.
  std::atomic<std::int64_t> run_told_ns{0};  ///< A copy of `run_hint_ns` for the writer.
  counter warm_hits{0};
  std::array<counter, task_outcome_count>
      ends{};  ///< The first elements are on this cache line too.
  counter cold_starts{0}, retries{0}, starts{0}, crashes{0};
  counter stray_lines{0};  ///< Lines of the workers' output that were no messages.
  stray_note strays;       ///< Such lines since the last answer.

  /// Queued and running.
  [[nodiscard]] std::uint32_t depth() const {
    const auto less = left.load(std::memory_order_acquire);
    return entered.load(std::memory_order_acquire) - less;
  }
  /// Counts one more task in. Returns an upper bound of the depth before: it still counts the tasks
  /// that have left since the last `others`.
  std::uint32_t enter() {
    const auto less = left_seen.load(std::memory_order_acquire);
    return entered.fetch_add(1, std::memory_order_relaxed) - less;
  }
  /// Takes back an `enter`: the task was refused.
  void turn_away() { entered.fetch_sub(1, std::memory_order_relaxed); }
  /// Returns the exact number of tasks besides the one that just entered.
  [[nodiscard]] std::uint32_t others() {
    const auto less = left.load(std::memory_order_acquire);
    left_seen.store(less, std::memory_order_release);
    return entered.load(std::memory_order_relaxed) - 1 - less;
  }

  /// Resets all counts. No other thread may count meanwhile; readers see no snapshot.
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

  /// Moving means have a weight of 1/8 for the new value.
  static std::int64_t learn(std::atomic<std::int64_t>& mean, std::int64_t value) {
    const auto old = mean.load(std::memory_order_relaxed);
    const auto now = old == 0 ? value : old + (value - old) / 8;
    mean.store(now, std::memory_order_relaxed);
    return now;
  }
  void learn_run(std::int64_t value) {
    const auto now = learn(run_ns, value);
    const auto told = run_told_ns.load(std::memory_order_relaxed);
    // Callers would not notice less than a microsecond, and admission's cores would lose the cache
    // line.
    const auto same = std::max<std::int64_t>(told / 8, 1000);
    if (now - told <= same && told - now <= same) return;
    run_told_ns.store(now, std::memory_order_relaxed);
    run_hint_ns.store(now, std::memory_order_relaxed);
  }
};

/// Bounds of a department's exported histogram, in nanoseconds.
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
    std::array<counter, task_outcome_count> ends{};
  };
  striped<counts> by_thread;
  counter warm_hits{0}, cold_starts{0}, retries{0};
  counter prewarms{0}, prewarm_hits{0}, evictions{0}, cooldowns{0};
  counter shed_open{0};  ///< Refused because this pool's circuit was open and no other pool could
                         ///< take the task.

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

/// The reason for a shed task, as a label of metrics.
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

/// As in `specialist_gauge`, admission's counts and the ends' counts are on separate cache lines.
struct node_gauge {
  alignas(64) counter entered{0};  ///< Admitted, or about to be refused.
  counter left_seen{0};            ///< `left`, as last read by admission.
  counter taken{0};                ///< Admitted.
  counter withdrawn{0};            ///< Counted as taken, but known already (a repeated idempotency
                                   ///< key).
  struct counts {
    alignas(64) counter left{0};  ///< The end is decided, or the task was withdrawn.
    counter ended{0};             ///< The end was reported.
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
  /// Queued and running, all specialists.
  [[nodiscard]] std::uint64_t depth() const {
    const auto less = left();
    return entered.load(std::memory_order_acquire) - less;
  }
  /// As in `specialist_gauge`.
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
