// The threads of a node that run code of the embedding service.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace greenroom::machine {

/// Counts the calls of one node on threads that are not its own, so that it can wait for their end.
class call_gate {
public:
  /// Held by a call from when it is given to a thread until nothing of it is left.
  class ticket {
  public:
    ticket() = default;
    explicit ticket(std::shared_ptr<call_gate> of) : of_{std::move(of)} {
      if (of_) of_->change(1);
    }
    ticket(ticket&& other) noexcept = default;
    ticket& operator=(ticket&&) = delete;
    ~ticket() {
      if (of_) of_->change(-1);
    }

  private:
    std::shared_ptr<call_gate> of_;
  };

  [[nodiscard]] std::size_t under_way() const {
    const std::lock_guard lock{mutex_};
    return under_way_;
  }
  /// True once there is none.
  [[nodiscard]] bool wait_for(std::chrono::milliseconds patience) const {
    std::unique_lock lock{mutex_};
    return fewer_.wait_for(lock, patience, [this] { return under_way_ == 0; });
  }

private:
  void change(int by) {
    const std::lock_guard lock{mutex_};
    under_way_ += static_cast<std::size_t>(by);
    // Under the lock: whoever waits may destroy this as soon as it can take it.
    fewer_.notify_all();
  }

  mutable std::mutex mutex_;
  mutable std::condition_variable fewer_;
  std::size_t under_way_ = 0;
};

/// While one lives, its thread runs code of the embedding service on behalf of a node. On one of
/// the node's own threads (a callback, an inline callable) nothing may be waited for that the node
/// does: the node would wait for itself. In a callable on a thread of its own that is allowed, but
/// to destroy the node is not.
class borrowed_thread {
public:
  enum class kind : std::uint8_t { callback, callable };
  explicit borrowed_thread(kind which) : before_{now()} { now() = {true, which}; }
  ~borrowed_thread() { now() = before_; }
  borrowed_thread(const borrowed_thread&) = delete;
  borrowed_thread& operator=(const borrowed_thread&) = delete;

  [[nodiscard]] static bool in_callback() { return now().in && now().which == kind::callback; }
  [[nodiscard]] static bool in_any() { return now().in; }

private:
  struct state {
    bool in = false;
    kind which = kind::callback;
  };
  static state& now() {
    thread_local state mine;
    return mine;
  }
  state before_;
};

}  // namespace greenroom::machine
