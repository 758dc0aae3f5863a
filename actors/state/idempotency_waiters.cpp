#include "actors/state/idempotency_waiters.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

idempotency_waiters::outcome idempotency_waiters::add(
    const protocols::task_id& task, std::shared_ptr<protocols::task_observer> caller,
    const bounds& most) {
  const std::uint64_t held = caller->held_bytes();
  const std::lock_guard lock{mutex_};
  if (task_of_.size() >= most.in_all) return outcome::full;
  if (bytes_ > 0 && bytes_ + held > most.bytes) return outcome::bytes_full;
  auto& waiting = by_task_[task];
  if (waiting.size() >= most.per_task) return outcome::task_full;
  task_of_.emplace(caller.get(), task);
  waiting.push_back({std::move(caller), held});
  bytes_ += held;
  return outcome::added;
}

bool idempotency_waiters::remove(const protocols::task_observer* caller) {
  waiter removed;  // Destroyed after the lock is released.
  const std::lock_guard lock{mutex_};
  const auto found = task_of_.find(caller);
  if (found == task_of_.end()) return false;
  const auto waiting = by_task_.find(found->second);
  task_of_.erase(found);
  const auto at = std::ranges::find(waiting->second, caller,
                                    [](const waiter& one) { return one.caller.get(); });
  bytes_ -= at->bytes;
  removed = std::move(*at);
  *at = std::move(waiting->second.back());
  waiting->second.pop_back();
  if (waiting->second.empty()) by_task_.erase(waiting);
  return true;
}

std::vector<std::shared_ptr<protocols::task_observer>> idempotency_waiters::take(
    const protocols::task_id& task) {
  std::vector<std::shared_ptr<protocols::task_observer>> result;
  const std::lock_guard lock{mutex_};
  const auto waiting = by_task_.find(task);
  if (waiting == by_task_.end()) return result;
  result.reserve(waiting->second.size());
  for (auto& one : waiting->second) {
    bytes_ -= one.bytes;
    task_of_.erase(one.caller.get());
    result.push_back(std::move(one.caller));
  }
  by_task_.erase(waiting);
  return result;
}

void idempotency_waiters::clear() {
  // Destroyed without the lock: a destructor may call `remove`.
  decltype(by_task_) removed;
  {
    const std::lock_guard lock{mutex_};
    removed.swap(by_task_);
    task_of_.clear();
    bytes_ = 0;
  }
}

}  // namespace greenroom::actors
