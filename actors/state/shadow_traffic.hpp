// Shadow traffic: in the shadow phase a task that the baseline pool answers is copied to the
// intelligent pool, and the two answers are compared. Later, when the baseline pool has no tasks of
// its own, the copies go the other way.
#pragma once

#include "protocols/task.hpp"
#include "runtime/machine/metrics/gauges.hpp"
#include "runtime/rollout/shadow_comparison.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace greenroom::actors {

/// Pairs under way are bounded; a task beyond the bound is not copied and is counted as dropped.
/// The caller gets the baseline pool's answer as without shadow traffic. Outputs are compared
/// later, in `settle`, and not on the thread of the answer. Any thread.
class shadow_traffic {
public:
  explicit shadow_traffic(runtime::rollout::shadow_settings settings = {})
      : settings_{std::move(settings)} {}

  /// One task and its copies.
  class pair;
  using pair_ptr = std::shared_ptr<pair>;
  enum class part : std::uint8_t { baseline, intelligent, again };
  /// How often the baseline has started the worker that is asked: a task that begins and ends
  /// between the same two starts was answered by one process. The counter lives as long as the
  /// node.
  struct baseline_worker {
    std::uint32_t specialist = 0;
    const machine::counter* starts = nullptr;
  };

  /// Null if the task may not be copied or there is no room; the drop is counted. With `noise` the
  /// baseline answers some tasks twice.
  [[nodiscard]] pair_ptr begin(std::string_view specialist, std::string_view command, bool unsafe,
                               std::uint64_t key, bool noise, baseline_worker baseline);
  /// Observes one part of the pair. Forwards every call to `caller`, if there is one.
  [[nodiscard]] static std::shared_ptr<protocols::task_observer> observer_of(
      const pair_ptr& of, part which, std::shared_ptr<protocols::task_observer> caller = {});
  /// The baseline is to be asked twice, to learn how much it differs from itself.
  [[nodiscard]] static bool wants_again(const pair_ptr& of);
  /// A copy could not be given to its pool. But for a second one, the pair comes to nothing.
  static void missing(const pair_ptr& of, part which);

  /// Compares what has come back. Returns how many pairs.
  std::size_t settle();
  /// Specialists whose baseline worker must be started again to know whether a difference is real.
  [[nodiscard]] std::vector<std::string> instance_suspects() const;
  /// Fields that are not compared from now on.
  void ignore(std::vector<std::string> fields);
  /// A new shadow phase begins with no evidence. Drop counters go on.
  void begin_anew();

  struct figures {
    runtime::rollout::shadow_summary summary;
    std::vector<runtime::rollout::field_difference> differences;
    std::uint64_t commands_compared = 0, commands_differing = 0;
    std::uint64_t mirrored = 0;  ///< Since the node started.
    std::array<std::uint64_t, runtime::rollout::shadow_drop_count> drops{};
    std::size_t in_flight = 0;
  };
  [[nodiscard]] figures read() const;

private:
  /// Of the outputs that wait for their counterparts, in all; a pair that finds no room is dropped.
  static constexpr std::uint64_t held_bytes_max = std::uint64_t{64} << 20;
  class part_observer;
  void come_back(std::shared_ptr<pair> whole);

  /// A pair may outlive this.
  std::shared_ptr<std::atomic<std::uint64_t>> held_ =
      std::make_shared<std::atomic<std::uint64_t>>(0);
  mutable std::mutex mutex_;
  runtime::rollout::shadow_settings settings_;
  runtime::rollout::shadow_comparison comparison_{settings_};
  std::vector<std::shared_ptr<pair>> back_;
  std::uint64_t run_ = 0;
  std::uint64_t mirrored_ = 0;
  std::array<std::uint64_t, runtime::rollout::shadow_drop_count> drops_before_{};
};

}  // namespace greenroom::actors
