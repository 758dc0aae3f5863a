// Steps of a rollout that wait for the journal.
#pragma once

#include "runtime/rollout/rollout_plan.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace greenroom::actors {

/// A step of a rollout. It takes effect when it is in the journal.
struct rollout_step {
  std::uint64_t token = 0;              ///< The journal confirms it.
  runtime::rollout::rollout_plan then;  ///< The plan after the step.
  std::vector<runtime::rollout::decision> made;
  std::function<void()> reply;  ///< Answers the operator; may be empty.
};

/// In the order of the decisions. The journal's actor may die with a step that it was given, so the
/// last step is due again after a while.
class unwritten_steps {
public:
  void push(rollout_step step, double now_s) {
    waiting_.push_back(std::move(step));
    pause_s_ = pause_min_s;
    due_s_ = now_s + pause_s_;
  }
  [[nodiscard]] bool empty() const { return waiting_.empty(); }
  /// The oldest step, when it is written: its token is at most `token`.
  [[nodiscard]] std::optional<rollout_step> take_written(std::uint64_t token) {
    if (waiting_.empty() || waiting_.front().token > token) return std::nullopt;
    auto result = std::move(waiting_.front());
    waiting_.pop_front();
    return result;
  }
  /// The last step, which stands for those before it, when the journal must be given it again; null
  /// otherwise. The pause grows each time. The caller sets the step's new token.
  [[nodiscard]] rollout_step* take_overdue(double now_s) {
    if (waiting_.empty() || now_s < due_s_) return nullptr;
    pause_s_ = pause_s_ * 2 < pause_max_s ? pause_s_ * 2 : pause_max_s;
    due_s_ = now_s + pause_s_;
    return &waiting_.back();
  }

private:
  static constexpr double pause_min_s = 1;
  static constexpr double pause_max_s = 60;

  std::deque<rollout_step> waiting_;
  double due_s_ = 0;
  double pause_s_ = 0;
};

}  // namespace greenroom::actors
