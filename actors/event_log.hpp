// What happened lately, and whoever wants to hear it as it happens.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace greenroom {

/// Something that happened: `kind` is stable (specialist.warm, task.failed, config.reloaded …).
struct event {
  std::uint64_t number = 0;
  std::int64_t unix_ms = 0;
  std::string kind;
  std::string json;
};

namespace actors {

/// Keeps the last 4096 events. For changes of state, not for every task.
class event_log {
public:
  static constexpr std::size_t kept = 4096;

  void publish(std::string kind, std::string json, std::int64_t unix_ms) {
    std::vector<std::shared_ptr<listener>> hearers;
    event fresh;
    {
      const std::lock_guard lock{mutex_};
      fresh = {++last_, unix_ms, std::move(kind), std::move(json)};
      events_.push_back(fresh);
      if (events_.size() > kept) events_.pop_front();
      for (auto at = listeners_.begin(); at != listeners_.end();) {
        auto one = at->lock();
        if (!one) {
          at = listeners_.erase(at);
          continue;
        }
        hearers.push_back(std::move(one));
        ++at;
      }
    }
    bool failed = false;
    for (const auto& one : hearers) failed = !heard(*one, fresh) || failed;
    // Said once, to those who listen; whoever throws at that too is not told so.
    if (failed && fresh.kind != "callback.failed")
      publish("callback.failed", "{\"callback\":\"on_event\"}", unix_ms);
  }

  [[nodiscard]] std::vector<event> after(std::uint64_t number) const {
    const std::lock_guard lock{mutex_};
    std::vector<event> result;
    for (const auto& one : events_)
      if (one.number > number) result.push_back(one);
    return result;
  }

  [[nodiscard]] std::shared_ptr<void> subscribe(std::function<void(const event&)> hear) {
    auto mine = std::make_shared<listener>();
    mine->hear = std::move(hear);
    const std::lock_guard lock{mutex_};
    listeners_.push_back(mine);
    return mine;
  }

private:
  struct listener {
    std::function<void(const event&)> hear;
  };
  /// False when it threw: that is the listener's own matter, not that of whoever publishes.
  static bool heard(const listener& one, const event& what) noexcept {
    try {
      one.hear(what);
      return true;
    } catch (...) {
      return false;
    }
  }
  mutable std::mutex mutex_;
  std::uint64_t last_ = 0;
  std::deque<event> events_;
  std::vector<std::weak_ptr<listener>> listeners_;
};

}  // namespace actors
}  // namespace greenroom
