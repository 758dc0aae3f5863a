// A lock-free inbox of tasks: many threads push, one thread takes all tasks at once, and only the
// first push after the taker slept asks for a wake-up. Based on the LIFO inbox of actor mailboxes
// (Treiber, "Systems Programming: Coping with Parallelism", IBM RJ 5118, 1986), with a tag value
// for "the taker sleeps".
#pragma once

#include "protocols/task.hpp"

#include <atomic>
#include <cstdint>

namespace greenroom::machine {

/// Holds one reference for each task inside. A task is in at most one inbox at a time. The ledger's
/// capacity is the inbox's bound.
class task_inbox {
public:
  task_inbox() = default;
  ~task_inbox() {
    for (auto* at = take(); at != nullptr;) at = drop(at);
  }
  task_inbox(const task_inbox&) = delete;
  task_inbox& operator=(const task_inbox&) = delete;

  /// Returns true when the taker sleeps: the caller must wake the taker. Any thread.
  [[nodiscard]] bool push(protocols::task_ptr job) {
    auto* mine = job.release();
    auto* head = head_.load(std::memory_order_relaxed);
    do {
      mine->next.store(head == asleep() ? nullptr : head, std::memory_order_relaxed);
    } while (!head_.compare_exchange_weak(head, mine, std::memory_order_acq_rel,
                                          std::memory_order_relaxed));
    return head == asleep();
  }

  /// True when no task is inside, even if the taker was poked.
  [[nodiscard]] bool empty() const {
    auto* const head = head_.load(std::memory_order_relaxed);
    return head == nullptr || head == asleep();
  }

  /// Marks the taker awake without a task. Returns true when the taker slept. Any thread.
  [[nodiscard]] bool poke() {
    auto* expected = asleep();
    return head_.compare_exchange_strong(expected, nullptr, std::memory_order_acq_rel);
  }

  /// Returns all tasks, oldest first, linked by `next`; null when there is none. The taker only.
  /// The caller owns the references: read a task's `next`, then adopt the task.
  [[nodiscard]] protocols::task* take() {
    auto* head = head_.load(std::memory_order_acquire);
    if (head == nullptr || head == asleep()) return nullptr;
    head = head_.exchange(nullptr, std::memory_order_acq_rel);
    protocols::task* oldest = nullptr;
    while (head != nullptr) {
      auto* older = head->next.load(std::memory_order_relaxed);
      head->next.store(oldest, std::memory_order_relaxed);
      oldest = head;
      head = older;
    }
    return oldest;
  }

  /// Marks the taker asleep unless a task has arrived. The taker only.
  [[nodiscard]] bool try_sleep() {
    protocols::task* expected = nullptr;
    return head_.compare_exchange_strong(expected, asleep(), std::memory_order_acq_rel)
           || expected == asleep();
  }

private:
  static protocols::task* asleep() {
    static protocols::task tag;
    return &tag;
  }
  static protocols::task* drop(protocols::task* at) {
    auto* after = at->next.load(std::memory_order_relaxed);
    protocols::task_ptr::adopt(at);
    return after;
  }

  std::atomic<protocols::task*> head_{asleep()};
};

}  // namespace greenroom::machine
