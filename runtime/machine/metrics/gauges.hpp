// What is counted as tasks go by: plain atomics, read by the door, the monitor and the exporter.
#pragma once

#include "protocols/task.hpp"
#include "runtime/machine/metrics/latency_histogram.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace greenroom::machine {

using counter = std::atomic<std::uint64_t>;

inline void count(counter& which, std::uint64_t more = 1) {
  which.fetch_add(more, std::memory_order_relaxed);
}

/// How a task ended, as a label of metrics.
enum class task_outcome : std::uint8_t { completed, failed, timeout, cancelled, unknown };
constexpr std::size_t task_outcomes = 5;
constexpr std::array<std::string_view, task_outcomes> task_outcome_names{
    "completed", "failed", "timeout", "cancelled", "unknown"};

enum class worker_state : std::uint8_t { cold, warming, warm, busy, cooling, failed };

/// One specialist in one pool.
struct specialist_gauge {
  std::atomic<std::uint32_t> depth{0};  ///< Waiting and running; the door decides by it.
  std::atomic<std::uint32_t> running{0};
  std::atomic<worker_state> state{worker_state::cold};
  std::atomic<int> pid{0};
  std::atomic<std::int64_t> open_until_ns{0};  ///< Steady clock; the circuit is open until then.
  std::atomic<std::int64_t> run_ns{0};         ///< Moving mean of one run.
  std::atomic<std::int64_t> start_ns{0};       ///< Moving mean of one start.
  std::atomic<std::uint64_t> memory_bytes{0};  ///< Last measured PSS; 0: not running.
  std::atomic<std::uint64_t> memory_seen_bytes{
      0};  ///< Moving mean while it ran; 0: never measured.
  std::array<counter, task_outcomes> ends{};
  counter warm_hits{0}, cold_starts{0}, retries{0}, starts{0}, crashes{0};

  /// Moving means forget with a weight of 1/8.
  static void learn(std::atomic<std::int64_t>& mean, std::int64_t value) {
    const auto old = mean.load(std::memory_order_relaxed);
    mean.store(old == 0 ? value : old + (value - old) / 8, std::memory_order_relaxed);
  }
};

/// One department in one pool. The bounds of the exported histogram, in nanoseconds.
constexpr std::array<std::int64_t, 14> duration_bounds_ns{
    1'000'000,     2'500'000,     5'000'000,      10'000'000,    25'000'000,
    50'000'000,    100'000'000,   250'000'000,    500'000'000,   1'000'000'000,
    2'500'000'000, 5'000'000'000, 10'000'000'000, 30'000'000'000};

struct department_gauge {
  std::array<counter, duration_bounds_ns.size() + 1> durations{};
  counter duration_sum_ns{0};
  counter actor_restarts{0};

  void add(std::int64_t duration_ns) {
    std::size_t at = 0;
    while (at < duration_bounds_ns.size() && duration_ns > duration_bounds_ns[at]) ++at;
    count(durations[at]);
    count(duration_sum_ns, static_cast<std::uint64_t>(duration_ns));
  }
};

/// One pool.
struct pool_gauge {
  latency_histogram total_time;  ///< From acceptance to the end, completed and failed ones.
  latency_histogram queue_time;
  std::array<counter, task_outcomes> ends{};
  counter warm_hits{0}, cold_starts{0}, retries{0};
  counter prewarms{0}, prewarm_hits{0}, evictions{0}, cooldowns{0};
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

struct node_gauge {
  std::atomic<std::uint64_t> depth{0};  ///< Waiting and running, all specialists.
  counter accepted{0};
  counter ended{0};
  std::array<counter, shed_reasons.size()> shed{};
  counter journal_commits{0}, journal_records{0};
  std::atomic<bool> journal_ok{true};
  std::atomic<bool> draining{false};
};

}  // namespace greenroom::machine
