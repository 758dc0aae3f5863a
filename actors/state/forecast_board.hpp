// What the predictor and the director believe of the future, kept where anyone may read it; and
// the latest traffic, from which `tune` learns.
#pragma once

#include "actors/state/learned_state.hpp"
#include "actors/state/synchronized.hpp"
#include "protocols/node_messages.hpp"
#include "runtime/pooling/predictive_policy.hpp"
#include "runtime/prediction/predictor.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <unordered_set>
#include <vector>

namespace greenroom::actors {

struct forecast_content {
  // -- the director's --
  std::vector<runtime::ranked> ranks;  ///< The most wanted first.
  runtime::policy_report policy;
  double ranked_at_s = 0;  ///< 0: never.
  // -- the predictor's, by index in the cast --
  std::vector<runtime::expectation> expected;
  runtime::hit_rates accuracy;
  std::array<double, runtime::source_count> trust{};
  double expected_at_s = 0;
};

class forecast_board : public synchronized<forecast_content> {
public:
  using content = forecast_content;

  /// The last `recorded_max` arrivals, oldest first.
  static constexpr std::size_t recorded_max = 65536;
  void record(const std::vector<protocols::arrival>& arrivals) {
    const std::lock_guard lock{tape_mutex_};
    for (const auto& one : arrivals) {
      if (tape_.size() < recorded_max)
        tape_.push_back(one);
      else
        tape_[tape_next_] = one;
      tape_next_ = (tape_next_ + 1) % recorded_max;
    }
  }
  /// The number means another specialist from now on.
  void forget(std::uint32_t specialist) {
    const std::lock_guard lock{tape_mutex_};
    if (std::ranges::none_of(tape_, [&](const auto& one) { return one.specialist == specialist; }))
      return;
    // In order, so that the tape may be as short as it becomes.
    std::rotate(
        tape_.begin(),
        tape_.begin() + static_cast<std::ptrdiff_t>(tape_.size() < recorded_max ? 0 : tape_next_),
        tape_.end());
    std::erase_if(tape_, [&](const auto& one) { return one.specialist == specialist; });
    tape_next_ = tape_.size() % recorded_max;
  }
  [[nodiscard]] std::vector<protocols::arrival> recording() const {
    const std::lock_guard lock{tape_mutex_};
    std::vector<protocols::arrival> result;
    result.reserve(tape_.size());
    const auto oldest = tape_.size() < recorded_max ? 0 : tape_next_;
    for (std::size_t i = 0; i < tape_.size(); ++i)
      result.push_back(tape_[(oldest + i) % tape_.size()]);
    return result;
  }

  learned_state learned;
  std::atomic<std::uint64_t> workflows_detected{0}, adjustments{0};
  /// Workflows that were run by name and came to their end, and those of them that the detector had
  /// found under way by itself: its rate can only be measured where the truth is known.
  std::atomic<std::uint64_t> workflows_run{0}, workflows_found{0};
  /// Cases of workflows that are run by name. Bounded: the oldest are forgotten.
  class known_runs {
  public:
    void begin(std::uint64_t case_key) {
      const std::lock_guard lock{mutex_};
      if (!open_.insert(case_key).second) return;
      order_.push_back(case_key);
      if (order_.size() <= most) return;
      open_.erase(order_.front());
      order_.pop_front();
    }
    /// True once for each that began.
    [[nodiscard]] bool find(std::uint64_t case_key) {
      const std::lock_guard lock{mutex_};
      return open_.erase(case_key) > 0;
    }

  private:
    static constexpr std::size_t most = 4096;
    std::mutex mutex_;
    std::unordered_set<std::uint64_t> open_;
    std::deque<std::uint64_t> order_;
  };
  known_runs runs;
  std::atomic<std::uint64_t> prewarm_wastes{0}, prewarm_wasted_ms{0};
  /// Batches of arrivals that the predictor has not taken yet. It works when no other thread wants
  /// the processor, so it may be behind, and what it cannot keep up with is not kept for it.
  std::atomic<std::uint32_t> under_way{0};
  static constexpr std::uint32_t under_way_max = 256;
  void taken() {
    auto count = under_way.load(std::memory_order_relaxed);
    // A new predictor began to count at 0 again.
    while (count > 0 && !under_way.compare_exchange_weak(count, count - 1)) {
    }
  }
  std::atomic<std::uint64_t> unseen{
      0};  ///< Arrivals beyond the limits, which the predictor did not learn.

private:
  mutable std::mutex tape_mutex_;
  std::vector<protocols::arrival> tape_;
  std::size_t tape_next_ = 0;
};

}  // namespace greenroom::actors
