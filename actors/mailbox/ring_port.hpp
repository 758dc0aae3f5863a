// A bounded lock-free ring with one reader, an actor that the first push after a pause wakes: for
// tasks from callers to the dispatcher, and for notes to the journal. What it is worth:
// `greenroom-bench dispatch` beside its floors, and ring/push+drain and lanes/push+drain of
// `greenroom-bench micro` for the rings alone.
#pragma once

#include "actors/mailbox/port.hpp"
#include "runtime/machine/tasks/ingress.hpp"

#include <caf/all.hpp>

#include <cstddef>
#include <utility>

namespace greenroom::actors {

/// `Ring` is `machine::ingress_ring` or `machine::ingress_lanes`. Any thread pushes.
template <class Item, template <class> class Ring>
class ring_port {
public:
  explicit ring_port(std::size_t capacity) : ring_{capacity} {}
  void attach(caf::strong_actor_ptr actor) { waker_.attach(std::move(actor)); }
  /// False when the ring is full.
  [[nodiscard]] bool push(const Item& item, caf::execution_unit* unit) {
    const auto how = ring_.push(item);
    if (how == machine::pushed::wake) waker_.wake(unit);
    return how != machine::pushed::full;
  }
  void poke(caf::execution_unit* unit) {
    if (ring_.poke()) waker_.wake(unit);
  }

  // -- for the actor only --
  template <class Take>
  std::size_t drain(Take take) {
    return ring_.drain(take);
  }
  [[nodiscard]] bool empty() const { return ring_.empty(); }
  [[nodiscard]] bool try_sleep() { return ring_.try_sleep(); }
  /// The actor does not sleep, and is woken all the same: other actors get their turn before.
  void call_again(caf::execution_unit* unit) { waker_.wake(unit); }
  /// A new actor takes over what is inside.
  void take_over() { static_cast<void>(ring_.poke()); }

private:
  Ring<Item> ring_;
  waker waker_;
};

}  // namespace greenroom::actors
