// Counts that every thread keeps for itself and a reader adds up (the striped counters of
// Dice, Lev, Moir: Scalable Statistics Counters, SPAA 2013, without their sampling).
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

/// Which stripe the calling thread counts in. A thread has its own from its first look to its end;
/// whoever comes when all are taken uses the last one, together with others.
class stripe {
public:
  static constexpr std::size_t count = 64;

  [[nodiscard]] static std::size_t mine() { return own_ == none ? claim() : own_; }
  /// Nobody else writes there meanwhile.
  [[nodiscard]] static bool alone(std::size_t which) { return which + 1 < count; }

private:
  static constexpr std::size_t none = ~std::size_t{0};
  static std::size_t claim();
  static inline thread_local constinit std::size_t own_ = none;
};

/// A locked instruction costs as much as a dozen others, so it is left out where nobody else
/// writes.
inline void count(counter& which, std::uint64_t more, bool alone) {
  if (alone)
    which.store(which.load(std::memory_order_relaxed) + more, std::memory_order_release);
  else
    which.fetch_add(more, std::memory_order_release);
}

/// `Counts` once for every thread that counts. They stay as long as this does: a thread that ends
/// leaves its stripe, with what it has counted, to the next one.
template <class Counts>
class striped {
public:
  striped() = default;
  ~striped() {
    for (auto& one : all_) delete one.load(std::memory_order_relaxed);
  }
  striped(const striped&) = delete;
  striped& operator=(const striped&) = delete;

  /// Calls `add(Counts&, bool alone)` with those of this thread; `alone` as `count` takes it.
  template <class Add>
  void write(Add add) {
    const auto which = stripe::mine();
    auto* counts = all_[which].load(std::memory_order_acquire);
    if (counts == nullptr) counts = made(which);
    add(counts->own, stripe::alone(which));
  }
  /// Calls `see(const Counts&)` for each. Any thread; sees a moving picture, in which no count ever
  /// becomes less.
  template <class See>
  void read(See see) const {
    for (const auto& one : all_)
      if (const auto* counts = one.load(std::memory_order_acquire)) see(counts->own);
  }
  /// `of(const Counts&)` → counter, added up.
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

  // Read with every count, so not beside what others write.
  alignas(64) std::array<std::atomic<lines*>, stripe::count> all_{};
};

}  // namespace greenroom::machine
