// The base of actors that, besides their messages, empty a port. What it is worth:
// `greenroom-bench dispatch` beside its floors.
#pragma once

#include "actors/mailbox/catalog_reader.hpp"
#include "actors/mailbox/inline_execution_unit.hpp"
#include "actors/mailbox/io_execution_unit.hpp"
#include "actors/mailbox/port.hpp"

#include <caf/all.hpp>

#include <cstddef>
#include <exception>

namespace greenroom::actors {

/// An event-based actor with the interface `Interface`, a `caf::typed_actor`, that empties a port
/// when it is woken.
template <class Interface>
class draining_actor : public Interface::base {
public:
  using super = typename Interface::base;
  using resume_result = caf::resumable::resume_result;

  explicit draining_actor(caf::actor_config& cfg)
      : super{cfg}, runs_inline_{has_threads(this->system())} {
    // CAF would print. The supervisor is told of the end and publishes it in the event log.
    this->set_exception_handler(
        [](std::exception_ptr&) { return caf::make_error(caf::sec::runtime_error); });
  }

protected:
  /// Takes everything out of the port, until the actor may sleep.
  virtual void drain() = 0;
  /// Takes out what has come so far, without going to sleep. False when there was nothing.
  virtual bool take_some() { return false; }
  /// Other actors wait for this thread: they run before the next message is taken.
  void yield() { yields_ = true; }

  resume_result resume(caf::execution_unit* unit, std::size_t throughput) override {
    // Nothing on this thread's stack refers to a catalog, before and after: the thread may have run
    // another kind of actor before, and may be idle afterwards.
    const struct turns {
      turns() { catalog_reader::turn(); }
      ~turns() { catalog_reader::turn(); }
    } around;
    // CAF would go on with the actor's next message up to `throughput` times.
    for (std::size_t i = 0; i < throughput; ++i) {
      yields_ = false;
      const auto result = super::resume(unit, 1);
      if (result != caf::resumable::resume_later || yields_) return result;
    }
    return caf::resumable::resume_later;
  }

  caf::invoke_message_result consume(caf::mailbox_element& message) override {
    if (!wake_ups::taken(message)) return super::consume(message);
    auto& unit = inline_execution_unit::mine();
    // An actor with a thread of its own runs no other actors: it has to write.
    if (!runs_inline_ || unit.in_use() || io_execution_unit::current() != nullptr
        || this->getf(caf::abstract_actor::is_detached_flag))
      drain();
    else
      drain_and_run_woken(unit);
    return caf::invoke_message_result::consumed;
  }

private:
  static constexpr int turns_max = 4;

  // A test's scheduler has no threads, and decides itself which actor runs next.
  static bool has_threads(caf::actor_system& system) {
    return caf::get_or(system.config(), "scheduler.policy", caf::atom("stealing"))
           != caf::atom("testing");
  }

  void drain_and_run_woken(inline_execution_unit& unit) {
    struct guard {
      draining_actor& self;
      inline_execution_unit& unit;
      caf::execution_unit* outer;
      ~guard() {
        self.context(outer);
        // After an exception the woken actors must not run on the stack that is being unwound.
        if (unit.in_use()) unit.hand_over();
      }
    } const restore{*this, unit, this->context()};
    unit.begin(*this->context());
    this->context(&unit);
    // The actors that were woken run before the port is read again: callers fill the port
    // meanwhile, and no actor has to sleep and to be woken for each batch. Bounded, so that other
    // actors get their turn.
    bool all = true;
    for (int turn = 0; turn < turns_max && all && take_some(); ++turn) all = unit.run();
    drain();
    all = unit.finish() && all;
    // The actors that were left for the scheduler need this thread.
    if (!all) yield();
  }

  bool runs_inline_;
  bool yields_ = false;
};

}  // namespace greenroom::actors
