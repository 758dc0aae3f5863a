// The ledger: where every task that was accepted and has not ended can be found.
#pragma once

#include "protocols/task.hpp"
#include "runtime/machine/metrics/striped.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace greenroom::machine {

/// A slab of tasks with a bound. Its memory is reused and given back only at the end, so that any
/// thread may look at any place at any time; that is how tasks are found again after an actor that
/// held them is lost. `acquire` and the last release are lock-free once a chunk exists.
class task_ledger : public protocols::task_home {
public:
  /// `capacity` ≤ 2^20: all tasks that may be alive at the same time. `epoch` names this life of
  /// the node in every identifier.
  task_ledger(std::size_t capacity, std::uint64_t epoch);
  ~task_ledger() override;

  /// A fresh task, in place `door`; empty when the ledger is full. An anchored one is kept by the
  /// ledger itself, whoever loses it, until `let_go`.
  [[nodiscard]] protocols::task_ptr acquire(bool anchored = false);
  /// @pre the caller holds a reference of its own.
  static void let_go(protocols::task& job) {
    if (job.anchored.exchange(false, std::memory_order_acq_rel)) protocols::task_ptr::adopt(&job);
  }
  /// The task in that place, if there is one that is in (past the door).
  [[nodiscard]] protocols::task_ptr at(std::size_t slot) const;
  [[nodiscard]] protocols::task_ptr find(const protocols::task_id& id) const;

  /// Calls `see(task_ptr)` for every task that is in. Any thread; sees a moving picture.
  template <class See>
  void for_each(See see) const {
    const auto slots = used_.load(std::memory_order_acquire);
    for (std::size_t slot = 0; slot < slots; ++slot)
      if (auto job = at(slot)) see(std::move(job));
  }

  /// Exact when nothing moves.
  [[nodiscard]] std::size_t alive() const {
    const auto back = recycled_.sum([](const counter& one) -> const auto& { return one; });
    return static_cast<std::size_t>(acquired_.load(std::memory_order_relaxed) - back);
  }
  /// Calls `see(task_ptr)` for those that have ended or whose deadline has passed, in the next
  /// `count` places from `from` on. Returns where to go on; 0 after the last place. Only looks at
  /// the others, because to hold each for a moment would take them from those who work on them.
  template <class See>
  std::size_t for_each_due(std::size_t from, std::size_t count, std::int64_t now_ns,
                           See see) const {
    const auto slots = used_.load(std::memory_order_acquire);
    const auto end = from + count < slots ? from + count : slots;
    for (auto slot = from; slot < end; ++slot) {
      const auto& job = place(static_cast<std::uint32_t>(slot));
      const auto where = job.place.load(std::memory_order_acquire);
      if (where == protocols::task_place::free || where == protocols::task_place::door) continue;
      if (now_ns < job.deadline_ns.load(std::memory_order_relaxed)
          && !job.claimed.load(std::memory_order_relaxed))
        continue;
      if (auto held = at(slot)) see(std::move(held));
    }
    return end < slots ? end : 0;
  }

  /// Counts a large input in, before its task is acquired; small ones are bounded by how many there
  /// are. False when the large ones would be more than `most` bytes together; a lone one always
  /// may. What is counted in goes out when its task is recycled, or by `put_back` when there was
  /// none.
  [[nodiscard]] bool take_in(std::size_t bytes, std::uint64_t most) {
    if (bytes <= keep_bytes) return true;
    const auto before = heavy_.fetch_add(bytes, std::memory_order_relaxed);
    if (before == 0 || before + bytes <= most) return true;
    put_back(bytes);
    return false;
  }
  void put_back(std::size_t bytes) {
    if (bytes > keep_bytes) heavy_.fetch_sub(bytes, std::memory_order_relaxed);
  }
  /// Counts a large output in when its task has ended; it goes out when the task is recycled.
  void hold_output(std::size_t bytes) {
    if (bytes > keep_bytes) outputs_.fetch_add(bytes, std::memory_order_relaxed);
  }
  /// Bytes of the large outputs that are in: not told yet, or not written down yet.
  [[nodiscard]] std::uint64_t held_outputs() const {
    return outputs_.load(std::memory_order_relaxed);
  }
  /// Bytes of the large inputs that are in.
  [[nodiscard]] std::uint64_t heavy() const { return heavy_.load(std::memory_order_relaxed); }

  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }

  void recycle(protocols::task& free) noexcept override;

private:
  static constexpr std::size_t chunk_size = 1024;
  static constexpr std::size_t keep_bytes = 4096;  // Larger buffers go back to the allocator.
  static constexpr int slot_bits = 20;
  static constexpr std::uint64_t turns = 64;  // Tasks until what has come back is looked for.
  struct chunk;
  [[nodiscard]] protocols::task& place(std::uint32_t slot) const;
  [[nodiscard]] bool pop(std::uint32_t& slot);
  bool take_back();
  bool take_aside();
  void put_first(std::uint32_t list);
  bool grow();

  std::size_t capacity_;
  std::uint64_t epoch_;
  std::vector<std::atomic<chunk*>> chunks_;
  std::atomic<std::size_t> used_{0};
  std::atomic<std::uint64_t> heavy_{0};
  std::atomic<std::uint64_t> outputs_{0};
  std::mutex growing_;
  // Places are taken from one list and come back into another, each on a cache line of its own, and
  // all that have come back move over at once, as a list whose end nobody looks for: what was left
  // of the list before goes aside, onto a stack of lists. So the caller's core and the node's meet
  // once in many tasks. Slots are counted from 1 everywhere, and 0 ends a list; the upper half of
  // `free_` and `aside_` changes with every pop, so that a list which looks the same but is not is
  // noticed (Treiber, IBM RJ 5118, 1986).
  alignas(64) std::atomic<std::uint64_t> free_{0};
  std::atomic<std::uint64_t> aside_{0};
  std::atomic<std::uint64_t> acquired_{0};  // Also the serial number.
  alignas(64) std::atomic<std::uint32_t> returned_{0};
  striped<counter> recycled_;
};

}  // namespace greenroom::machine
