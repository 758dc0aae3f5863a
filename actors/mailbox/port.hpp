// Where tasks and signals for an actor are left. A port outlives its actor: a replacement finds
// there what its predecessor had not taken. What it is worth: `greenroom-bench dispatch` beside its
// floors, and inbox/push+take of `greenroom-bench micro` for the inbox alone.
#pragma once

#include "actors/mailbox/catalog_reader.hpp"
#include "actors/mailbox/inline_execution_unit.hpp"
#include "actors/mailbox/io_execution_unit.hpp"
#include "runtime/machine/tasks/inbox.hpp"

#include <caf/all.hpp>

#include <atomic>
#include <cstdint>
#include <typeinfo>
#include <utility>

namespace greenroom::actors {

/// Ends one actor from outside, so that its supervisor hears of it. Not with the reason `kill`:
/// that passes through every link, exit handler or not, and would take the whole tree along. And
/// not in the supervisor's own name: who gets an exit message unlinks from its sender first.
inline void dismiss(const caf::actor& who) {
  caf::anon_send_exit(who, caf::exit_reason::unhandled_exception);
}

/// Two wake-ups of one actor. An element may be in its mailbox only once, so whoever rings takes
/// the one that is free; and when one is in the mailbox already there is nothing to do, because the
/// actor looks into its port after it has taken that out. At most one is being handled, so one of
/// the two always serves. They outlive the port while a mailbox, perhaps of a dead actor, has one.
class wake_ups {
public:
  wake_ups() : elements_{element{*this}, element{*this}} {}
  wake_ups(const wake_ups&) = delete;
  wake_ups& operator=(const wake_ups&) = delete;

  /// The one to put into the mailbox; null when there is one. One caller at a time.
  [[nodiscard]] caf::mailbox_element* next() {
    // Pairs with `taken`: either we see that it was taken, or the actor sees what was pushed.
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
  /// The waker that made it does not need it any more.
  void release() const {
    if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  /// False when `message` is an ordinary one. Otherwise it counts as taken out of the mailbox.
  static bool taken(caf::mailbox_element& message) {
    if (typeid(message) != typeid(element)) return false;
    static_cast<element&>(message).now.store(state::handled, std::memory_order_seq_cst);
    return true;
  }

private:
  enum class state : std::uint8_t { free, queued, handled };

  /// An element of a mailbox that says "look into your port". The mailbox's wish to delete it,
  /// when it was handled or dropped, makes it free again.
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

  /// From now on `who` is woken. It looks into its port when it starts, whatever came before.
  void attach(caf::strong_actor_ptr who) {
    lock();
    std::swap(who_, who);
    // What is still in the mailbox of its predecessor wakes nobody.
    auto* const before = std::exchange(wakes_, nullptr);
    unlock();
    if (before != nullptr) before->release();
  }
  /// `here`: the execution unit of this thread, or null. Called by whoever found the actor asleep.
  void ring(caf::execution_unit* here) {
    lock();
    caf::strong_actor_ptr who;
    caf::mailbox_element* element = nullptr;
    if (who_) {
      if (wakes_ == nullptr) wakes_ = new wake_ups;
      element = wakes_->next();
      if (element != nullptr) who = who_;
    }
    unlock();
    if (element != nullptr) who->enqueue(caf::mailbox_element_ptr{element}, here);
  }

private:
  // Held for a few instructions, and contended only while an actor is being replaced.
  void lock() {
    while (locked_.test_and_set(std::memory_order_acquire)) {
    }
  }
  void unlock() { locked_.clear(std::memory_order_release); }

  std::atomic_flag locked_ = ATOMIC_FLAG_INIT;
  caf::strong_actor_ptr who_;
  wake_ups* wakes_ = nullptr;
};

/// A port with an inbox of tasks and a word of signal bits.
class task_port {
public:
  void attach(caf::strong_actor_ptr who) { waker_.attach(std::move(who)); }

  void push(protocols::task_ptr job, caf::execution_unit* here) {
    if (inbox_.push(std::move(job))) waker_.ring(here);
  }
  void signal(std::uint32_t bits, caf::execution_unit* here) {
    signals_.fetch_or(bits, std::memory_order_acq_rel);
    if (inbox_.poke()) waker_.ring(here);
  }

  // -- for the actor only --
  [[nodiscard]] bool empty() const { return inbox_.empty(); }
  [[nodiscard]] protocols::task* take() { return inbox_.take(); }
  [[nodiscard]] std::uint32_t take_signals() {
    return signals_.load(std::memory_order_relaxed) == 0
               ? 0
               : signals_.exchange(0, std::memory_order_acq_rel);
  }
  /// True when there is really nothing left and the next push rings.
  [[nodiscard]] bool try_sleep() {
    if (!inbox_.try_sleep()) return false;
    // A signal that came in just before we slept did not ring.
    if (signals_.load(std::memory_order_acquire) == 0) return true;
    return !inbox_.poke();
  }
  /// Drops what is inside; nobody works on it any more.
  void let_go() {
    for (auto* at = take(); at != nullptr;) {
      auto* after = at->next.load(std::memory_order_relaxed);
      protocols::task_ptr::adopt(at);
      at = after;
    }
  }
  /// A new actor takes over: what is inside is its own now.
  void take_over() { static_cast<void>(inbox_.poke()); }

private:
  machine::task_inbox inbox_;
  std::atomic<std::uint32_t> signals_{0};
  waker waker_;
};

/// An ordinary event-based actor that, besides its messages, empties a port when it is rung.
class draining_actor : public caf::event_based_actor {
public:
  explicit draining_actor(caf::actor_config& cfg)
      : caf::event_based_actor{cfg}, relays_{has_threads(system())} {
    // CAF would print. Whoever supervises it hears of its end, and says so in the event log.
    set_exception_handler(
        [](std::exception_ptr&) { return caf::make_error(caf::sec::runtime_error); });
  }

protected:
  /// Takes everything out of the port, until it may sleep.
  virtual void drain() = 0;
  /// Takes out what has come so far, without going to sleep. False when there was nothing.
  virtual bool take_some() { return false; }
  /// Others are waiting for this thread: they run before the next message is taken.
  void yield() { yields_ = true; }

  resume_result resume(caf::execution_unit* here, std::size_t most) override {
    // Nothing on this thread's stack looks at a cast, before and after: the thread may have run
    // another kind of actor before, and may be idle afterwards.
    const struct turns {
      turns() { catalog_reader::turn(); }
      ~turns() { catalog_reader::turn(); }
    } around;
    // CAF would go on with our next message until it has had `most`.
    for (std::size_t i = 0; i < most; ++i) {
      yields_ = false;
      const auto result = caf::event_based_actor::resume(here, 1);
      if (result != resume_later || yields_) return result;
    }
    return resume_later;
  }

  caf::invoke_message_result consume(caf::mailbox_element& message) override {
    if (!wake_ups::taken(message)) return caf::event_based_actor::consume(message);
    auto& relay = inline_execution_unit::mine();
    // One with a thread of its own does nobody else's work: it has to write.
    if (!relays_ || relay.in_use() || io_execution_unit::current() != nullptr
        || getf(is_detached_flag))
      drain();
    else
      drain_and_relay(relay);
    return caf::invoke_message_result::consumed;
  }

private:
  static constexpr int turns_max = 4;

  // A test's scheduler has none, and decides itself who runs next.
  static bool has_threads(caf::actor_system& system) {
    return caf::get_or(system.config(), "scheduler.policy", caf::atom("stealing"))
           != caf::atom("testing");
  }

  void drain_and_relay(inline_execution_unit& relay) {
    struct guard {
      draining_actor& self;
      inline_execution_unit& relay;
      caf::execution_unit* outer;
      ~guard() {
        self.context(outer);
        // It threw: who follows is not for the stack that is being unwound.
        if (relay.in_use()) relay.hand_over();
      }
    } const restore{*this, relay, context()};
    relay.begin(*context());
    context(&relay);
    // Those that were woken run before the port is looked at again: callers fill it meanwhile, and
    // nobody has to sleep and to be woken for each batch. Bounded, so that others get their turn.
    bool all = true;
    for (int turn = 0; turn < turns_max && all && take_some(); ++turn) all = relay.run();
    drain();
    all = relay.finish() && all;
    // Those who were left for the scheduler need this thread.
    if (!all) yield();
  }

  bool relays_;
  bool yields_ = false;
};

}  // namespace greenroom::actors
