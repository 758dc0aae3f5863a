// Bounds at the door: how much may wait, and how large one request may be.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace greenroom::config {

/// Tasks that may wait; beyond these an asker is refused at once.
struct queue {
  std::size_t per_specialist = 64;
  std::size_t total = 4096;
  /// Of the inputs of all tasks in the node that are larger than 4 KiB; the others are few bytes.
  std::uint64_t input_bytes = std::uint64_t{256} << 20;
  /// Of the outputs of all tasks in the node, larger than 4 KiB, that have not been told yet or are
  /// not in the journal yet. Beyond it no task is taken in.
  std::uint64_t output_bytes = std::uint64_t{256} << 20;

  friend bool operator==(const queue&, const queue&) = default;
};

/// Limits on what one client or one worker may send. Sizes are bytes.
struct limits {
  std::uint64_t request_bytes = std::uint64_t{16} << 20;
  std::uint64_t output_bytes = std::uint64_t{16} << 20;
  std::uint64_t error_bytes = std::uint64_t{64} << 10;  ///< What is longer is cut, and says so.
  std::size_t json_depth = 64;
  std::size_t connections = 4096;
  std::uint64_t upload_bytes = std::uint64_t{256} << 20;  ///< Bodies under way, all together.
  std::uint64_t unsent_bytes = std::uint64_t{256} << 20;  ///< Answers under way, all together.
  std::uint64_t page_bytes = std::uint64_t{1} << 20;      ///< One page of a list.
  std::size_t state_requests = 64;  ///< Lists and views that wait for their turn.
  std::uint64_t event_log_bytes = std::uint64_t{8} << 20;
  std::size_t event_readers = 256;
  /// Callers that repeated an idempotency key and wait for the end of its task.
  std::size_t key_waiters = 1024;
  std::size_t key_waiters_per_task = 64;
  std::uint64_t key_waiter_bytes = std::uint64_t{16} << 20;
  std::chrono::milliseconds header_timeout{10'000};  ///< From the first byte to the end of headers.
  std::chrono::milliseconds idle_timeout{60'000};    ///< A connection that asks nothing.

  friend bool operator==(const limits&, const limits&) = default;
};

}  // namespace greenroom::config
