// A thread for what reads much and may take long: look-ups in the journal, lists, views.
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

/// Jobs run one after the other; scans, which are long, in pieces, between which the jobs get their
/// turn. Bounded: what there is no room for is refused at once. From any thread.
class lookup_thread {
public:
  using job = std::function<void()>;
  /// Does a piece of the work; false when it is through.
  using scan = std::function<bool()>;

  lookup_thread() = default;
  ~lookup_thread();  ///< Stops.
  lookup_thread(const lookup_thread&) = delete;
  lookup_thread& operator=(const lookup_thread&) = delete;

  void start();
  /// What has not been done is dropped.
  void stop();

  /// False when `waiting_max` jobs or scans wait, or it has been stopped: nothing happens then.
  [[nodiscard]] bool run(job one, std::size_t waiting_max);
  [[nodiscard]] bool run_in_pieces(scan one, std::size_t waiting_max);

  /// How long what waits will take, by what took how long lately.
  [[nodiscard]] std::chrono::milliseconds backlog() const;

private:
  void work();

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<job> jobs_;
  std::deque<scan> scans_;  ///< The next one's piece first.
  bool stopping_ = false;
  std::int64_t job_ns_ = 0;   ///< How long one takes, an exponential mean.
  std::int64_t scan_ns_ = 0;  ///< The same of a piece.
  std::thread thread_;
};

}  // namespace greenroom::actors
