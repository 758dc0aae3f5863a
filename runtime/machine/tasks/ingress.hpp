// The ring through which tasks enter from any thread.
#pragma once

#include <boost/lockfree/stack.hpp>

#include <atomic>
#include <cstddef>

namespace greenroom::machine {

/// A bounded Boost.Lockfree ring that many threads push into and one actor empties in one step,
/// oldest first. The first push after a pause tells the pusher to wake the actor: one wake-up for
/// a whole batch. `Item` is trivial; what it refers to is the business of the two ends.
template <class Item>
class ingress_ring {
public:
  explicit ingress_ring(std::size_t capacity) : ring_{capacity} {}
  ingress_ring(const ingress_ring&) = delete;
  ingress_ring& operator=(const ingress_ring&) = delete;

  enum class pushed { full, taken, wake };
  /// `wake`: the caller must wake the actor.
  [[nodiscard]] pushed push(const Item& item) {
    if (!ring_.bounded_push(item)) return pushed::full;
    return awake_.exchange(true, std::memory_order_seq_cst) ? pushed::taken : pushed::wake;
  }

  /// Marks the actor awake. True when it slept and must be woken.
  [[nodiscard]] bool poke() { return !awake_.exchange(true, std::memory_order_seq_cst); }

  /// Hands over all that is inside, oldest first. The actor only. Returns how many.
  template <class Take>
  std::size_t drain(Take take) {
    return ring_.consume_all_atomic_reversed(take);
  }

  /// The actor goes to sleep unless something came in meanwhile. The actor only.
  [[nodiscard]] bool try_sleep() {
    awake_.store(false, std::memory_order_seq_cst);
    if (ring_.empty()) return true;
    // Whoever sets it back first is responsible: a pusher that did has sent a wake-up already.
    return awake_.exchange(true, std::memory_order_seq_cst);
  }

private:
  boost::lockfree::stack<Item, boost::lockfree::fixed_sized<false>> ring_;
  std::atomic<bool> awake_{false};
};

}  // namespace greenroom::machine
