// A bounded lock-free queue with one consumer, an actor. A push wakes the actor if it sleeps.
// Benchmarks: `greenroom-bench dispatch` and `greenroom-bench micro` (ring/push+drain,
// lanes/push+drain).
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
    const auto result = ring_.push(item);
    if (result == machine::pushed::wake) waker_.wake(unit);
    return result != machine::pushed::full;
  }

  // -- for the actor only --
  template <class Take>
  std::size_t drain(Take take) {
    return ring_.drain(take);
  }
  [[nodiscard]] bool empty() const { return ring_.empty(); }
  [[nodiscard]] bool try_sleep() { return ring_.try_sleep(); }
  /// Other actors get their turn; then the actor, which does not sleep, is woken again.
  void yield(caf::execution_unit* unit) { waker_.wake(unit); }
  /// A replacement actor calls this before its first drain.
  void mark_awake() { static_cast<void>(ring_.poke()); }

private:
  Ring<Item> ring_;
  waker waker_;
};

}  // namespace greenroom::actors
