#include "apps/chaos/observer.hpp"

#include "actors/node/parts.hpp"
#include "runtime/machine/process/process_memory.hpp"

#include <algorithm>

namespace greenroom::apps {
namespace {

constexpr std::chrono::milliseconds look_every{100};
/// The counters of one task's end are not updated atomically, and the thread between them may be
/// preempted.
constexpr int readings_max = 50;
constexpr std::chrono::milliseconds reading_pause{2};

}  // namespace

chaos_observer::chaos_observer(node& watched, const injector& faults,
                               std::shared_ptr<chaos_books> books)
    : node_{watched}, faults_{faults}, books_{std::move(books)}, thread_{[this] { watch(); }} {}

void chaos_observer::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

chaos_observer::figures chaos_observer::now() const {
  const std::lock_guard lock{guard_};
  return figures_;
}

bool chaos_observer::balanced() const {
  const auto& state = *node_.inside().state;
  for (int i = 0; i < readings_max; ++i) {
    runtime::chaos::ledger_reading seen;
    const auto before = node_.status();
    seen.accepted_before = before.accepted;
    seen.ended_before = before.accepted - before.pending;
    state.ledger.for_each([&](const protocols::task_ptr& job) {
      if (!job->is_shadow && !job->announced.load(std::memory_order_acquire)) ++seen.alive;
    });
    const auto after = node_.status();
    seen.accepted_after = after.accepted;
    seen.ended_after = after.accepted - after.pending;
    if (runtime::chaos::judge(seen).balanced()) return true;
    std::this_thread::sleep_for(reading_pause);
  }
  return false;
}

void chaos_observer::look() {
  double memory_mb = 0;
  std::size_t up = 0;
  const auto measured_s = books_->now_s();
  for (const auto& one : node_.specialists()) {
    if (one.pid <= 0) continue;
    const auto bytes = machine::process_memory(one.pid);
    if (bytes == 0) continue;
    memory_mb += static_cast<double>(bytes) / 1e6;
    ++up;
  }
  const auto budget = faults_.budget_mb();
  const bool within = budget <= 0 || memory_mb <= budget;
  {
    const std::lock_guard lock{books_->guard};
    books_->recovery.memory(within, measured_s);
  }
  const bool good = balanced();
  const std::lock_guard lock{guard_};
  ++figures_.looks;
  figures_.always_balanced = figures_.always_balanced && good;
  figures_.memory_mb = memory_mb;
  figures_.memory_sum_mb += memory_mb;
  figures_.memory_max_mb = std::max(figures_.memory_max_mb, memory_mb);
  figures_.workers_up = up;
  if (within)
    over_since_s_ = -1;
  else if (over_since_s_ < 0)
    over_since_s_ = measured_s;
  if (over_since_s_ >= 0)
    figures_.over_budget_s = std::max(figures_.over_budget_s, books_->now_s() - over_since_s_);
}

void chaos_observer::watch() {
  while (!stopping_) {
    look();
    std::this_thread::sleep_for(look_every);
  }
}

}  // namespace greenroom::apps
