// Where tasks and signals for an actor are left. A port outlives its actor: a replacement finds
// there what its predecessor had not taken.
#pragma once

#include "actors/io_unit.hpp"
#include "actors/relay_unit.hpp"
#include "runtime/machine/tasks/inbox.hpp"

#include <caf/all.hpp>

#include <atomic>
#include <cstdint>

namespace greenroom::actors {

/// Ends one actor from outside, so that its supervisor hears of it. Not with the reason `kill`:
/// that passes through every link, exit handler or not, and would take the whole tree along. And
/// not in the supervisor's own name: who gets an exit message unlinks from its sender first.
inline void dismiss(const caf::actor& who) {
  caf::anon_send_exit(who, caf::exit_reason::unhandled_exception);
}

/// A wake-up: an element of an actor's mailbox that says "look into your port". It is preallocated
/// and belongs to the port, so waking costs no allocation; the mailbox's wish to delete it is
/// ignored.
class wake_up final : public caf::mailbox_element,
                      public caf::detail::tuple_vals_impl<caf::type_erased_tuple, std::uint32_t> {
public:
  wake_up()
      : caf::mailbox_element{caf::strong_actor_ptr{}, caf::make_message_id(), {}},
        caf::detail::tuple_vals_impl<caf::type_erased_tuple, std::uint32_t>{std::uint32_t{0}} {}
  caf::type_erased_tuple& content() override { return *this; }
  [[nodiscard]] const caf::type_erased_tuple& content() const override { return *this; }
  caf::message move_content_to_message() override { return {}; }
  [[nodiscard]] caf::message copy_content_to_message() const override { return {}; }
  void request_deletion(bool) const noexcept override {}
};

/// The wake-up half of a port. At most one wake-up is under way besides the one being handled,
/// because the next is sent only after the actor has gone to sleep; so two elements in turn
/// suffice.
class bell {
public:
  bell() = default;
  bell(const bell&) = delete;
  bell& operator=(const bell&) = delete;

  /// From now on `who` is woken. It looks into its port when it starts, whatever came before.
  void attach(caf::strong_actor_ptr who) {
    lock();
    who_ = std::move(who);
    unlock();
  }
  /// `here`: the execution unit of this thread, or null. Called by whoever found the actor asleep.
  void ring(caf::execution_unit* here) {
    lock();
    auto who = who_;
    turn_ ^= 1U;
    auto* element = &elements_[turn_];
    unlock();
    if (who) who->enqueue(caf::mailbox_element_ptr{element}, here);
  }

private:
  // Held for a few instructions, and contended only while an actor is being replaced.
  void lock() {
    while (locked_.test_and_set(std::memory_order_acquire)) {
    }
  }
  void unlock() { locked_.clear(std::memory_order_release); }

  std::atomic_flag locked_ = ATOMIC_FLAG_INIT;
  unsigned turn_ = 0;
  caf::strong_actor_ptr who_;
  wake_up elements_[2];
};

/// A port with an inbox of tasks and a word of signal bits.
class task_port {
public:
  void attach(caf::strong_actor_ptr who) { bell_.attach(std::move(who)); }

  void push(protocols::task_ptr job, caf::execution_unit* here) {
    if (inbox_.push(std::move(job))) bell_.ring(here);
  }
  void signal(std::uint32_t bits, caf::execution_unit* here) {
    signals_.fetch_or(bits, std::memory_order_acq_rel);
    if (inbox_.poke()) bell_.ring(here);
  }

  // -- for the actor only --
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
  /// A new actor takes over: what is inside is its own now.
  void take_over() { static_cast<void>(inbox_.poke()); }

private:
  machine::task_inbox inbox_;
  std::atomic<std::uint32_t> signals_{0};
  bell bell_;
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

  caf::invoke_message_result consume(caf::mailbox_element& message) override {
    if (typeid(message) != typeid(wake_up)) return caf::event_based_actor::consume(message);
    auto& relay = relay_unit::mine();
    // One with a thread of its own does nobody else's work: it has to write.
    if (!relays_ || relay.in_use() || io_unit::current() != nullptr || getf(is_detached_flag))
      drain();
    else
      drain_and_relay(relay);
    return caf::invoke_message_result::consumed;
  }

private:
  // A test's scheduler has none, and decides itself who runs next.
  static bool has_threads(caf::actor_system& system) {
    return caf::get_or(system.config(), "scheduler.policy", caf::atom("stealing"))
           != caf::atom("testing");
  }

  void drain_and_relay(relay_unit& relay) {
    struct guard {
      draining_actor& self;
      relay_unit& relay;
      caf::execution_unit* outer;
      ~guard() {
        self.context(outer);
        // It threw: who follows is not for the stack that is being unwound.
        if (relay.in_use()) relay.hand_over();
      }
    } const restore{*this, relay, context()};
    relay.begin(*context());
    context(&relay);
    drain();
    relay.finish();
  }

  bool relays_;
};

}  // namespace greenroom::actors
