#include "runtime/machine/tasks/ledger.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

namespace greenroom::machine {

using protocols::task, protocols::task_id, protocols::task_location, protocols::task_ptr;

struct task_ledger::chunk {
  std::array<task, chunk_size> tasks;
};

task_ledger::task_ledger(std::size_t capacity, std::uint64_t epoch)
    : capacity_{std::min(capacity, std::size_t{1} << slot_bits)},
      epoch_{epoch},
      chunks_((capacity_ + chunk_size - 1) / chunk_size) {}

task_ledger::~task_ledger() {
  assert(alive() == 0 && "a task outlived its ledger");
  for (auto& one : chunks_) delete one.load();
}

task& task_ledger::place(std::uint32_t slot) const {
  return chunks_[slot / chunk_size].load(std::memory_order_acquire)->tasks[slot % chunk_size];
}

namespace {

constexpr std::uint64_t tag = std::uint64_t{1} << 32;
constexpr std::uint64_t link = tag - 1;

}  // namespace

bool task_ledger::pop(std::uint32_t& slot) {
  // Use recently returned slots first, because these are in the cache: otherwise one burst would
  // make every later task cycle through all slots of the burst.
  if (acquired_.load(std::memory_order_relaxed) % turns == 0) take_back();
  do {
    auto head = free_.load(std::memory_order_acquire);
    while ((head & link) != 0) {
      const auto first = static_cast<std::uint32_t>(head & link) - 1;
      const auto next = place(first).next_free.load(std::memory_order_relaxed);
      if (free_.compare_exchange_weak(head, ((head & ~link) + tag) | next,
                                      std::memory_order_acq_rel, std::memory_order_acquire)) {
        slot = first;
        return true;
      }
    }
  } while (take_back() || take_aside());
  return false;
}

bool task_ledger::take_back() {
  if (returned_.load(std::memory_order_relaxed) == 0) return false;
  const auto first = returned_.exchange(0, std::memory_order_acq_rel);
  if (first == 0) return false;
  put_first(first);
  return true;
}

void task_ledger::put_first(std::uint32_t list) {
  auto head = free_.load(std::memory_order_acquire);
  while (!free_.compare_exchange_weak(head, ((head & ~link) + tag) | list,
                                      std::memory_order_acq_rel, std::memory_order_acquire)) {
  }
  const auto rest = static_cast<std::uint32_t>(head & link);
  if (rest == 0) return;
  // A walk to the list's end would fetch every slot's line from the other core.
  auto top = aside_.load(std::memory_order_relaxed);
  do {
    place(rest - 1).next_list.store(static_cast<std::uint32_t>(top & link),
                                    std::memory_order_relaxed);
  } while (!aside_.compare_exchange_weak(top, ((top & ~link) + tag) | rest,
                                         std::memory_order_acq_rel, std::memory_order_relaxed));
}

bool task_ledger::take_aside() {
  auto top = aside_.load(std::memory_order_acquire);
  while ((top & link) != 0) {
    const auto list = static_cast<std::uint32_t>(top & link);
    const auto below = place(list - 1).next_list.load(std::memory_order_relaxed);
    if (!aside_.compare_exchange_weak(top, ((top & ~link) + tag) | below, std::memory_order_acq_rel,
                                      std::memory_order_acquire))
      continue;
    put_first(list);
    return true;
  }
  return false;
}

bool task_ledger::grow() {
  const std::lock_guard lock{growing_};
  // Another thread has grown the slab or returned slots.
  if ((free_.load() & link) != 0 || returned_.load() != 0 || (aside_.load() & link) != 0)
    return true;
  const auto first = used_.load();
  if (first >= capacity_) return false;
  auto* fresh = new chunk;
  const auto count = std::min(chunk_size, capacity_ - first);
  for (std::size_t i = 0; i < count; ++i) {
    fresh->tasks[i].slot = static_cast<std::uint32_t>(first + i);
    fresh->tasks[i].home = this;
    fresh->tasks[i].next_free = static_cast<std::uint32_t>(i + 1 < count ? first + i + 2 : 0);
  }
  chunks_[first / chunk_size].store(fresh, std::memory_order_release);
  used_.store(first + count, std::memory_order_release);
  auto& last = fresh->tasks[count - 1];
  auto head = returned_.load();
  do {
    last.next_free = head;
  } while (!returned_.compare_exchange_weak(head, static_cast<std::uint32_t>(first + 1),
                                            std::memory_order_acq_rel));
  return true;
}

task_ptr task_ledger::acquire(bool anchored) {
  std::uint32_t slot = 0;
  while (!pop(slot))
    // A slot that is in no list is just being moved between lists.
    if (!grow() && alive() >= capacity_) return {};
  auto& job = place(slot);
  // The caller's fields are reset on the caller's side, whose core has these cache lines.
  job.id = {epoch_, acquired_.fetch_add(1, std::memory_order_relaxed) << slot_bits | slot};
  job.urgency = protocols::priority::normal;
  job.effects = protocols::side_effects::idempotent;
  job.journaled = job.streaming = false;
  job.observed = true;
  job.is_shadow = false;
  job.judged = true;
  job.start_beside.store(false, std::memory_order_relaxed);
  job.case_key = 0;
  job.location.store(task_location::admission, std::memory_order_relaxed);
  job.anchored.store(anchored, std::memory_order_relaxed);
  job.references.store(anchored ? 2 : 1, std::memory_order_release);
  return task_ptr::adopt(&job);
}

task_ptr task_ledger::at(std::size_t slot) const {
  auto& job = place(static_cast<std::uint32_t>(slot));
  auto count = job.references.load(std::memory_order_relaxed);
  do {
    if (count == 0) return {};
  } while (!job.references.compare_exchange_weak(count, count + 1, std::memory_order_acq_rel));
  auto held = task_ptr::adopt(&job);
  const auto where = held->location.load(std::memory_order_acquire);
  // The caller may still be writing the fields.
  if (where == task_location::admission || where == task_location::free) return {};
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
    // Swap: the assignment of an empty string would keep the buffer.
    if (text.capacity() > keep_bytes)
      std::string{}.swap(text);
    else if (!text.empty())
      text.clear();
  };
  job.location.store(task_location::free, std::memory_order_relaxed);
  if (job.input.capacity() > keep_bytes) {
    put_back(job.input.size());
    std::string{}.swap(job.input);
  }
  if (job.output.size() > keep_bytes)
    outputs_.fetch_sub(job.output.size(), std::memory_order_relaxed);
  clear(job.output);
  // Write only fields that differ, so that untouched cache lines stay shared.
  clear(job.case_id);
  clear(job.idempotency_key);
  clear(job.result.output);
  if (job.failures.load(std::memory_order_relaxed) != nullptr) {
    const auto* each = job.failures.exchange(nullptr, std::memory_order_relaxed);
    while (each != nullptr) delete std::exchange(each, each->before);
  }
  if (job.result.why != protocols::failure::none || job.result.retryable) job.result = {};
  job.observer.reset();
  job.state.store(protocols::task_state::queued, std::memory_order_relaxed);
  job.end_state = protocols::task_state::queued;
  job.claimed.store(false, std::memory_order_relaxed);
  job.recorded.store(false, std::memory_order_relaxed);
  job.announced.store(false, std::memory_order_relaxed);
  job.unwritten.store(false, std::memory_order_relaxed);
  job.phase = protocols::task_phase::wanted;
  job.cold_start = job.start_noted = false;
  job.counted.store(task::uncounted, std::memory_order_relaxed);
  job.pool.store(protocols::pool_kind::intelligent, std::memory_order_relaxed);
  job.attempts = 0;
  job.holder = 0;
  job.why = protocols::failure::none;
  job.dispatched_ns = job.ended_ns = 0;
  if (job.start_wait_ns != 0) job.start_wait_ns = 0;
  if (job.retry_after_ms != 0) job.retry_after_ms = 0;
  recycled_.write([](counter& mine, bool alone) { count(mine, 1, alone); });
  auto head = returned_.load(std::memory_order_relaxed);
  do {
    job.next_free.store(head, std::memory_order_relaxed);
  } while (!returned_.compare_exchange_weak(head, job.slot + 1, std::memory_order_release,
                                            std::memory_order_relaxed));
}

}  // namespace greenroom::machine
