// C++ callables of the embedding service, and the tracking of threads that run such code.
#pragma once

#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>

namespace greenroom::machine {

/// Takes the JSON text of an input and returns the JSON text of a result. Made from anything that
/// can be called with the input, or with the input and a stop token. A stop is requested when the
/// result is no longer needed: the task timed out or was cancelled, or the node is being destroyed.
class callable_function {
public:
  callable_function() = default;
  template <class F>
  requires(!std::same_as<std::remove_cvref_t<F>, callable_function>
             && std::is_invocable_r_v<std::string, std::remove_cvref_t<F>&, const std::string&,
                                      std::stop_token>)
  callable_function(F run) {  // NOLINT(google-explicit-constructor)
    if (is_set(run)) run_ = std::move(run);
  }
  template <class F>
  requires(
      !std::same_as<
          std::remove_cvref_t<F>,
          callable_function> && !std::is_invocable_v<std::remove_cvref_t<F>&, const std::string&, std::stop_token> && std::is_invocable_r_v<std::string, std::remove_cvref_t<F>&, const std::string&>)
      callable_function(F run) {  // NOLINT(google-explicit-constructor)
    if (is_set(run))
      run_ = [run = std::move(run)](const std::string& input, const std::stop_token&) mutable {
        return run(input);
      };
  }

  explicit operator bool() const { return run_ != nullptr; }
  std::string operator()(const std::string& input, std::stop_token stop = {}) const {
    return run_(input, std::move(stop));
  }

private:
  template <class F>
  static bool is_set(const F&) {
    return true;
  }
  template <class Result, class... Arguments>
  static bool is_set(Result (*run)(Arguments...)) {
    return run != nullptr;
  }
  template <class Signature>
  static bool is_set(const std::function<Signature>& run) {
    return run != nullptr;
  }

  std::function<std::string(const std::string&, std::stop_token)> run_;
};

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
