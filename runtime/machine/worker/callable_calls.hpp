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

/// Counts a node's calls on foreign threads, so that the node can wait for their end.
class call_gate {
public:
  /// Held from the moment a call is given to a thread until the call is destroyed.
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
  /// Waits until no call is under way; false after `patience`.
  [[nodiscard]] bool wait_for(std::chrono::milliseconds patience) const {
    std::unique_lock lock{mutex_};
    return fewer_.wait_for(lock, patience, [this] { return under_way_ == 0; });
  }

private:
  void change(int by) {
    const std::lock_guard lock{mutex_};
    under_way_ += static_cast<std::size_t>(by);
    // Notify under the lock: the waiting thread may destroy this object as soon as it gets the
    // lock.
    fewer_.notify_all();
  }

  mutable std::mutex mutex_;
  mutable std::condition_variable fewer_;
  std::size_t under_way_ = 0;
};

/// While an instance lives, its thread runs code of the embedding service for a node. On one of the
/// node's own threads (a callback, an inline callable), this code must not wait for the node: the
/// node would wait for itself. A callable on a pool thread may wait, but must not destroy the node.
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
