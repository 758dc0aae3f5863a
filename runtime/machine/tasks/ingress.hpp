// The rings through which tasks enter from any thread.
#pragma once

#include "runtime/machine/tasks/asymmetric_fence.hpp"

#include <boost/lockfree/spsc_queue.hpp>
#include <boost/lockfree/stack.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace greenroom::machine {

/// What became of something that was pushed. `wake`: the caller must wake the actor.
enum class pushed { full, taken, wake };

/// A bounded Boost.Lockfree ring that many threads push into and one actor empties in one step,
/// oldest first. The first push after a pause tells the pusher to wake the actor: one wake-up for
/// a whole batch. `Item` is trivial; what it refers to is the business of the two ends.
template <class Item>
class ingress_ring {
public:
  explicit ingress_ring(std::size_t capacity) : ring_{capacity} {}
  ingress_ring(const ingress_ring&) = delete;
  ingress_ring& operator=(const ingress_ring&) = delete;

  [[nodiscard]] pushed push(const Item& item) {
    if (!ring_.bounded_push(item)) return pushed::full;
    return poke() ? pushed::wake : pushed::taken;
  }

  /// Marks the actor awake. True when it slept and must be woken.
  [[nodiscard]] bool poke() {
    // Either the actor, having said that it sleeps, sees what was pushed, or we see that it sleeps.
    light_fence();
    if (awake_.load(std::memory_order_relaxed)) return false;
    return !awake_.exchange(true, std::memory_order_seq_cst);
  }

  /// Hands over all that is inside, oldest first. The actor only. Returns how many.
  template <class Take>
  std::size_t drain(Take take) {
    return ring_.consume_all_atomic_reversed(take);
  }
  [[nodiscard]] bool empty() const { return ring_.empty(); }

  /// The actor goes to sleep unless something came in meanwhile. The actor only.
  [[nodiscard]] bool try_sleep() {
    if (!ring_.empty()) return false;  // The fence would cost more than another look.
    // An exchange, because what was pushed before somebody else's exchange is seen after ours.
    static_cast<void>(awake_.exchange(false, std::memory_order_seq_cst));
    heavy_fence();
    if (ring_.empty()) return true;
    // Whoever sets it back first is responsible: a pusher that did has sent a wake-up already.
    return awake_.exchange(true, std::memory_order_seq_cst);
  }

private:
  boost::lockfree::stack<Item, boost::lockfree::fixed_sized<false>> ring_;
  std::atomic<bool> awake_{false};
};

/// The same for the busiest way in: each thread that pushes has a lane of its own, a Boost.Lockfree
/// ring of one producer and one consumer, so that callers do not meet each other, and the actor
/// only once a batch. Threads beyond `lanes_max`, and a lane that is full, use one ring together.
/// What one thread pushes comes out in its order, unless its lane was full.
template <class Item>
class ingress_lanes {
public:
  /// `capacity`: of the common ring, which so is the bound that always holds.
  explicit ingress_lanes(std::size_t capacity) : common_{capacity} {}
  ingress_lanes(const ingress_lanes&) = delete;
  ingress_lanes& operator=(const ingress_lanes&) = delete;

  [[nodiscard]] pushed push(const Item& item) {
    auto* const mine = my_lane();
    if (mine == nullptr || !mine->ring.push(item)) return common_.push(item);
    return common_.poke() ? pushed::wake : pushed::taken;
  }
  [[nodiscard]] bool poke() { return common_.poke(); }

  // -- for the actor only --
  /// Hands over the oldest of each lane, a batch at most, and all of the common ring. After a pause
  /// thousands may be inside: a batch is worked off while what it touches is still in the cache.
  template <class Take>
  std::size_t drain(Take take) {
    std::size_t count = 0;
    const auto lanes = used_.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < lanes; ++i) {
      std::array<Item, batch> some;
      const auto popped = lanes_[i]->ring.pop(some.data(), some.size());
      std::for_each_n(some.begin(), popped, take);
      count += popped;
    }
    if (!common_.empty()) count += common_.drain(take);
    return count;
  }
  [[nodiscard]] bool empty() const {
    const auto lanes = used_.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < lanes; ++i)
      if (lanes_[i]->ring.read_available() > 0) return false;
    return common_.empty();
  }
  [[nodiscard]] bool try_sleep() {
    if (!empty() || !common_.try_sleep()) return false;
    // A push into a lane that found us awake did not wake us.
    return empty() || !common_.poke();
  }

private:
  static constexpr std::size_t lanes_max = 64;
  static constexpr std::size_t lane_size = 4096;
  static constexpr std::size_t batch = 64;

  struct lane {
    boost::lockfree::spsc_queue<Item, boost::lockfree::capacity<lane_size>> ring;
    std::atomic<bool> claimed{true};
  };
  /// The lanes of one thread, by the number of the object they belong to. A thread that ends leaves
  /// its lane to the next one.
  struct claims {
    struct claim {
      std::uint64_t owner;
      std::shared_ptr<lane> which;  ///< Null: there was none left.
    };
    std::vector<claim> all;
    std::uint64_t last_owner = 0;
    lane* last = nullptr;
    ~claims() {
      for (const auto& one : all)
        if (one.which) one.which->claimed.store(false, std::memory_order_release);
    }
  };

  lane* my_lane() {
    thread_local claims mine;
    if (mine.last_owner == serial_) return mine.last;
    auto found = std::ranges::find(mine.all, serial_, &claims::claim::owner);
    if (found == mine.all.end()) {
      std::erase_if(mine.all,
                    [](const auto& one) { return one.which && one.which.use_count() == 1; });
      mine.all.push_back({serial_, claim()});
      found = std::prev(mine.all.end());
    }
    mine.last_owner = serial_;
    mine.last = found->which.get();
    return mine.last;
  }

  std::shared_ptr<lane> claim() {
    const std::lock_guard lock{claiming_};
    const auto count = used_.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < count; ++i) {
      bool free = false;
      if (lanes_[i]->claimed.compare_exchange_strong(free, true, std::memory_order_acq_rel))
        return lanes_[i];
    }
    if (count == lanes_max) return nullptr;
    lanes_[count] = std::make_shared<lane>();
    used_.store(count + 1, std::memory_order_release);
    return lanes_[count];
  }
  static std::uint64_t next_serial() {
    static std::atomic<std::uint64_t> serials{0};
    return ++serials;
  }

  const std::uint64_t serial_ = next_serial();
  std::array<std::shared_ptr<lane>, lanes_max> lanes_;
  std::atomic<std::size_t> used_{0};
  std::mutex claiming_;
  ingress_ring<Item> common_;
};

}  // namespace greenroom::machine
