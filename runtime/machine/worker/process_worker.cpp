#include "runtime/machine/worker/process_worker.hpp"

#include "protocols/worker_jsonl.hpp"
#include "protocols/worker_line.hpp"
#include "protocols/worker_mcp.hpp"
#include "protocols/worker_msgpack.hpp"
#include "runtime/machine/io/clock.hpp"
#include "runtime/machine/io/engine.hpp"
#include "runtime/machine/process/child_process.hpp"
#include "runtime/machine/process/last_words.hpp"
#include "runtime/machine/process/line_limit.hpp"
#include "runtime/machine/worker/worker_launch.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <cassert>
#include <mutex>
#include <utility>
#include <vector>

namespace greenroom::machine {
namespace {

namespace asio = boost::asio;
using protocols::attempt_result;
using protocols::failure;
using protocols::task_ptr;
using protocols::worker_message;
using protocols::worker_word;

/// Limit on an idle worker's messages a second. While the worker starts or has a task, only the
/// messages' bytes count.
constexpr int unasked_max = 1000;
/// Limits on bytes that are no answer: at once, and a second on average.
constexpr std::int64_t unasked_bytes_max = std::int64_t{16} << 20;
constexpr std::int64_t unasked_bytes_per_second = std::int64_t{1} << 20;
constexpr std::int64_t bytes_per_message = 64;  ///< The cost of parsing a message, in bytes.
/// A single message counts for no more, so that one long message does not end its worker.
constexpr std::size_t unasked_bytes_of_one = std::size_t{4} << 20;
constexpr std::int64_t second_ns = 1'000'000'000;
/// Log limits for output lines that are no messages.
constexpr line_limit::bounds strays_logged{
    .line_bytes_max = 1024, .lines_per_second = 5, .burst = 20};
/// Number of remembered names of dropped tasks that the worker may still answer.
constexpr std::size_t late_max = 256;
/// A server with more pages of tools than this repeats itself.
constexpr int tool_pages_max = 64;
/// Minimum pause between two tool listings …
constexpr std::chrono::milliseconds tools_pause{1000};
/// … and the time after which an unfinished listing is restarted.
constexpr std::chrono::seconds tools_patience{30};
/// A server that was silent for this long gets the other greeting.
constexpr std::chrono::milliseconds greeting_patience{5000};
/// Bytes of a line beside the output.
constexpr std::size_t envelope_bytes = 4096;

std::unique_ptr<protocols::worker_codec> make_codec(config::worker_protocol protocol,
                                                    std::size_t bytes_max) {
  switch (protocol) {
    case config::worker_protocol::msgpack: return protocols::make_msgpack_codec(bytes_max);
    case config::worker_protocol::mcp: return protocols::make_mcp_codec(bytes_max);
    case config::worker_protocol::jsonl: break;
  }
  return protocols::make_jsonl_codec(bytes_max);
}

/// Lives until the process is gone, possibly longer than the `worker`.
class conversation final : public child_listener,
                           public protocols::worker_listener,
                           public std::enable_shared_from_this<conversation> {
public:
  conversation(const config::specialist& who, const worker_surroundings& where,
               std::shared_ptr<worker_events> events)
      : who_{who},
        where_{where},
        loop_{where.io->next_loop()},
        child_{std::make_shared<child_process>(loop_)},
        start_timer_{loop_},
        greeting_timer_{loop_},
        tools_timer_{loop_},
        codec_{make_codec(who.backend.protocol, where.output_bytes_max + envelope_bytes)},
        events_{std::move(events)} {
    open_.reserve(who.backend.concurrency);
  }

  void start() {
    child_->start(worker_launch(who_, where_), shared_from_this());
    asio::post(loop_, [self = shared_from_this()] {
      if (self->over_) return;
      self->start_timer_.expires_after(self->who_.backend.start_timeout);
      self->start_timer_.async_wait([self](boost::system::error_code error) {
        if (!error && !self->ready_)
          self->give_up("not ready within " + in_words(self->who_.backend.start_timeout) + ": "
                        + std::string{self->what_is_missing()} + self->with_stray());
      });
      self->greeting_timer_.expires_after(
          std::min(greeting_patience, self->who_.backend.start_timeout / 2));
      self->greeting_timer_.async_wait([self](boost::system::error_code error) {
        std::string hello;
        if (!error && !self->ready_ && !self->over_ && self->codec_->greet_again(hello))
          self->child_->write(hello);
      });
    });
  }

  void run(task_ptr job) {
    std::string why;
    std::string name;
    {
      const std::lock_guard lock{mutex_};
      name = codec_->numbers_names() ? std::to_string(++number_)
                                     : protocols::wire_name(job->id, job->attempts);
      why = codec_->add_task(written_, name, job->input, time_left_ms(*job, who_));
      if (why.empty()) {
        open_.push_back({name, job});
        child_->write(written_);
      }
      written_.clear();
      if (written_.capacity() > std::size_t{256} << 10) written_.shrink_to_fit();
    }
    if (why.empty()) {
      if (who_.backend.attempt_timeout.count() > 0) limit_attempt(std::move(name));
      return;
    }
    answer_later(std::move(job), {failure::refused, false, std::move(why)});
  }

  void cancel(const task_ptr& job) {
    const std::lock_guard lock{mutex_};
    if (const auto found = find(job); found != open_.end() && !found->dropped) {
      found->dropped = true;
      take_back(*found);
    }
  }

  bool forget(const task_ptr& job) {
    const std::lock_guard lock{mutex_};
    const auto found = find(job);
    if (found == open_.end()) return false;
    if (found->ping == 0) take_back(*found);
    expect_late(std::move(found->name));
    open_.erase(found);
    return true;
  }

  void ping() {
    const std::lock_guard lock{mutex_};
    if (codec_->add_ping(written_)) {
      ++pings_;
      child_->write(written_);
    }
    written_.clear();
  }

  void stop(std::chrono::milliseconds grace) {
    {
      const std::lock_guard lock{mutex_};
      asked_ = true;
    }
    child_->stop(grace);
  }

  void abandon() {
    {
      const std::lock_guard lock{mutex_};
      events_.reset();
    }
    child_->abandon();
  }

  [[nodiscard]] int pid() const { return child_->pid(); }

private:
  struct open_task {
    std::string name;
    task_ptr job;
    bool answering = false;  ///< A piece of the answer has arrived.
    bool dropped = false;    ///< The result is not needed any more.
    bool expired = false;    ///< The attempt has timed out.
    std::uint64_t ping =
        0;  ///< Number of a ping sent after the cancellation; the answer frees the slot.
  };

  /// @pre locked. Sends a cancellation of `one`, and a ping.
  void take_back(open_task& one) {
    static_cast<void>(codec_->add_cancel(written_, one.name));
    if (codec_->add_ping(written_)) one.ping = ++pings_;
    if (!written_.empty()) child_->write(written_);
    written_.clear();
  }

  /// @pre locked.
  void expect_late(std::string name) {
    if (late_.size() >= late_max) late_.erase(late_.begin());
    late_.push_back(std::move(name));
  }

  std::shared_ptr<worker_events> events() {
    const std::lock_guard lock{mutex_};
    return events_;
  }

  void log(std::string_view line) {
    if (where_.log) where_.log(who_.name, line);
  }

  /// An attempt without any output in this time is cancelled, to be retried. A worker that does not
  /// answer the cancellation either is given up.
  void limit_attempt(std::string name) {
    asio::post(loop_, [self = shared_from_this(), name = std::move(name)]() mutable {
      auto timer =
          std::make_shared<asio::steady_timer>(self->loop_, self->who_.backend.attempt_timeout);
      timer->async_wait(
          [self, name = std::move(name), timer](boost::system::error_code error) mutable {
            if (error || self->over_) return;
            {
              const std::lock_guard lock{self->mutex_};
              const auto found = self->find(name);
              if (found == self->open_.end() || found->answering || found->dropped) return;
              found->expired = true;
              self->take_back(*found);
            }
            self->limit_letting_go(std::move(name), timer);
          });
    });
  }

  void limit_letting_go(std::string name, const std::shared_ptr<asio::steady_timer>& timer) {
    timer->expires_after(who_.backend.stop_timeout);
    timer->async_wait([self = shared_from_this(), name = std::move(name),
                       timer](boost::system::error_code error) {
      if (error || self->over_) return;
      {
        const std::lock_guard lock{self->mutex_};
        if (self->find(name) == self->open_.end()) return;
      }
      self->give_up(self->too_slow());
    });
  }

  [[nodiscard]] std::string too_slow() const {
    return "did not answer within " + in_words(who_.backend.attempt_timeout);
  }

  void answer_later(task_ptr job, attempt_result result) {
    asio::post(loop_, [self = shared_from_this(), job = std::move(job),
                       result = std::move(result)]() mutable {
      if (const auto hears = self->events()) hears->on_result(std::move(job), std::move(result));
    });
  }

  // Callbacks of the process, on the loop's thread.

  void on_started() override {
    std::string hello;
    codec_->greet(hello);
    if (!hello.empty()) child_->write(hello);
  }

  void on_bytes(std::string_view bytes) override { codec_->feed(bytes, *this); }

  void on_line(std::string_view line) override {
    last_words_.add(line);
    log(line);
  }

  void on_broken(std::string_view why) override {
    codec_->finish(*this);
    give_up(std::string{why});
  }

  void on_message(const worker_message& said) override {
    if (fault_) return;
    switch (said.word) {
      case worker_word::ready: return become_ready();
      case worker_word::result:
        return end_task(said, {failure::none, false, std::string{said.text}});
      case worker_word::error:
        return end_task(said, {said.retryable ? failure::worker_failed : failure::refused,
                               said.retryable, std::string{said.text}, 0, true});
      case worker_word::chunk: return give_chunk(said);
      case worker_word::pong: return hear_pong(said);
      case worker_word::ignored: return unasked(said.bytes);
      case worker_word::reply: child_->write(said.text); return unasked(said.bytes);
      case worker_word::stray: return skip(said);
      case worker_word::broken:
        return fail_one(said.id, "the worker answered with " + std::string{said.text});
      case worker_word::too_long: return fail_one(said.id, too_large(said.bytes));
      case worker_word::tools_changed: look_at_tools(); return unasked(said.bytes);
      case worker_word::tools: return hear_tools(said.text);
      case worker_word::no_tools: return end_tools(nullptr);
      case worker_word::refusal:
        return give_up("refused to begin: " + std::string{said.text} + with_stray());
      case worker_word::nonsense:
        retry_lost_ = false;
        return give_up("sent " + std::string{said.text});
    }
  }

  [[nodiscard]] std::string too_large(std::size_t bytes) const {
    return "the worker answered with " + std::to_string(bytes)
           + " bytes, more than limits.output_bytes (" + std::to_string(where_.output_bytes_max)
           + ") allows";
  }

  void become_ready() {
    if (std::exchange(ready_, true)) return unasked(0);
    start_timer_.cancel();
    greeting_timer_.cancel();
    child_->note_ready();
    if (const auto hears = events()) hears->on_ready();
  }

  void end_task(const worker_message& said, attempt_result result) {
    if (result.output.size() > where_.output_bytes_max)
      result = {failure::worker_failed, false, too_large(result.output.size()), 0, true};
    const auto name = said.id;
    task_ptr job;
    std::shared_ptr<worker_events> hears;
    bool late = false;
    {
      const std::lock_guard lock{mutex_};
      const auto found = find(name);
      if (found != open_.end()) {
        // A server may confirm a cancellation with an error, which is not the task's.
        if (found->expired && result.why != failure::none)
          result = {failure::worker_failed, true, "the worker " + too_slow()};
        job = std::move(found->job);
        if (found != open_.end() - 1) *found = std::move(open_.back());
        open_.pop_back();
        hears = events_;
      } else if (const auto one = std::find(late_.begin(), late_.end(), name); one != late_.end()) {
        late = true;
        late_.erase(one);
      }
    }
    if (!job) {
      // The worker's mistake, harmless for other tasks.
      if (!late) {
        log_stray("answered a task that it does not have: " + protocols::quoted_bytes(name));
        if (const auto to_tell = events(); to_tell && name.empty())
          to_tell->on_stray("an answer without an id: " + protocols::quoted_bytes(said.text));
      }
      return unasked(said.bytes);
    }
    if (hears) hears->on_result(std::move(job), std::move(result));
  }

  /// An unusable answer fails its task, and the worker goes on. Without a name, the answer belongs
  /// to the only open task, if there is one.
  void fail_one(std::string_view name, std::string why) {
    std::string only;
    {
      const std::lock_guard lock{mutex_};
      if (name.empty() && open_.size() == 1) only = open_.front().name;
    }
    if (only.empty() && name.empty()) {
      log_stray(why);
      if (const auto hears = events()) hears->on_stray(why);
      return unasked(0);
    }
    worker_message said;
    said.id = name.empty() ? std::string_view{only} : name;
    end_task(said, {failure::worker_failed, false, std::move(why), 0, true});
  }

  void hear_pong(const worker_message& said) {
    unasked(said.bytes);
    std::vector<open_task> free;
    std::shared_ptr<worker_events> hears;
    {
      const std::lock_guard lock{mutex_};
      pongs_ = std::min(pongs_ + 1, pings_);
      // The worker is alive, so its slot is free; later answers for these tasks are ignored.
      for (auto at = open_.begin(); at != open_.end();) {
        if (at->ping == 0 || at->ping > pongs_) {
          ++at;
          continue;
        }
        expect_late(at->name);
        free.push_back(std::move(*at));
        at = open_.erase(at);
      }
      hears = events_;
    }
    if (!hears) return;
    for (auto& one : free) {
      if (one.dropped)
        hears->on_result(std::move(one.job), {failure::cancelled, false, "cancelled"});
      else
        hears->on_result(std::move(one.job),
                         {failure::worker_failed, true, "the worker " + too_slow()});
    }
    hears->on_pong();
  }

  /// Counts and logs an output line that is no message.
  void skip(const worker_message& said) {
    const auto quoted = protocols::quoted_bytes(said.text);
    stray_ = "sent a line that is not " + std::string{what_it_speaks()} + ": " + quoted;
    log_stray(stray_);
    if (const auto hears = events()) hears->on_stray(quoted);
    unasked(said.bytes);
  }

  [[nodiscard]] std::string_view what_is_missing() const {
    if (who_.backend.protocol == config::worker_protocol::mcp)
      return "it has not answered \"initialize\"";
    return R"(it has not sent {"type":"ready"})";
  }

  [[nodiscard]] std::string_view what_it_speaks() const {
    switch (who_.backend.protocol) {
      case config::worker_protocol::mcp: return "JSON-RPC";
      case config::worker_protocol::msgpack: return "a frame of MessagePack";
      case config::worker_protocol::jsonl: break;
    }
    return "a message";
  }

  /// The last stray line, for the error of a worker that is given up.
  [[nodiscard]] std::string with_stray() const { return stray_.empty() ? "" : "; it " + stray_; }

  void log_stray(const std::string& line) {
    strays_.feed(line + "\n", steady_now_ns(), [this](std::string_view some) { log(some); });
  }

  /// Lists the tools, at the start or after a change. One listing at a time, because pages of two
  /// could not be told apart; with a pause, because a server that changes its tools at each listing
  /// must not keep the node busy.
  void look_at_tools() {
    const auto now = steady_now_ns();
    if (tools_ && now < tools_asked_ns_ + nanoseconds_in(tools_patience)) {
      tools_again_ = true;
      return;
    }
    if (!tools_ && now < tools_next_ns_) {
      if (std::exchange(tools_again_, true)) return;
      tools_timer_.expires_after(std::chrono::nanoseconds{tools_next_ns_ - now});
      tools_timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
        if (!error && !self->over_ && !self->fault_) self->begin_tools();
      });
      return;
    }
    begin_tools();
  }

  void begin_tools() {
    tools_again_ = false;
    tool_pages_ = 0;
    tools_ = std::make_shared<protocols::tool_effects>();
    tools_asked_ns_ = steady_now_ns();
    ask_for_tools({});
  }

  void ask_for_tools(std::string_view cursor) {
    const std::lock_guard lock{mutex_};
    if (codec_->add_tools_request(written_, cursor)) child_->write(written_);
    written_.clear();
  }

  void hear_tools(std::string_view page) {
    if (!tools_) return;
    const auto cursor = protocols::add_tools(*tools_, page);
    if (!cursor.empty() && ++tool_pages_ < tool_pages_max) return ask_for_tools(cursor);
    end_tools(std::exchange(tools_, nullptr));
  }

  /// `found` is null when the server failed to list its tools: the earlier list stays.
  void end_tools(std::shared_ptr<const protocols::tool_effects> found) {
    tools_.reset();
    tools_next_ns_ = steady_now_ns() + nanoseconds_in(tools_pause);
    if (const auto hears = events(); hears && found) hears->on_tools(std::move(found));
    if (std::exchange(tools_again_, false)) look_at_tools();
  }

  static std::int64_t nanoseconds_in(std::chrono::nanoseconds time) { return time.count(); }

  void give_chunk(const worker_message& said) {
    task_ptr job;
    {
      const std::lock_guard lock{mutex_};
      if (const auto found = find(said.id); found != open_.end()) {
        found->answering = true;
        job = found->job;
      }
    }
    if (!job) return unasked(said.bytes);
    if (const auto hears = events(); hears && job->streaming) hears->on_chunk(job, said.text);
  }

  /// Counts output that is no answer.
  void unasked(std::size_t bytes) {
    const auto now = steady_now_ns();
    if (now - unasked_since_ns_ > second_ns) {
      const auto seconds = (now - unasked_since_ns_) / second_ns;
      unasked_bytes_ -= std::min(unasked_bytes_, seconds * unasked_bytes_per_second);
      unasked_since_ns_ += seconds * second_ns;
      unasked_ = 0;
    }
    unasked_bytes_ +=
        static_cast<std::int64_t>(std::min(bytes, unasked_bytes_of_one)) + bytes_per_message;
    if (unasked_bytes_ > unasked_bytes_max) {
      retry_lost_ = false;
      return give_up("flooded its standard output with more than "
                     + std::to_string(unasked_bytes_max >> 20) + " MiB that are no answer"
                     + with_stray());
    }
    ++unasked_;
    if (unasked_ <= unasked_max || !ready_) return;
    {
      const std::lock_guard lock{mutex_};
      if (!open_.empty()) return;
    }
    give_up("flooded its standard output with unasked messages" + with_stray());
  }

  /// Gives up an unusable worker: the open tasks fail at once.
  void give_up(std::string why) {
    if (fault_) return;
    fault_ = true;
    reason_ = why;
    start_timer_.cancel();
    greeting_timer_.cancel();
    tools_timer_.cancel();
    std::vector<open_task> lost;
    std::shared_ptr<worker_events> hears;
    {
      const std::lock_guard lock{mutex_};
      lost.swap(open_);
      hears = events_;
    }
    child_->stop(ready_ ? std::chrono::milliseconds{0} : fault_grace);
    if (hears)
      for (auto& one : lost)
        hears->on_result(std::move(one.job),
                         {failure::worker_failed, retry_lost_, "the worker " + why});
  }

  void on_gone(bool started, std::string how) override {
    codec_->finish(*this);  // The last line counts even without a line end.
    over_ = true;
    start_timer_.cancel();
    greeting_timer_.cancel();
    tools_timer_.cancel();
    strays_.finish(steady_now_ns(), [this](std::string_view some) { log(some); });
    worker_events::departure departure;
    std::vector<open_task> lost;
    std::shared_ptr<worker_events> hears;
    {
      const std::lock_guard lock{mutex_};
      departure.asked = asked_;
      lost.swap(open_);
      hears = std::move(events_);
    }
    departure.before_ready = !ready_;
    departure.why = reason_.empty() ? how : reason_ + " (" + how + ")";
    if (started && !ready_ && !asked_) departure.why += last_words_.clause();
    if (started && !ready_ && !asked_ && reason_.empty()) departure.why += with_stray();
    if (hears) hears->on_gone(std::move(departure));
  }

  /// @pre locked. A linear search, because few tasks are open at once.
  std::vector<open_task>::iterator find(std::string_view name) {
    return std::find_if(open_.begin(), open_.end(),
                        [name](const open_task& one) { return one.name == name; });
  }
  std::vector<open_task>::iterator find(const task_ptr& job) {
    return std::find_if(open_.begin(), open_.end(),
                        [&job](const open_task& one) { return one.job == job; });
  }

  const config::specialist who_;
  const worker_surroundings where_;
  asio::io_context& loop_;
  const std::shared_ptr<child_process> child_;
  asio::steady_timer start_timer_, greeting_timer_, tools_timer_;
  const std::unique_ptr<protocols::worker_codec> codec_;

  // Members of the loop's thread.
  bool ready_ = false, fault_ = false, over_ = false;
  bool retry_lost_ = true;  ///< Whether open tasks may be retried after the worker's end.
  int unasked_ = 0;
  std::int64_t unasked_bytes_ = 0;
  std::int64_t unasked_since_ns_ = 0;
  std::string reason_, stray_;
  last_words last_words_;
  line_limit strays_{strays_logged};
  std::shared_ptr<protocols::tool_effects> tools_;  ///< Tools of the pages received so far.
  int tool_pages_ = 0;
  bool tools_again_ = false;  ///< The tools have changed since the request.
  std::int64_t tools_asked_ns_ = 0, tools_next_ns_ = 0;

  std::mutex mutex_;  ///< Guards the members below, and writing with the codec.
  std::shared_ptr<worker_events> events_;
  std::vector<open_task> open_;
  std::string written_;
  std::vector<std::string> late_;
  std::uint64_t number_ = 0;
  std::uint64_t pings_ = 0, pongs_ = 0;
  bool asked_ = false;
};

class process_worker final : public worker {
public:
  explicit process_worker(std::shared_ptr<conversation> with) : with_{std::move(with)} {}
  ~process_worker() override { with_->abandon(); }
  void start() override { with_->start(); }
  void run(task_ptr job) override { with_->run(std::move(job)); }
  void cancel(const task_ptr& job) override { with_->cancel(job); }
  bool forget(const task_ptr& job) override { return with_->forget(job); }
  void ping() override { with_->ping(); }
  void stop(std::chrono::milliseconds grace) override { with_->stop(grace); }
  [[nodiscard]] int pid() const override { return with_->pid(); }

private:
  const std::shared_ptr<conversation> with_;
};

}  // namespace

std::shared_ptr<worker> make_process_worker(const config::specialist& who,
                                            const worker_surroundings& where,
                                            std::shared_ptr<worker_events> events) {
  assert(where.io && !who.backend.command.empty());
  return std::make_shared<process_worker>(
      std::make_shared<conversation>(who, where, std::move(events)));
}

}  // namespace greenroom::machine
