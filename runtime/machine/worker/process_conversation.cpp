#include "runtime/machine/worker/process_conversation.hpp"

#include "protocols/worker_jsonl.hpp"
#include "protocols/worker_mcp.hpp"
#include "protocols/worker_msgpack.hpp"
#include "runtime/machine/io/clock.hpp"
#include "runtime/machine/io/engine.hpp"
#include "runtime/machine/worker/worker_command.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace greenroom::machine {

namespace asio = boost::asio;
using protocols::attempt_result;
using protocols::failure;
using protocols::task_ptr;

namespace {

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

}  // namespace

conversation::conversation(const config::specialist& who, const worker_surroundings& where,
                           std::shared_ptr<worker_events> events)
    : who_{who},
      where_{where},
      loop_{where.io->next_loop()},
      child_{std::make_shared<child_process>(loop_)},
      start_timer_{loop_},
      greeting_timer_{loop_},
      tools_{loop_,
             {[this](std::string_view cursor) { ask_for_tools(cursor); },
              [this](std::shared_ptr<const protocols::tool_effects> found) {
                if (const auto hears = this->events()) hears->on_tools(std::move(found));
              }}},
      codec_{make_codec(who.backend.protocol, where.output_bytes_max + envelope_bytes)},
      events_{std::move(events)},
      open_{who.backend.concurrency} {}

void conversation::start() {
  child_->start(worker_command(who_, where_), shared_from_this());
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

void conversation::run(task_ptr job) {
  base::expected<void> added;
  std::string name;
  {
    const std::lock_guard lock{mutex_};
    name = codec_->numbers_names() ? std::to_string(++number_)
                                   : protocols::wire_name(job->id, job->attempts);
    added = codec_->add_task(written_, name, job->input, time_left_ms(*job, who_));
    if (added) {
      open_.add(name, job);
      child_->write(written_);
    }
    written_.clear();
    if (written_.capacity() > std::size_t{256} << 10) written_.shrink_to_fit();
  }
  if (added) {
    if (who_.backend.attempt_timeout.count() > 0) limit_attempt(std::move(name));
    return;
  }
  answer_later(std::move(job), {failure::refused, false, added.error().text});
}

void conversation::cancel(const task_ptr& job) {
  const std::lock_guard lock{mutex_};
  if (auto* const found = open_.find(job); found != nullptr && !found->dropped) {
    found->dropped = true;
    take_back(*found);
  }
}

bool conversation::forget(const task_ptr& job) {
  const std::lock_guard lock{mutex_};
  auto* const found = open_.find(job);
  if (found == nullptr) return false;
  if (found->ping == 0) take_back(*found);
  open_.drop(*found);
  return true;
}

void conversation::ping() {
  const std::lock_guard lock{mutex_};
  if (codec_->add_ping(written_)) {
    ++pings_;
    child_->write(written_);
  }
  written_.clear();
}

void conversation::stop(std::chrono::milliseconds grace) {
  {
    const std::lock_guard lock{mutex_};
    asked_ = true;
  }
  child_->stop(grace);
}

void conversation::abandon() {
  {
    const std::lock_guard lock{mutex_};
    events_.reset();
  }
  child_->abandon();
}

void conversation::take_back(open_task& one) {
  static_cast<void>(codec_->add_cancel(written_, one.name));
  if (codec_->add_ping(written_)) one.ping = ++pings_;
  if (!written_.empty()) child_->write(written_);
  written_.clear();
}

std::shared_ptr<worker_events> conversation::events() {
  const std::lock_guard lock{mutex_};
  return events_;
}

void conversation::log(std::string_view line) {
  if (where_.log) where_.log(who_.name, line);
}

void conversation::limit_attempt(std::string name) {
  asio::post(loop_, [self = shared_from_this(), name = std::move(name)]() mutable {
    auto timer =
        std::make_shared<asio::steady_timer>(self->loop_, self->who_.backend.attempt_timeout);
    timer->async_wait(
        [self, name = std::move(name), timer](boost::system::error_code error) mutable {
          if (error || self->over_) return;
          {
            const std::lock_guard lock{self->mutex_};
            auto* const found = self->open_.find(name);
            if (found == nullptr || found->answering || found->dropped) return;
            found->expired = true;
            self->take_back(*found);
          }
          self->limit_cancellation(std::move(name), timer);
        });
  });
}

void conversation::limit_cancellation(std::string name,
                                      const std::shared_ptr<asio::steady_timer>& timer) {
  timer->expires_after(who_.backend.stop_timeout);
  timer->async_wait(
      [self = shared_from_this(), name = std::move(name), timer](boost::system::error_code error) {
        if (error || self->over_) return;
        {
          const std::lock_guard lock{self->mutex_};
          if (self->open_.find(name) == nullptr) return;
        }
        self->give_up(self->too_slow());
      });
}

std::string conversation::too_slow() const {
  return "did not answer within " + in_words(who_.backend.attempt_timeout);
}

void conversation::answer_later(task_ptr job, attempt_result result) {
  asio::post(loop_, [self = shared_from_this(), job = std::move(job),
                     result = std::move(result)]() mutable {
    if (const auto hears = self->events()) hears->on_result(std::move(job), std::move(result));
  });
}

void conversation::on_started() {
  std::string hello;
  codec_->greet(hello);
  if (!hello.empty()) child_->write(hello);
}

void conversation::on_line(std::string_view line) {
  last_words_.add(line);
  log(line);
}

void conversation::on_broken(std::string_view why) {
  codec_->finish(*this);
  give_up(std::string{why});
}

void conversation::ask_for_tools(std::string_view cursor) {
  const std::lock_guard lock{mutex_};
  if (codec_->add_tools_request(written_, cursor)) child_->write(written_);
  written_.clear();
}

void conversation::give_up(std::string why) {
  if (fault_) return;
  fault_ = true;
  reason_ = why;
  start_timer_.cancel();
  greeting_timer_.cancel();
  tools_.stop();
  std::vector<open_task> lost;
  std::shared_ptr<worker_events> hears;
  {
    const std::lock_guard lock{mutex_};
    lost = open_.take_all();
    hears = events_;
  }
  child_->stop(ready_ ? std::chrono::milliseconds{0} : fault_grace);
  if (hears)
    for (auto& one : lost)
      hears->on_result(std::move(one.job),
                       {failure::worker_failed, retry_lost_, "the worker " + why});
}

void conversation::on_gone(bool started, std::string how) {
  codec_->finish(*this);  // The last line counts even without a line end.
  over_ = true;
  start_timer_.cancel();
  greeting_timer_.cancel();
  tools_.stop();
  strays_.finish(steady_now_ns(), [this](std::string_view some) { log(some); });
  worker_events::departure departure;
  std::vector<open_task> lost;  // Destroyed without the lock.
  std::shared_ptr<worker_events> hears;
  {
    const std::lock_guard lock{mutex_};
    departure.asked = asked_;
    lost = open_.take_all();
    hears = std::move(events_);
  }
  departure.before_ready = !ready_;
  departure.why = reason_.empty() ? how : reason_ + " (" + how + ")";
  if (started && !ready_ && !asked_) departure.why += last_words_.clause();
  if (started && !ready_ && !asked_ && reason_.empty()) departure.why += with_stray();
  if (hears) hears->on_gone(std::move(departure));
}

}  // namespace greenroom::machine
