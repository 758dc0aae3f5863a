// A thread for long reads: look-ups in the journal, lists, views.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace greenroom::actors {

/// Jobs run one after the other. Scans, which are long, run in pieces, and jobs run between two
/// pieces. Both queues are bounded: a job or a scan beyond the bound is refused. From any thread.
class lookup_thread {
public:
  using job = std::function<void()>;
  /// Does a piece of the work; false when the work is done.
  using scan = std::function<bool()>;

  lookup_thread() = default;
  ~lookup_thread();  ///< Stops.
  lookup_thread(const lookup_thread&) = delete;
  lookup_thread& operator=(const lookup_thread&) = delete;

  void start();
  /// Drops waiting jobs and scans.
  void stop();

  /// False, and nothing happens, when `waiting_max` jobs or scans wait or the thread has stopped.
  [[nodiscard]] bool run(job one, std::size_t waiting_max);
  [[nodiscard]] bool run_in_pieces(scan one, std::size_t waiting_max);

  /// The time that waiting jobs and scans will probably take, from recent durations.
  [[nodiscard]] std::chrono::milliseconds backlog() const;

private:
  void work();

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<job> jobs_;
  std::deque<scan> scans_;  ///< The scan at the front runs its next piece first.
  bool stopping_ = false;
  std::int64_t job_ns_ = 0;   ///< Exponential mean of the duration of a job.
  std::int64_t scan_ns_ = 0;  ///< The same of a piece of a scan.
  std::thread thread_;
};

}  // namespace greenroom::actors
