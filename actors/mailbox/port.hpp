// The queue of tasks and signals for an actor. A port outlives its actor: the replacement finds
// there what the actor had not taken. Benchmarks: `greenroom-bench dispatch`, and inbox/push+take
// of `greenroom-bench micro`.
#pragma once

#include "runtime/machine/tasks/inbox.hpp"

#include <caf/all.hpp>

#include <atomic>
#include <cstdint>
#include <typeinfo>
#include <utility>

namespace greenroom::actors {

/// Two wake-ups of one actor. An element may be in its mailbox only once, so a thread that wakes
/// the actor takes the free element. While one element is in the mailbox there is nothing to do,
/// because the actor empties its port after it has taken the element out. At most one element is
/// being handled, so one of the two always serves. They outlive the port while a mailbox, perhaps
/// of a dead actor, has one.
class wake_ups {
public:
  wake_ups() : elements_{element{*this}, element{*this}} {}
  wake_ups(const wake_ups&) = delete;
  wake_ups& operator=(const wake_ups&) = delete;

  /// The element to put into the mailbox; null when one is there. One caller at a time.
  [[nodiscard]] caf::mailbox_element* next() {
    // Pairs with `taken`: either this thread sees that the element was taken, or the actor sees
    // what was pushed.
    for (const auto& one : elements_)
      if (one.now.load(std::memory_order_seq_cst) == state::queued) return nullptr;
    for (auto& one : elements_)
      if (one.now.load(std::memory_order_acquire) == state::free) {
        one.now.store(state::queued, std::memory_order_seq_cst);
        holders_.fetch_add(1, std::memory_order_relaxed);
        return &one;
      }
    return nullptr;
  }
  /// The waker does not need the elements any more.
  void release() const {
    if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  /// False when `message` is no wake-up. Otherwise it counts as taken out of the mailbox.
  static bool taken(caf::mailbox_element& message) {
    if (typeid(message) != typeid(element)) return false;
    static_cast<element&>(message).now.store(state::handled, std::memory_order_seq_cst);
    return true;
  }

private:
  enum class state : std::uint8_t { free, queued, handled };

  /// A mailbox element that means "empty the port". When the mailbox deletes the element, because
  /// it was handled or dropped, the element is free again.
  struct element final : caf::mailbox_element,
                         caf::detail::tuple_vals_impl<caf::type_erased_tuple, std::uint32_t> {
    explicit element(const wake_ups& home)
        : caf::mailbox_element{caf::strong_actor_ptr{}, caf::make_message_id(), {}},
          caf::detail::tuple_vals_impl<caf::type_erased_tuple, std::uint32_t>{std::uint32_t{0}},
          pair{home} {}
    caf::type_erased_tuple& content() override { return *this; }
    [[nodiscard]] const caf::type_erased_tuple& content() const override { return *this; }
    caf::message move_content_to_message() override { return {}; }
    [[nodiscard]] caf::message copy_content_to_message() const override { return {}; }
    void request_deletion(bool) const noexcept override {
      now.store(state::free, std::memory_order_release);
      pair.release();
    }

    const wake_ups& pair;
    mutable std::atomic<state> now{state::free};
  };

  ~wake_ups() = default;

  mutable std::atomic<std::uint32_t> holders_{1};
  element elements_[2];
};

/// The wake-up half of a port. Waking costs no allocation after the first time.
class waker {
public:
  waker() = default;
  ~waker() {
    if (wakes_ != nullptr) wakes_->release();
  }
  waker(const waker&) = delete;
  waker& operator=(const waker&) = delete;

  /// From now on `actor` is woken. The actor empties its port when it starts, whatever came before.
  void attach(caf::strong_actor_ptr actor) {
    lock();
    std::swap(actor_, actor);
    // Wake-ups in the mailbox of the former actor wake no actor.
    auto* const before = std::exchange(wakes_, nullptr);
    unlock();
    if (before != nullptr) before->release();
  }
  /// `unit`: execution unit of this thread, or null. Called by the thread that found the actor
  /// asleep.
  void wake(caf::execution_unit* unit) {
    lock();
    caf::strong_actor_ptr actor;
    caf::mailbox_element* element = nullptr;
    if (actor_) {
      if (wakes_ == nullptr) wakes_ = new wake_ups;
      element = wakes_->next();
      if (element != nullptr) actor = actor_;
    }
    unlock();
    if (element != nullptr) actor->enqueue(caf::mailbox_element_ptr{element}, unit);
  }

private:
  // Held for a few instructions, and contended only while an actor is being replaced.
  void lock() {
    while (locked_.test_and_set(std::memory_order_acquire)) {
    }
  }
  void unlock() { locked_.clear(std::memory_order_release); }

  std::atomic_flag locked_ = ATOMIC_FLAG_INIT;
  caf::strong_actor_ptr actor_;
  wake_ups* wakes_ = nullptr;
};

/// An inbox of tasks and a set of signal bits.
class task_port {
public:
  void attach(caf::strong_actor_ptr actor) { waker_.attach(std::move(actor)); }

  void push(protocols::task_ptr job, caf::execution_unit* unit) {
    if (inbox_.push(std::move(job))) waker_.wake(unit);
  }
  void signal(std::uint32_t bits, caf::execution_unit* unit) {
    signals_.fetch_or(bits, std::memory_order_acq_rel);
    if (inbox_.poke()) waker_.wake(unit);
  }

  // -- for the actor only --
  [[nodiscard]] bool empty() const { return inbox_.empty(); }
  [[nodiscard]] protocols::task* take() { return inbox_.take(); }
  [[nodiscard]] std::uint32_t take_signals() {
    return signals_.load(std::memory_order_relaxed) == 0
               ? 0
               : signals_.exchange(0, std::memory_order_acq_rel);
  }
  /// True when the port is empty and the next push wakes the actor.
  [[nodiscard]] bool try_sleep() {
    if (!inbox_.try_sleep()) return false;
    // A signal that came just before did not wake the actor.
    if (signals_.load(std::memory_order_acquire) == 0) return true;
    return !inbox_.poke();
  }
  /// Releases the tasks inside; no actor works on them any more.
  void release_tasks() {
    for (auto* at = take(); at != nullptr;) {
      auto* after = at->next.load(std::memory_order_relaxed);
      protocols::task_ptr::adopt(at);
      at = after;
    }
  }
  /// A replacement actor calls this before its first drain.
  void mark_awake() { static_cast<void>(inbox_.poke()); }

private:
  machine::task_inbox inbox_;
  std::atomic<std::uint32_t> signals_{0};
  waker waker_;
};

}  // namespace greenroom::actors
