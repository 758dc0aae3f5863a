// The ledger: finds every task that was accepted and has not ended.
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

/// A bounded slab of tasks. Memory is reused and freed only by the destructor, so any thread may
/// read any slot at any time; tasks of a lost actor are found again this way. `acquire` and the
/// last release are lock-free once a chunk exists.
class task_ledger : public protocols::task_home {
public:
  /// `capacity` ≤ 2^20: the limit on tasks alive at the same time. `epoch` identifies this run of
  /// the node in every task id.
  task_ledger(std::size_t capacity, std::uint64_t epoch);
  ~task_ledger() override;

  /// Returns a new task, whose location is `admission`; empty when the ledger is full. The ledger
  /// itself holds a reference to an anchored task until `let_go`.
  [[nodiscard]] protocols::task_ptr acquire(bool anchored = false);
  /// @pre the caller holds a reference of its own.
  static void let_go(protocols::task& job) {
    if (job.anchored.exchange(false, std::memory_order_acq_rel)) protocols::task_ptr::adopt(&job);
  }
  /// Returns the slot's task, if the task was admitted (pushed).
  [[nodiscard]] protocols::task_ptr at(std::size_t slot) const;
  [[nodiscard]] protocols::task_ptr find(const protocols::task_id& id) const;

  /// Calls `see(task_ptr)` for every admitted task. Any thread; not a snapshot.
  template <class See>
  void for_each(See see) const {
    const auto slots = used_.load(std::memory_order_acquire);
    for (std::size_t slot = 0; slot < slots; ++slot)
      if (auto job = at(slot)) see(std::move(job));
  }

  /// Exact when no task is acquired or released meanwhile.
  [[nodiscard]] std::size_t alive() const {
    const auto back = recycled_.sum([](const counter& one) -> const auto& { return one; });
    return static_cast<std::size_t>(acquired_.load(std::memory_order_relaxed) - back);
  }
  /// Calls `see(task_ptr)` for the tasks that have ended or are past their deadline, in `count`
  /// slots from `from` on. Returns the slot to continue from; 0 after the last slot. Takes no
  /// reference to other tasks, because that would contend with the threads that use these tasks.
  template <class See>
  std::size_t for_each_due(std::size_t from, std::size_t count, std::int64_t now_ns,
                           See see) const {
    const auto slots = used_.load(std::memory_order_acquire);
    const auto end = from + count < slots ? from + count : slots;
    for (auto slot = from; slot < end; ++slot) {
      const auto& job = place(static_cast<std::uint32_t>(slot));
      const auto where = job.location.load(std::memory_order_acquire);
      if (where == protocols::task_location::free || where == protocols::task_location::admission)
        continue;
      if (now_ns < job.deadline_ns.load(std::memory_order_relaxed)
          && !job.claimed.load(std::memory_order_relaxed))
        continue;
      if (auto held = at(slot)) see(std::move(held));
    }
    return end < slots ? end : 0;
  }

  /// Reserves bytes for a large input, before the task is acquired; small inputs are bounded by the
  /// number of tasks. False when all large inputs together would exceed `most` bytes; a single
  /// input is always admitted. The bytes are released when the task is recycled, or by `put_back`
  /// if no task was acquired.
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
  /// Counts the bytes of a large output of an ended task; released when the task is recycled.
  void hold_output(std::size_t bytes) {
    if (bytes > keep_bytes) outputs_.fetch_add(bytes, std::memory_order_relaxed);
  }
  /// Bytes of the large outputs that are not yet sent or not yet written to the journal.
  [[nodiscard]] std::uint64_t held_outputs() const {
    return outputs_.load(std::memory_order_relaxed);
  }
  /// Bytes of the large inputs in the node.
  [[nodiscard]] std::uint64_t heavy() const { return heavy_.load(std::memory_order_relaxed); }

  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }

  void recycle(protocols::task& free) noexcept override;

private:
  static constexpr std::size_t chunk_size = 1024;
  static constexpr std::size_t keep_bytes = 4096;  // Larger buffers go back to the allocator.
  static constexpr int slot_bits = 20;
  static constexpr std::uint64_t turns = 64;  // Acquired tasks between two looks at the returned
                                              // slots.
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
  // Free slots are popped from one list and returned to another, each on its own cache line. All
  // returned slots move over at once, without a walk to the list's end: the rest of the old list is
  // pushed aside onto a stack of lists. So the caller's core and the node's core contend once in
  // many tasks. Slots count from 1, and 0 ends a list; the upper half of `free_` and `aside_`
  // changes with every pop, which prevents the ABA problem (Treiber, IBM RJ 5118, 1986).
  alignas(64) std::atomic<std::uint64_t> free_{0};
  std::atomic<std::uint64_t> aside_{0};
  std::atomic<std::uint64_t> acquired_{0};  // Also the serial number of tasks.
  alignas(64) std::atomic<std::uint32_t> returned_{0};
  striped<counter> recycled_;
};

}  // namespace greenroom::machine
