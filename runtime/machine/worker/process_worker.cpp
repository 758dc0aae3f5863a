#include "runtime/machine/worker/process_worker.hpp"

#include "protocols/worker_jsonl.hpp"
#include "protocols/worker_mcp.hpp"
#include "protocols/worker_msgpack.hpp"
#include "runtime/machine/io/clock.hpp"
#include "runtime/machine/io/engine.hpp"
#include "runtime/machine/process/child_process.hpp"
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

/// A worker that says so much in a second without having been asked floods us with valid messages.
constexpr int unasked_max = 1000;
constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::size_t last_words_max = 300;
/// Room on a line for all but the output.
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

/// Lives until the process is gone, longer than the `worker` if need be.
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
          self->give_up("not ready within " + in_words(self->who_.backend.start_timeout));
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
        open_.push_back({name, job, false});
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
    task_ptr told;
    {
      const std::lock_guard lock{mutex_};
      const auto found = std::find_if(open_.begin(), open_.end(),
                                      [&](const open_task& one) { return one.job == job; });
      if (found == open_.end() || !codec_->add_cancel(written_, found->name)) return;
      child_->write(written_);
      written_.clear();
      told = std::move(found->job);
      open_.erase(found);
    }
    // A server that was told does not answer any more, so its answer is given here.
    answer_later(std::move(told), {failure::cancelled, false, "cancelled"});
  }

  void ping() {
    const std::lock_guard lock{mutex_};
    if (codec_->add_ping(written_)) child_->write(written_);
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
    bool answering = false;  ///< A piece of its answer has come.
  };

  std::shared_ptr<worker_events> events() {
    const std::lock_guard lock{mutex_};
    return events_;
  }

  void log(std::string_view line) {
    if (where_.log) where_.log(who_.name, line);
  }

  /// A worker that says nothing about a task for so long is given up.
  void limit_attempt(std::string name) {
    asio::post(loop_, [self = shared_from_this(), name = std::move(name)]() mutable {
      auto timer =
          std::make_shared<asio::steady_timer>(self->loop_, self->who_.backend.attempt_timeout);
      timer->async_wait([self, name = std::move(name), timer](boost::system::error_code error) {
        if (error || self->over_) return;
        {
          const std::lock_guard lock{self->mutex_};
          const auto found = self->find(name);
          if (found == self->open_.end() || found->answering) return;
        }
        self->give_up("did not answer within " + in_words(self->who_.backend.attempt_timeout));
      });
    });
  }

  void answer_later(task_ptr job, attempt_result result) {
    asio::post(loop_, [self = shared_from_this(), job = std::move(job),
                       result = std::move(result)]() mutable {
      if (const auto hears = self->events()) hears->on_result(std::move(job), std::move(result));
    });
  }

  // -- from the process, on the loop's thread --

  void on_started() override {
    std::string hello;
    codec_->greet(hello);
    if (!hello.empty()) child_->write(hello);
  }

  void on_bytes(std::string_view bytes) override { codec_->feed(bytes, *this); }

  void on_line(std::string_view line) override {
    last_words_.assign(line.substr(0, last_words_max));
    log(line);
  }

  void on_broken(std::string_view why) override { give_up(std::string{why}); }

  void on_message(const worker_message& said) override {
    if (fault_) return;
    switch (said.word) {
      case worker_word::ready: return become_ready();
      case worker_word::result:
        return end_task(said.id, {failure::none, false, std::string{said.text}});
      case worker_word::error:
        return end_task(said.id, {said.retryable ? failure::worker_failed : failure::refused,
                                  said.retryable, std::string{said.text}, 0, true});
      case worker_word::chunk: return give_chunk(said);
      case worker_word::pong:
        unasked();
        if (const auto hears = events()) hears->on_pong();
        return;
      case worker_word::ignored: return unasked();
      case worker_word::reply: return child_->write(said.text);
      case worker_word::nonsense: return give_up("wrote nonsense: " + std::string{said.text});
    }
  }

  void become_ready() {
    if (std::exchange(ready_, true)) return unasked();
    start_timer_.cancel();
    if (const auto hears = events()) hears->on_ready();
  }

  void end_task(std::string_view name, attempt_result result) {
    if (!ready_) return give_up("answered before it said that it is ready");
    task_ptr job;
    std::shared_ptr<worker_events> hears;
    {
      const std::lock_guard lock{mutex_};
      const auto found = find(name);
      if (found != open_.end()) {
        job = std::move(found->job);
        if (found != open_.end() - 1) *found = std::move(open_.back());
        open_.pop_back();
        hears = events_;
      }
    }
    if (!job) {
      // A late answer to a task that was cancelled, or a mistake; neither can hurt another task.
      log("answered a task that it does not have: " + std::string{name.substr(0, 64)});
      return unasked();
    }
    if (hears) hears->on_result(std::move(job), std::move(result));
  }

  void give_chunk(const worker_message& said) {
    task_ptr job;
    {
      const std::lock_guard lock{mutex_};
      if (const auto found = find(said.id); found != open_.end()) {
        found->answering = true;
        job = found->job;
      }
    }
    if (!job) return unasked();
    if (const auto hears = events(); hears && job->streaming) hears->on_chunk(job, said.text);
  }

  void unasked() {
    const auto now = steady_now_ns();
    if (now - unasked_since_ns_ > second_ns) {
      unasked_since_ns_ = now;
      unasked_ = 0;
    }
    if (++unasked_ > unasked_max) give_up("flooded its standard output with unasked messages");
  }

  /// The worker cannot be used any more. What runs in it is lost, and its tasks hear so at once.
  void give_up(std::string why) {
    if (fault_) return;
    fault_ = true;
    reason_ = why;
    start_timer_.cancel();
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
        hears->on_result(std::move(one.job), {failure::worker_failed, true, "the worker " + why});
  }

  void on_gone(bool started, std::string how) override {
    over_ = true;
    start_timer_.cancel();
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
    if (started && !ready_ && !asked_ && !last_words_.empty())
      departure.why += "; its last words: " + last_words_;
    if (hears) hears->on_gone(std::move(departure));
  }

  /// @pre locked. Few are open at once, so they are looked through.
  std::vector<open_task>::iterator find(std::string_view name) {
    return std::find_if(open_.begin(), open_.end(),
                        [name](const open_task& one) { return one.name == name; });
  }

  const config::specialist who_;
  const worker_surroundings where_;
  asio::io_context& loop_;
  const std::shared_ptr<child_process> child_;
  asio::steady_timer start_timer_;
  const std::unique_ptr<protocols::worker_codec> codec_;

  // On the loop's thread only.
  bool ready_ = false, fault_ = false, over_ = false;
  int unasked_ = 0;
  std::int64_t unasked_since_ns_ = 0;
  std::string reason_, last_words_;

  std::mutex mutex_;  ///< Guards what follows, and writing with the codec.
  std::shared_ptr<worker_events> events_;
  std::vector<open_task> open_;
  std::string written_;
  std::uint64_t number_ = 0;
  bool asked_ = false;
};

class process_worker final : public worker {
public:
  explicit process_worker(std::shared_ptr<conversation> with) : with_{std::move(with)} {}
  ~process_worker() override { with_->abandon(); }
  void start() override { with_->start(); }
  void run(task_ptr job) override { with_->run(std::move(job)); }
  void cancel(const task_ptr& job) override { with_->cancel(job); }
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
