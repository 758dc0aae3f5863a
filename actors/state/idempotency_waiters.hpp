// Callers that repeated an idempotency key and wait for the end of the task that there is.
#pragma once

#include "protocols/task.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace greenroom::actors {

/// Bounded in number and in bytes. From any thread; no caller is called under the lock.
class idempotency_waiters {
public:
  struct bounds {
    std::size_t in_all = 0;
    std::size_t per_task = 0;
    std::uint64_t bytes = 0;  ///< Sum of `held_bytes` of the waiting callers.
  };
  enum class outcome : std::uint8_t { added, task_full, full, bytes_full };

  [[nodiscard]] outcome add(const protocols::task_id& task,
                            std::shared_ptr<protocols::task_observer> caller, const bounds& most);
  /// False if the caller does not wait, or another thread has removed the caller and reports the
  /// end.
  bool remove(const protocols::task_observer* caller);
  /// Removes and returns all callers that wait for this task.
  [[nodiscard]] std::vector<std::shared_ptr<protocols::task_observer>> take(
      const protocols::task_id& task);

  /// Removes all waiters without a call.
  void clear();

private:
  struct waiter {
    std::shared_ptr<protocols::task_observer> caller;
    std::uint64_t bytes = 0;
  };

  mutable std::mutex mutex_;
  std::unordered_map<protocols::task_id, std::vector<waiter>, protocols::task_id_hash> by_task_;
  std::unordered_map<const protocols::task_observer*, protocols::task_id> task_of_;
  std::uint64_t bytes_ = 0;
};

}  // namespace greenroom::actors
