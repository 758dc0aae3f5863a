// One child process and the node, from the start to the end of the process.
#pragma once

#include "config/specialist.hpp"
#include "protocols/task.hpp"
#include "protocols/worker_codec.hpp"
#include "runtime/machine/process/child_process.hpp"
#include "runtime/machine/process/last_words.hpp"
#include "runtime/machine/process/line_limit.hpp"
#include "runtime/machine/worker/flood_limit.hpp"
#include "runtime/machine/worker/open_tasks.hpp"
#include "runtime/machine/worker/tool_listing.hpp"
#include "runtime/machine/worker/worker.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace greenroom::machine {

/// Log limits for output lines that are no messages.
inline constexpr line_limit::bounds strays_logged{
    .line_bytes_max = 1024, .lines_per_second = 5, .burst = 20};

/// Lives until the process is gone, possibly longer than the `worker`.
class conversation final : public child_listener,
                           public protocols::worker_listener,
                           public std::enable_shared_from_this<conversation> {
public:
  conversation(const config::specialist& who, const worker_surroundings& where,
               std::shared_ptr<worker_events> events);

  void start();

  void run(protocols::task_ptr job);

  void cancel(const protocols::task_ptr& job);

  bool forget(const protocols::task_ptr& job);

  void ping();

  void stop(std::chrono::milliseconds grace);

  void abandon();

  [[nodiscard]] int pid() const { return child_->pid(); }

private:
  /// @pre locked. Sends a cancellation of `one`, and a ping.
  void take_back(open_task& one);

  std::shared_ptr<worker_events> events();

  void log(std::string_view line);

  /// An attempt without any output in this time is cancelled, to be retried. A worker that does not
  /// answer the cancellation either is given up.
  void limit_attempt(std::string name);

  void limit_cancellation(std::string name,
                          const std::shared_ptr<boost::asio::steady_timer>& timer);

  [[nodiscard]] std::string too_slow() const;

  void answer_later(protocols::task_ptr job, protocols::attempt_result result);

  // Callbacks of the process, on the loop's thread.

  void on_started() override;

  void on_bytes(std::string_view bytes) override { codec_->feed(bytes, *this); }

  void on_line(std::string_view line) override;

  void on_broken(std::string_view why) override;

  void on_message(const protocols::worker_message& said) override;

  [[nodiscard]] std::string too_large(std::size_t bytes) const;

  void become_ready();

  void end_task(const protocols::worker_message& said, protocols::attempt_result result);

  /// An unusable answer fails its task, and the worker goes on. Without a name, the answer belongs
  /// to the only open task, if there is one.
  void fail_one(std::string_view name, std::string why);

  void on_pong(const protocols::worker_message& said);

  /// Counts and logs an output line that is no message.
  void skip(const protocols::worker_message& said);

  [[nodiscard]] std::string_view what_is_missing() const;

  [[nodiscard]] std::string_view what_it_speaks() const;

  /// The last stray line, for the error of a worker that is given up.
  [[nodiscard]] std::string with_stray() const { return stray_.empty() ? "" : "; it " + stray_; }

  void log_stray(const std::string& line);

  void ask_for_tools(std::string_view cursor);

  void give_chunk(const protocols::worker_message& said);

  /// Counts output that is no answer.
  void unasked(std::size_t bytes);

  /// Gives up an unusable worker: the open tasks fail at once.
  void give_up(std::string why);

  void on_gone(bool started, std::string how) override;

  const config::specialist who_;
  const worker_surroundings where_;
  boost::asio::io_context& loop_;
  const std::shared_ptr<child_process> child_;
  boost::asio::steady_timer start_timer_, greeting_timer_;
  tool_listing tools_;  ///< Of the loop's thread.
  const std::unique_ptr<protocols::worker_codec> codec_;

  // Members of the loop's thread.
  bool ready_ = false, fault_ = false, over_ = false;
  bool retry_lost_ = true;  ///< Whether open tasks may be retried after the worker's end.
  flood_limit flood_;
  std::string reason_, stray_;
  last_words last_words_;
  line_limit strays_{strays_logged};

  std::mutex mutex_;  ///< Guards the members below, and writing with the codec.
  std::shared_ptr<worker_events> events_;
  open_tasks open_;
  std::string written_;
  std::uint64_t number_ = 0;
  std::uint64_t pings_ = 0, pongs_ = 0;
  bool asked_ = false;
};

}  // namespace greenroom::machine
