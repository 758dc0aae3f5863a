#include "runtime/machine/tasks/ledger.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace greenroom::machine {

using protocols::task, protocols::task_id, protocols::task_place, protocols::task_ptr;

struct task_ledger::chunk {
  std::array<task, chunk_size> tasks;
};

task_ledger::task_ledger(std::size_t capacity, std::uint64_t epoch)
    : capacity_{std::min(capacity, std::size_t{1} << slot_bits)},
      epoch_{epoch},
      chunks_((capacity_ + chunk_size - 1) / chunk_size),
      free_{0} {}

task_ledger::~task_ledger() {
  assert(alive_ == 0 && "a task outlived its ledger");
  for (auto& one : chunks_) delete one.load();
}

bool task_ledger::grow() {
  const std::lock_guard lock{growing_};
  if (!free_.empty()) return true;  // Someone else was faster.
  const auto first = used_.load();
  if (first >= capacity_) return false;
  auto* fresh = new chunk;
  const auto count = std::min(chunk_size, capacity_ - first);
  for (std::size_t i = 0; i < count; ++i) {
    fresh->tasks[i].slot = static_cast<std::uint32_t>(first + i);
    fresh->tasks[i].home = this;
  }
  chunks_[first / chunk_size].store(fresh, std::memory_order_release);
  free_.reserve(count);
  used_.store(first + count, std::memory_order_release);
  for (std::size_t i = count; i-- > 0;) free_.push(static_cast<std::uint32_t>(first + i));
  return true;
}

task_ptr task_ledger::acquire() {
  std::uint32_t slot = 0;
  while (!free_.pop(slot))
    if (!grow()) return {};
  auto& job = chunks_[slot / chunk_size].load(std::memory_order_acquire)->tasks[slot % chunk_size];
  job.id = {epoch_, serial_.fetch_add(1, std::memory_order_relaxed) << slot_bits | slot};
  alive_.fetch_add(1, std::memory_order_relaxed);
  job.place.store(task_place::door, std::memory_order_relaxed);
  job.references.store(1, std::memory_order_release);
  return task_ptr::adopt(&job);
}

task_ptr task_ledger::at(std::size_t slot) const {
  auto& job = chunks_[slot / chunk_size].load(std::memory_order_acquire)->tasks[slot % chunk_size];
  auto count = job.references.load(std::memory_order_relaxed);
  do {
    if (count == 0) return {};
  } while (!job.references.compare_exchange_weak(count, count + 1, std::memory_order_acq_rel));
  auto held = task_ptr::adopt(&job);
  const auto place = held->place.load(std::memory_order_acquire);
  // At the door its fields are still being written.
  if (place == task_place::door || place == task_place::free) return {};
  return held;
}

task_ptr task_ledger::find(const task_id& id) const {
  const auto slot = id.number & ((std::uint64_t{1} << slot_bits) - 1);
  if (id.epoch != epoch_ || slot >= used_.load(std::memory_order_acquire)) return {};
  auto found = at(slot);
  return found && found->id == id ? found : task_ptr{};
}

void task_ledger::recycle(task& job) noexcept {
  const auto clear = [](std::string& text) {
    if (text.capacity() > keep_bytes)
      text = std::string{};
    else
      text.clear();
  };
  job.place.store(task_place::free, std::memory_order_relaxed);
  clear(job.input);
  clear(job.output);
  clear(job.case_id);
  clear(job.idempotency_key);
  clear(job.result.output);
  job.result.why = protocols::failure::none;
  job.result.retryable = false;
  job.who.reset();
  job.state.store(protocols::task_state::queued, std::memory_order_relaxed);
  job.end_state = protocols::task_state::queued;
  job.claimed.store(false, std::memory_order_relaxed);
  job.recorded.store(false, std::memory_order_relaxed);
  job.announced.store(false, std::memory_order_relaxed);
  job.phase = protocols::task_phase::wanted;
  job.urgency = protocols::priority::normal;
  job.effects = protocols::side_effects::idempotent;
  job.journaled = job.streaming = job.cold_start = false;
  job.observed = true;
  job.mirror = false;
  job.counted.store(protocols::task::uncounted, std::memory_order_relaxed);
  job.case_key = 0;
  job.pool = protocols::pool_kind::intelligent;
  job.attempts = 0;
  job.start_noted = false;
  job.holder = 0;
  job.why = protocols::failure::none;
  job.retry_after_ms = job.dispatched_ns = job.start_wait_ns = job.ended_ns = 0;
  const auto slot = job.slot;
  alive_.fetch_sub(1, std::memory_order_relaxed);
  free_.push(slot);
}

}  // namespace greenroom::machine
