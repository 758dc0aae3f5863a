// Runs the actors that an actor has woken on the same thread, at once. What it is worth:
// `greenroom-bench dispatch`, where every task crosses two actors.
#pragma once

#include <caf/all.hpp>

#include <chrono>
#include <cstddef>
#include <vector>

namespace greenroom::actors {

/// An execution unit inside that of a scheduler thread. While an actor empties its port, the actors
/// that it wakes gather here. They run one after the other when the actor has finished, instead of
/// passing the scheduler's queue one by one: a task and its answer cross the whole tree at once.
/// After a hundred microseconds the remaining actors go to the scheduler, where other threads find
/// them, and the waking actor has to yield to them. One for each thread.
class inline_execution_unit final : public caf::execution_unit {
public:
  /// The unit of this thread; in use while an actor empties its port.
  static inline_execution_unit& mine() {
    thread_local inline_execution_unit one;
    return one;
  }
  [[nodiscard]] bool in_use() const { return outer_ != nullptr; }

  /// Until `finish`, actors that run with this unit wake other actors into it.
  void begin(caf::execution_unit& outer) {
    outer_ = &outer;
    system_ = &outer.system();
  }
  /// False: some actors were left to the scheduler.
  bool finish() {
    const bool all = run();
    outer_ = nullptr;
    return all;
  }
  /// Runs the gathered actors. False: some were left to the scheduler.
  bool run() {
    if (ready_.empty()) return true;
    const auto until = clock::now() + budget;
    while (next_ < ready_.size()) {
      if (next_ % looks == looks - 1 && clock::now() >= until) break;
      auto* const job = ready_[next_++];
      if (job->resume(this, throughput) == caf::resumable::resume_later)
        ready_.push_back(job);
      else
        job->intrusive_ptr_release_impl();
    }
    const bool all = next_ == ready_.size();
    leave_to_scheduler();
    return all;
  }
  /// Leaves all gathered actors to the scheduler.
  void hand_over() {
    leave_to_scheduler();
    outer_ = nullptr;
  }

  void exec_later(caf::resumable* job) override { ready_.push_back(job); }

private:
  using clock = std::chrono::steady_clock;
  static constexpr std::chrono::microseconds budget{100};
  static constexpr std::size_t looks = 4;        // Actors between two looks at the clock.
  static constexpr std::size_t throughput = 50;  // Messages, before another actor gets its turn.

  inline_execution_unit() = default;

  void leave_to_scheduler() {
    for (; next_ < ready_.size(); ++next_) outer_->exec_later(ready_[next_]);
    ready_.clear();
    next_ = 0;
  }

  caf::execution_unit* outer_ = nullptr;
  std::vector<caf::resumable*> ready_;  // In order, from `next_` on.
  std::size_t next_ = 0;
};

}  // namespace greenroom::actors
