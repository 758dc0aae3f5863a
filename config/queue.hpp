// Limits of admission: queue lengths and sizes of requests.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace greenroom::config {

/// Limits on queued tasks; beyond them a task is refused at once.
struct queue {
  std::size_t per_specialist = 64;
  std::size_t total = 4096;
  /// Limit on the inputs larger than 4 KiB of all tasks in the node; smaller ones are not counted.
  std::uint64_t input_bytes = std::uint64_t{256} << 20;
  /// Limit on the outputs larger than 4 KiB of all tasks in the node that are not yet sent or not
  /// yet in the journal. Beyond it no task is admitted.
  std::uint64_t output_bytes = std::uint64_t{256} << 20;

  friend bool operator==(const queue&, const queue&) = default;
};

/// Limits on data from one client or one worker. Sizes are in bytes.
struct limits {
  std::uint64_t request_bytes = std::uint64_t{16} << 20;
  std::uint64_t output_bytes = std::uint64_t{16} << 20;
  std::uint64_t error_bytes = std::uint64_t{64} << 10;  ///< A longer message is cut and marked.
  std::size_t json_depth = 64;
  std::size_t connections = 4096;
  std::uint64_t upload_bytes = std::uint64_t{256} << 20;  ///< Bodies in transfer, all together.
  std::uint64_t unsent_bytes = std::uint64_t{256} << 20;  ///< Answers in transfer, all together.
  std::uint64_t page_bytes = std::uint64_t{1} << 20;      ///< One page of a list.
  std::size_t state_requests = 64;                        ///< Queued lists and views.
  std::uint64_t event_log_bytes = std::uint64_t{8} << 20;
  std::size_t event_readers = 256;
  /// Callers that repeated an idempotency key and wait for the task's end.
  std::size_t key_waiters = 1024;
  std::size_t key_waiters_per_task = 64;
  std::uint64_t key_waiter_bytes = std::uint64_t{16} << 20;
  std::chrono::milliseconds header_timeout{10'000};  ///< From the first byte to the end of headers.
  std::chrono::milliseconds idle_timeout{60'000};    ///< For an idle connection.

  friend bool operator==(const limits&, const limits&) = default;
};

}  // namespace greenroom::config
