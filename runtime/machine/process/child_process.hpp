// One child process on an event loop: output, log lines and exit.
#pragma once

#include "runtime/machine/process/launch.hpp"
#include "runtime/machine/process/line_limit.hpp"
#include "runtime/machine/process/process_keeper.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace greenroom::machine {

/// Called on the loop's thread, one call at a time.
class child_listener {
public:
  virtual ~child_listener() = default;
  virtual void on_started() {}
  virtual void on_bytes(std::string_view bytes) = 0;  ///< From the child's standard output.
  virtual void on_line(std::string_view line) = 0;    ///< From the child's standard error, cut and
                                                      ///< rate-limited.
  /// The child closed its standard input or output, or does not read its input and the queue is
  /// full.
  virtual void on_broken(std::string_view why) = 0;
  /// The child is reaped and its process group killed; or the child could not be started (`started`
  /// is false, and `how` says why and what to do). Called exactly once, as the last call.
  virtual void on_gone(bool started, std::string how) = 0;
};

/// Any thread may call any method. No method blocks, except `abandon`.
class child_process : public std::enable_shared_from_this<child_process> {
public:
  /// @pre the loop outlives this object.
  explicit child_process(boost::asio::io_context& loop);
  ~child_process();  ///< Kills the remaining processes.

  /// Call once. The listener is kept until the child is gone or abandoned.
  void start(launch_order order, std::shared_ptr<child_listener> listener);
  /// Sends what the socket accepts at once; queues the rest, up to a bound.
  void write(std::string_view bytes);
  /// The child is ready: processes that it has started until now belong to the child.
  void note_ready();
  /// Closes the child's input, sends TERM to the group, and KILL after `grace`.
  void stop(std::chrono::milliseconds grace);
  /// Kills the group and never calls the listener again. Waits for a launch that is in progress.
  void abandon();
  [[nodiscard]] int pid() const { return pid_.load(std::memory_order_acquire); }

private:
  void launch_now(launch_order& order);
  void adopt(launched fresh);
  void read_output();
  void read_errors();
  void on_readable();
  void on_errors();
  void on_end();
  void on_writable();
  bool send_some();               ///< @pre locked. False: the socket accepts no more now.
  void signal_group(int number);  ///< @pre locked. KILL reaches all remaining processes.
  void tell_keeper();             ///< Reports the child's end to the keeper.
  void suspect(const char* why);  ///< Calls `on_broken`, unless the child's end follows soon.
  void tell_broken(const char* why);
  void log(std::string_view bytes);
  std::shared_ptr<child_listener> listener();

  boost::asio::io_context& loop_;
  boost::asio::posix::stream_descriptor output_, errors_, end_;
  boost::asio::posix::stream_descriptor input_;  ///< Waits until the socket is writable; opened at
                                                 ///< first use.
  boost::asio::steady_timer kill_timer_, suspicion_timer_, pause_timer_;
  line_limit lines_;
  std::int64_t log_bytes_ = 0;  ///< Standard-error bytes read in the current tenth of a second.
  std::int64_t log_since_ns_ = 0;
  bool broken_told_ = false;

  std::atomic<int> pid_{0};
  mutable std::mutex mutex_;  ///< Guards the members below.
  std::shared_ptr<child_listener> listener_;
  descriptor in_;
  std::string queue_;  ///< Bytes that the socket has not accepted yet.
  std::size_t queue_sent_ = 0;
  bool waiting_for_room_ = false;
  bool launching_ = false;
  std::condition_variable launch_over_;
  std::shared_ptr<process_keeper> keeper_;
  process_keeper::place place_;
  bool adopted_ = false;
  bool reaped_ = false;
  bool stopping_ = false;
  bool abandoned_ = false;
  std::chrono::milliseconds grace_{0};
};

}  // namespace greenroom::machine
