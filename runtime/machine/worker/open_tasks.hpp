// The tasks that a worker process has, by the names that the process knows.
#pragma once

#include "protocols/task.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace greenroom::machine {

struct open_task {
  std::string name;
  protocols::task_ptr job;
  bool answering = false;  ///< A piece of the answer has arrived.
  bool dropped = false;    ///< The result is not needed any more.
  bool expired = false;    ///< The attempt has timed out.
  /// Number of a ping sent after the cancellation; the answer to the ping frees the slot. 0: none.
  std::uint64_t ping = 0;
};

/// Not thread-safe. Searches are linear, because few tasks are open at once.
class open_tasks {
public:
  explicit open_tasks(std::size_t concurrency) { open_.reserve(concurrency); }

  void add(std::string name, protocols::task_ptr job) {
    open_.push_back({std::move(name), std::move(job)});
  }
  /// Null: there is none. Valid until the next change.
  [[nodiscard]] open_task* find(std::string_view name) {
    return found(std::ranges::find(open_, name, &open_task::name));
  }
  [[nodiscard]] open_task* find(const protocols::task_ptr& job) {
    return found(std::ranges::find(open_, job, &open_task::job));
  }
  [[nodiscard]] bool empty() const { return open_.empty(); }
  /// The only task; null when there are none or several.
  [[nodiscard]] const open_task* only() const {
    return open_.size() == 1 ? &open_.front() : nullptr;
  }

  /// Ends a task. @pre `one` was found.
  protocols::task_ptr take(open_task& one) {
    auto job = std::move(one.job);
    if (&one != &open_.back()) one = std::move(open_.back());
    open_.pop_back();
    return job;
  }
  /// Ends a task that the worker may still answer. @pre `one` was found.
  void drop(open_task& one) {
    expect_late(std::move(one.name));
    open_.erase(open_.begin() + (&one - open_.data()));
  }
  /// Ends all tasks.
  [[nodiscard]] std::vector<open_task> take_all() { return std::exchange(open_, {}); }
  /// Ends the tasks whose ping is among the first `pongs` pings: the worker is alive, so the slots
  /// are free. Later answers for these tasks are ignored.
  [[nodiscard]] std::vector<open_task> take_pinged(std::uint64_t pongs) {
    std::vector<open_task> free;
    for (auto at = open_.begin(); at != open_.end();) {
      if (at->ping == 0 || at->ping > pongs) {
        ++at;
        continue;
      }
      expect_late(at->name);
      free.push_back(std::move(*at));
      at = open_.erase(at);
    }
    return free;
  }
  /// True once for the answer to a task that was dropped.
  [[nodiscard]] bool is_late(std::string_view name) {
    const auto one = std::ranges::find(late_, name);
    if (one == late_.end()) return false;
    late_.erase(one);
    return true;
  }

private:
  /// Number of remembered names of dropped tasks that the worker may still answer.
  static constexpr std::size_t late_max = 256;

  open_task* found(std::vector<open_task>::iterator at) {
    return at == open_.end() ? nullptr : &*at;
  }
  void expect_late(std::string name) {
    if (late_.size() >= late_max) late_.erase(late_.begin());
    late_.push_back(std::move(name));
  }

  std::vector<open_task> open_;
  std::vector<std::string> late_;
};

}  // namespace greenroom::machine
