// The rings through which any thread submits tasks.
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

/// The result of a push. `wake`: the caller must wake the actor.
enum class pushed { full, taken, wake };

/// A bounded Boost.Lockfree ring: many threads push, one actor drains it in one step, oldest first.
/// Only the first push after the actor slept returns `wake`: one wake-up for a whole batch. `Item`
/// is trivial; the ring does not own what an item refers to.
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
    // Store-load on both sides: the actor sees the pushed item, or this thread sees that it sleeps.
    light_fence();
    if (awake_.load(std::memory_order_relaxed)) return false;
    return !awake_.exchange(true, std::memory_order_seq_cst);
  }

  /// Passes all items to `take`, oldest first. The actor only. Returns the number of items.
  template <class Take>
  std::size_t drain(Take take) {
    return ring_.consume_all_atomic_reversed(take);
  }
  [[nodiscard]] bool empty() const { return ring_.empty(); }

  /// Marks the actor asleep unless an item has arrived. The actor only.
  [[nodiscard]] bool try_sleep() {
    if (!ring_.empty()) return false;  // Cheaper than the fence below.
    // An exchange, so that items pushed before another thread's exchange are visible afterwards.
    static_cast<void>(awake_.exchange(false, std::memory_order_seq_cst));
    heavy_fence();
    if (ring_.empty()) return true;
    // The thread that sets the flag back is responsible: a pusher has then already sent a wake-up.
    return awake_.exchange(true, std::memory_order_seq_cst);
  }

private:
  boost::lockfree::stack<Item, boost::lockfree::fixed_sized<false>> ring_;
  std::atomic<bool> awake_{false};
};

/// The same for the busiest entry: each pushing thread has a lane of its own, a Boost.Lockfree ring
/// with one producer and one consumer, so that callers do not contend with each other, and contend
/// with the actor once a batch only. Threads beyond `lanes_max`, and threads with a full lane,
/// share one ring. One thread's items come out in order, unless the thread's lane was full.
template <class Item>
class ingress_lanes {
public:
  /// `capacity` is the size of the common ring, and so the guaranteed capacity.
  explicit ingress_lanes(std::size_t capacity) : common_{capacity} {}
  ingress_lanes(const ingress_lanes&) = delete;
  ingress_lanes& operator=(const ingress_lanes&) = delete;

  [[nodiscard]] pushed push(const Item& item) {
    auto* const mine = my_lane();
    if (mine == nullptr || !mine->ring.push(item)) return common_.push(item);
    return common_.poke() ? pushed::wake : pushed::taken;
  }
  [[nodiscard]] bool poke() { return common_.poke(); }

  // Methods for the actor only.
  /// Passes at most a batch of each lane's oldest items, and all of the common ring, to `take`.
  /// After a pause thousands of items may wait: a batch is processed while its memory is in the
  /// cache.
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
    // A push into a lane that saw the actor awake sent no wake-up.
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
  /// One thread's lanes, by the serial number of the owning object. A thread that ends frees its
  /// lanes for other threads.
  struct claims {
    struct claim {
      std::uint64_t owner;
      std::shared_ptr<lane> which;  ///< Null: no lane was free.
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
