// Per-thread counters that a reader adds up (the striped counters of Dice, Lev, Moir: Scalable
// Statistics Counters, SPAA 2013, without sampling).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace greenroom::machine {

using counter = std::atomic<std::uint64_t>;
[[nodiscard]] inline std::uint64_t count_of(const counter& which) {
  return which.load(std::memory_order_relaxed);
}

/// The calling thread's stripe. A thread owns a stripe from the first use until the thread ends;
/// when all stripes are taken, further threads share the last one.
class stripe {
public:
  static constexpr std::size_t count = 64;

  [[nodiscard]] static std::size_t mine() { return own_ == none ? claim() : own_; }
  /// True when no other thread writes to this stripe.
  [[nodiscard]] static bool alone(std::size_t which) { return which + 1 < count; }

private:
  static constexpr std::size_t none = ~std::size_t{0};
  static std::size_t claim();
  static inline thread_local constinit std::size_t own_ = none;
};

/// A locked instruction costs as much as a dozen others, so a sole writer avoids it.
inline void count(counter& which, std::uint64_t more, bool alone) {
  if (alone)
    which.store(which.load(std::memory_order_relaxed) + more, std::memory_order_release);
  else
    which.fetch_add(more, std::memory_order_release);
}

/// One `Counts` for every counting thread, kept until the destructor: an ended thread's stripe,
/// with its counts, passes to another thread.
template <class Counts>
class striped {
public:
  striped() = default;
  ~striped() {
    for (auto& one : all_) delete one.load(std::memory_order_relaxed);
  }
  striped(const striped&) = delete;
  striped& operator=(const striped&) = delete;

  /// Calls `add(Counts&, bool alone)` with this thread's counts; pass `alone` to `count`.
  template <class Add>
  void write(Add add) {
    const auto which = stripe::mine();
    auto* counts = all_[which].load(std::memory_order_acquire);
    if (counts == nullptr) counts = made(which);
    add(counts->own, stripe::alone(which));
  }
  /// Calls `see(const Counts&)` for each thread's counts. Any thread; not a snapshot, but no count
  /// ever decreases.
  template <class See>
  void read(See see) const {
    for (const auto& one : all_)
      if (const auto* counts = one.load(std::memory_order_acquire)) see(counts->own);
  }
  /// Returns the sum of the counter `of(const Counts&)` over all threads.
  template <class Of>
  [[nodiscard]] std::uint64_t sum(Of of) const {
    std::uint64_t result = 0;
    read([&](const Counts& one) { result += of(one).load(std::memory_order_acquire); });
    return result;
  }

private:
  struct alignas(64) lines {
    Counts own;
  };

  lines* made(std::size_t which) {
    auto* fresh = new lines{};
    lines* seen = nullptr;
    if (all_[which].compare_exchange_strong(seen, fresh, std::memory_order_acq_rel)) return fresh;
    delete fresh;
    return seen;
  }

  // Read with every count, so on another cache line than data that other threads write.
  alignas(64) std::array<std::atomic<lines*>, stripe::count> all_{};
};

}  // namespace greenroom::machine
