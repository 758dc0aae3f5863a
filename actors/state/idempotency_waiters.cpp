#include "actors/state/idempotency_waiters.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

idempotency_waiters::outcome idempotency_waiters::add(const protocols::task_id& task,
                                                      std::shared_ptr<protocols::task_observer> who,
                                                      const bounds& most) {
  const std::uint64_t held = who->held_bytes();
  const std::lock_guard lock{mutex_};
  if (task_of_.size() >= most.in_all) return outcome::full;
  if (bytes_ > 0 && bytes_ + held > most.bytes) return outcome::bytes_full;
  auto& waiting = by_task_[task];
  if (waiting.size() >= most.per_task) return outcome::task_full;
  task_of_.emplace(who.get(), task);
  waiting.push_back({std::move(who), held});
  bytes_ += held;
  return outcome::added;
}

bool idempotency_waiters::remove(const protocols::task_observer* who) {
  waiter gone;  // Let go of after the lock.
  const std::lock_guard lock{mutex_};
  const auto place = task_of_.find(who);
  if (place == task_of_.end()) return false;
  const auto waiting = by_task_.find(place->second);
  task_of_.erase(place);
  const auto at =
      std::ranges::find(waiting->second, who, [](const waiter& one) { return one.who.get(); });
  bytes_ -= at->bytes;
  gone = std::move(*at);
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
    task_of_.erase(one.who.get());
    result.push_back(std::move(one.who));
  }
  by_task_.erase(waiting);
  return result;
}

void idempotency_waiters::clear() {
  // What they hold goes without the lock: it may end with a call of `remove`.
  decltype(by_task_) gone;
  {
    const std::lock_guard lock{mutex_};
    gone.swap(by_task_);
    task_of_.clear();
    bytes_ = 0;
  }
}

}  // namespace greenroom::actors
