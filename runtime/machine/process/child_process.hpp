// One child process on an event loop: its bytes, its last words and its end.
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
  virtual void on_bytes(std::string_view bytes) = 0;  ///< From its standard output.
  virtual void on_line(std::string_view line) = 0;    ///< From its standard error, limited.
  /// It closed its standard input or output, or its input is not read and piles up.
  virtual void on_broken(std::string_view why) = 0;
  /// It is reaped and its process group killed; or it could not be started (`started` is false and
  /// `how` says why and what to do). Exactly once, and last.
  virtual void on_gone(bool started, std::string how) = 0;
};

/// Any thread may call any method. Nothing here blocks.
class child_process : public std::enable_shared_from_this<child_process> {
public:
  /// @pre the loop outlives this object.
  explicit child_process(boost::asio::io_context& loop);
  ~child_process();  ///< Kills what is left.

  /// Once. The listener is kept until the child is gone or abandoned.
  void start(launch_order order, std::shared_ptr<child_listener> listener);
  /// Writes at once what the socket takes; keeps the rest, which is bounded.
  void write(std::string_view bytes);
  /// It is ready: what it has started until now belongs to it.
  void note_ready();
  /// Closes its input, TERM to its group, KILL to its group after `grace`.
  void stop(std::chrono::milliseconds grace);
  /// Kills its group and tells the listener nothing more. Waits for a launch that is under way.
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
  bool send_some();               ///< @pre locked. False: the socket takes no more now.
  void signal_group(int number);  ///< @pre locked. KILL reaches all that is left of it.
  void tell_keeper();             ///< That it has ended.
  void suspect(const char* why);  ///< Broken, unless its end follows.
  void tell_broken(const char* why);
  void log(std::string_view bytes);
  std::shared_ptr<child_listener> listener();

  boost::asio::io_context& loop_;
  boost::asio::posix::stream_descriptor output_, errors_, end_;
  boost::asio::posix::stream_descriptor input_;  ///< Waits for room; opened when first needed.
  boost::asio::steady_timer kill_timer_, suspicion_timer_, pause_timer_;
  line_limit lines_;
  std::int64_t log_bytes_ = 0;  ///< Read from its errors in the current tenth of a second.
  std::int64_t log_since_ns_ = 0;
  bool broken_told_ = false;

  std::atomic<int> pid_{0};
  mutable std::mutex mutex_;  ///< Guards what follows.
  std::shared_ptr<child_listener> listener_;
  descriptor in_;
  std::string queue_;  ///< What the socket did not take yet.
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
