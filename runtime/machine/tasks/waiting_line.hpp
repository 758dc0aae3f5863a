// The queue of one specialist's tasks: a list for each priority, linked through the tasks.
#pragma once

#include "protocols/task.hpp"
#include "runtime/queueing/fair_priority.hpp"

#include <array>
#include <cstddef>

namespace greenroom::machine {

/// Holds one reference for each queued task. A task is in at most one queue or inbox at a time.
class waiting_line {
public:
  waiting_line() = default;
  ~waiting_line() { clear(); }
  waiting_line(waiting_line&& other) noexcept { *this = std::move(other); }
  waiting_line& operator=(waiting_line&& other) noexcept {
    std::swap(lines_, other.lines_);
    std::swap(size_, other.size_);
    std::swap(turn_, other.turn_);
    return *this;
  }

  void push_back(protocols::task_ptr job) {
    auto& line = lines_[static_cast<std::size_t>(job->urgency)];
    auto* mine = job.release();
    mine->next.store(nullptr, std::memory_order_relaxed);
    if (line.last != nullptr)
      line.last->next.store(mine, std::memory_order_relaxed);
    else
      line.first = mine;
    line.last = mine;
    ++size_;
  }
  /// For a task that was popped and comes back untouched.
  void push_front(protocols::task_ptr job) {
    auto& line = lines_[static_cast<std::size_t>(job->urgency)];
    auto* mine = job.release();
    mine->next.store(line.first, std::memory_order_relaxed);
    if (line.last == nullptr) line.last = mine;
    line.first = mine;
    ++size_;
  }
  /// Returns the next task by fair priority; empty when the queue is empty.
  [[nodiscard]] protocols::task_ptr pop() {
    std::array<bool, protocols::priority_count> waiting{};
    for (std::size_t i = 0; i < waiting.size(); ++i) waiting[i] = lines_[i].first != nullptr;
    const auto chosen = turn_.pick(waiting);
    return chosen ? pop_from(lines_[*chosen]) : protocols::task_ptr{};
  }
  /// Removes all tasks for which `gone(task)` is true. Returns the number of removed tasks.
  template <class Gone>
  std::size_t erase_if(Gone gone) {
    const auto before = size_;
    for (auto& line : lines_) {
      one_line kept;
      std::swap(kept, line);
      while (kept.first != nullptr) {
        auto job = pop_from(kept);
        if (!gone(*job)) push_back(std::move(job));
      }
    }
    return before - size_;
  }
  /// Calls `see(task&)` for all queued tasks.
  template <class See>
  void for_each(See see) {
    for (auto& line : lines_)
      for (auto* job = line.first; job != nullptr; job = job->next.load(std::memory_order_relaxed))
        see(*job);
  }
  void clear() {
    erase_if([](const protocols::task&) { return true; });
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

private:
  struct one_line {
    protocols::task* first = nullptr;
    protocols::task* last = nullptr;
  };
  protocols::task_ptr pop_from(one_line& line) {
    auto* mine = line.first;
    line.first = mine->next.load(std::memory_order_relaxed);
    if (line.first == nullptr) line.last = nullptr;
    mine->next.store(nullptr, std::memory_order_relaxed);
    --size_;
    return protocols::task_ptr::adopt(mine);
  }

  std::size_t size_ = 0;  // First member: when the queue is empty, no other member is read.
  std::array<one_line, protocols::priority_count> lines_{};
  runtime::fair_priority<protocols::priority_count> turn_;
};

}  // namespace greenroom::machine
