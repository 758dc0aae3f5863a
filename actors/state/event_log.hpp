// What happened lately, and whoever wants to hear it as it happens.
#pragma once

#include "actors/state/node_clock.hpp"
#include "protocols/node_events.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace greenroom::actors {

/// Events in order, shared with the log: to hold some costs no copy of their texts.
class event_range {
public:
  using pointer = std::shared_ptr<const event>;
  class iterator {
  public:
    explicit iterator(const pointer* at) : at_{at} {}
    const event& operator*() const { return **at_; }
    const event* operator->() const { return at_->get(); }
    iterator& operator++() {
      ++at_;
      return *this;
    }
    friend bool operator==(const iterator&, const iterator&) = default;

  private:
    const pointer* at_;
  };

  [[nodiscard]] iterator begin() const { return iterator{events_.data()}; }
  [[nodiscard]] iterator end() const { return iterator{events_.data() + events_.size()}; }
  [[nodiscard]] bool empty() const { return events_.empty(); }
  [[nodiscard]] std::size_t size() const { return events_.size(); }
  [[nodiscard]] const event& front() const { return *events_.front(); }
  [[nodiscard]] const event& back() const { return *events_.back(); }
  void add(pointer one) { events_.push_back(std::move(one)); }

private:
  std::vector<pointer> events_;
};

/// Keeps the last 4096 events, and fewer when their texts are long. For changes of state, not for
/// every task. From any thread.
class event_log {
public:
  static constexpr std::size_t kept = 4096;
  /// A longer text is shortened when it comes in (`shortened_event`).
  static constexpr std::size_t text_bytes_max = std::size_t{16} << 10;

  explicit event_log(const node_clock& clock) : clock_{clock} {}

  /// At most so many bytes of memory for what is kept (`limits.event_log_bytes`). The newest event
  /// is always kept.
  void keep(std::uint64_t bytes_max);

  /// `json` is one JSON object. The event's time is now.
  void publish(std::string kind, std::string json);

  /// Events with a greater number, the oldest first: all of them, or as many as `bytes_max` bytes
  /// hold, but one at least.
  [[nodiscard]] event_range after(std::uint64_t number,
                                  std::size_t bytes_max = static_cast<std::size_t>(-1)) const;
  /// The numbers of the oldest and the newest event that are kept; 0 and 0: there are none.
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> kept_numbers() const;

  [[nodiscard]] std::shared_ptr<void> subscribe(std::function<void(const event&)> hear);

private:
  struct listener {
    std::function<void(const event&)> hear;
  };
  static std::size_t weight_of(const event& one);
  void drop_old();

  /// False when it threw: that is the listener's own matter, not that of whoever publishes.
  static bool heard(const listener& one, const event& what) noexcept {
    try {
      one.hear(what);
      return true;
    } catch (...) {
      return false;
    }
  }
  const node_clock& clock_;
  mutable std::mutex mutex_;
  std::uint64_t last_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t bytes_max_ = std::uint64_t{8} << 20;
  std::deque<std::shared_ptr<const event>> events_;
  std::vector<std::weak_ptr<listener>> listeners_;
};

/// An event's text that is not longer than `most` bytes: of the one JSON object that it is, long
/// strings are cut at their end, other long members are left out, and "truncated" says so. A text
/// that is no JSON object becomes one that holds its beginning.
[[nodiscard]] std::string shortened_event(std::string_view json, std::size_t most);

}  // namespace greenroom::actors
