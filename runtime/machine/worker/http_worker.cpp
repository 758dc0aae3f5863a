#include "runtime/machine/worker/http_worker.hpp"

#include "protocols/json_text.hpp"
#include "protocols/worker_codec.hpp"
#include "runtime/machine/io/clock.hpp"
#include "runtime/machine/io/engine.hpp"
#include "runtime/machine/process/child_process.hpp"
#include "runtime/machine/worker/http_call.hpp"
#include "runtime/machine/worker/worker_launch.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <mutex>
#include <utility>
#include <vector>

namespace greenroom::machine {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using protocols::attempt_result;
using protocols::failure;
using protocols::task_ptr;

/// A server is asked for its health again after this, and then less and less often.
constexpr std::chrono::microseconds first_probe_delay{2000};
constexpr std::chrono::microseconds probe_delay_max{250'000};
/// A probe that takes longer is given up, and made again.
constexpr std::chrono::seconds probe_time{5};
constexpr std::size_t health_bytes_max = std::size_t{1} << 20;
constexpr std::size_t excerpt_bytes = 300;

/// What a status other than 2xx means for the task.
attempt_result refusal(const http_answer& answer) {
  const auto status = answer.status;
  auto message = "HTTP " + std::to_string(status);
  if (!answer.body.empty()) message += ": " + answer.body.substr(0, excerpt_bytes);
  if (status < 400) message += " (redirects are not followed)";
  // Request Timeout, Too Early and Too Many Requests say that later may be better.
  const bool later = status >= 500 || status == 408 || status == 425 || status == 429;
  // A gateway that lost the one behind it does not know what became of the task.
  const bool lost = status == 502 || status == 504;
  return {later ? failure::worker_failed : failure::refused, later, std::move(message),
          later ? answer.retry_after_ms : 0, !lost};
}

attempt_result understand(http_answer& answer) {
  if (!answer.failure.empty()) return {failure::worker_failed, true, std::move(answer.failure)};
  if (answer.status < 200 || answer.status >= 300) return refusal(answer);
  if (answer.body.empty()) return {failure::none, false, "null"};
  if (!protocols::make_json(answer.body))
    return {failure::none, false, protocols::json_string_of_any(answer.body)};
  if (answer.body.find('\n') == std::string::npos)
    return {failure::none, false, std::move(answer.body)};
  std::string line;
  protocols::append_one_line(line, answer.body);
  return {failure::none, false, std::move(line)};
}

/// Everything but `abandon` happens on one loop.
class http_server final : public child_listener, public std::enable_shared_from_this<http_server> {
public:
  http_server(const config::specialist& who, const worker_surroundings& where,
              std::shared_ptr<worker_events> events)
      : who_{who},
        where_{where},
        loop_{where.io->next_loop()},
        start_timer_{loop_},
        probe_timer_{loop_},
        give_up_probe_timer_{loop_},
        events_{std::move(events)} {
    address_known_ = parse_http_url(who.backend.url, address_);
    if (!who.backend.command.empty()) child_ = std::make_shared<child_process>(loop_);
  }

  void start() {
    if (child_ && address_known_) child_->start(worker_launch(who_, where_), shared_from_this());
    asio::post(loop_, [self = shared_from_this()] {
      if (self->over_) return;
      if (!self->address_known_)
        return self->depart("its url is neither http://HOST:PORT nor https://HOST: "
                            + self->who_.backend.url);
      self->start_timer_.expires_after(self->who_.backend.start_timeout);
      self->start_timer_.async_wait([self](boost::system::error_code error) {
        if (!error && !self->ready_) self->give_up();
      });
      if (!self->child_) self->probe(first_probe_delay);
    });
  }

  void run(task_ptr job) {
    asio::dispatch(loop_, [self = shared_from_this(), job = std::move(job)]() mutable {
      self->begin(std::move(job), self->take_idle());
    });
  }

  void cancel(const task_ptr& job) {
    asio::post(loop_, [self = shared_from_this(), job] {
      const auto found = std::find_if(self->open_.begin(), self->open_.end(),
                                      [&](const open_call& one) { return one.job == job; });
      if (found == self->open_.end()) return;
      found->call->cancel();
      if (found->limit) found->limit->cancel();
      self->open_.erase(found);
      if (const auto hears = self->events())
        hears->on_result(job, {failure::cancelled, false, "cancelled"});
    });
  }

  void ping() {
    asio::post(loop_, [self = shared_from_this()] {
      if (!self->over_ && !self->probing_) self->probe(probe_delay_max);
    });
  }

  void stop(std::chrono::milliseconds grace) {
    asio::post(loop_, [self = shared_from_this(), grace] {
      self->asked_ = true;
      if (self->child_)
        self->child_->stop(grace);
      else
        self->depart("stopped");
    });
  }

  void abandon() {
    {
      const std::lock_guard lock{mutex_};
      events_.reset();
    }
    if (child_) child_->abandon();
    asio::post(loop_, [self = shared_from_this()] { self->close_all(); });
  }

  [[nodiscard]] int pid() const { return child_ ? child_->pid() : 0; }

private:
  void add_headers(http_call& call) const {
    for (const auto& [name, value] : who_.backend.headers) call.add_header(name, value);
  }

  struct open_call {
    task_ptr job;
    std::shared_ptr<http_call> call;
    std::shared_ptr<asio::steady_timer> limit;  ///< Of this attempt; empty: none.
  };

  std::shared_ptr<worker_events> events() {
    const std::lock_guard lock{mutex_};
    return events_;
  }

  // -- the process, when there is one --

  void on_started() override { probe(first_probe_delay); }
  void on_bytes(std::string_view bytes) override {
    said_.feed(bytes, steady_now_ns(), [this](std::string_view line) { on_line(line); });
  }
  void on_line(std::string_view line) override {
    last_words_.assign(line.substr(0, excerpt_bytes));
    if (where_.log) where_.log(who_.name, line);
  }
  void on_broken(std::string_view) override {}  // A server may well close its pipes.
  void on_gone(bool started, std::string how) override {
    if (!reason_.empty()) how = reason_ + " (" + how + ")";
    if (started && !ready_ && !asked_ && !last_words_.empty())
      how += "; its last words: " + last_words_;
    depart(std::move(how));
  }

  // -- health --

  /// Asks for the health; when the answer is no, again after `delay`, until it is yes.
  void probe(std::chrono::microseconds delay) {
    if (over_) return;
    probing_ = std::make_shared<http_call>(loop_, address_, health_bytes_max);
    add_headers(*probing_);
    probing_->start(
        http::verb::get, who_.backend.health, {}, {}, nullptr, {},
        [self = shared_from_this(), delay](http_answer answer) { self->probed(answer, delay); });
    give_up_probe_timer_.expires_after(probe_time);
    give_up_probe_timer_.async_wait(
        [self = shared_from_this(), delay](boost::system::error_code error) {
          if (error || !self->probing_) return;
          self->probing_->cancel();
          http_answer none;
          none.failure = "no answer in time";
          self->probed(none, delay);
        });
  }

  void probed(const http_answer& answer, std::chrono::microseconds delay) {
    probing_.reset();
    give_up_probe_timer_.cancel();
    if (over_) return;
    const bool healthy = answer.failure.empty() && answer.status >= 200 && answer.status < 300;
    if (ready_) {
      if (const auto hears = events(); hears && healthy) hears->on_pong();
      return;
    }
    if (healthy) {
      ready_ = true;
      start_timer_.cancel();
      keep(answer.connection);
      if (const auto hears = events()) hears->on_ready();
      return;
    }
    last_health_ =
        answer.failure.empty() ? "HTTP " + std::to_string(answer.status) : answer.failure;
    probe_timer_.expires_after(delay);
    probe_timer_.async_wait([self = shared_from_this(), delay](boost::system::error_code error) {
      if (!error) self->probe(std::min(delay + delay / 2, probe_delay_max));
    });
  }

  void give_up() {
    reason_ = "not ready within " + in_words(who_.backend.start_timeout);
    if (!last_health_.empty()) reason_ += ", last answer: " + last_health_;
    if (child_)
      child_->stop(fault_grace);
    else
      depart(reason_);
  }

  // -- tasks --

  void keep(std::shared_ptr<http_connection> connection) {
    if (connection && idle_.size() < who_.backend.concurrency)
      idle_.push_back(std::move(connection));
  }

  /// A connection that the server has not closed meanwhile.
  std::shared_ptr<http_connection> take_idle() {
    while (!idle_.empty()) {
      auto last = std::move(idle_.back());
      idle_.pop_back();
      char byte = 0;
      const auto count = ::recv(last->socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
      if (count < 0 && errno == EAGAIN) return last;
    }
    return nullptr;
  }

  void begin(task_ptr job, std::shared_ptr<http_connection> connection) {
    if (over_) return;
    auto call = std::make_shared<http_call>(loop_, address_, where_.output_bytes_max);
    const auto limit = limit_of(call.get());
    open_.push_back({job, call, limit});
    http_call::piece_taker on_piece;
    if (job->streaming)
      on_piece = [self = shared_from_this(), job, limit](std::string_view piece) {
        if (limit) limit->cancel();  // It answers; how long that goes on is the task's matter.
        if (const auto hears = self->events()) hears->on_chunk(job, piece);
      };
    const auto key = protocols::wire_name(job->id, 1);
    add_headers(*call);
    call->start(http::verb::post, who_.backend.path, job->input, key, std::move(connection),
                std::move(on_piece),
                [self = shared_from_this(), call = call.get()](http_answer answer) {
                  self->ended(call, std::move(answer));
                });
  }

  /// A timer that gives the attempt up: who says nothing for so long may never say anything.
  std::shared_ptr<asio::steady_timer> limit_of(const http_call* call) {
    const auto most = who_.backend.attempt_timeout;
    if (most.count() == 0) return nullptr;
    auto timer = std::make_shared<asio::steady_timer>(loop_, most);
    timer->async_wait([self = shared_from_this(), call, timer](boost::system::error_code error) {
      if (error) return;
      http_answer none;
      none.failure = "no answer within " + in_words(self->who_.backend.attempt_timeout);
      for (const auto& one : self->open_)
        if (one.call.get() == call && one.limit == timer) {
          one.call->cancel();
          self->ended(call, std::move(none));
          return;
        }
    });
    return timer;
  }

  void ended(const http_call* call, http_answer answer) {
    const auto found = std::find_if(open_.begin(), open_.end(), [call](const open_call& one) {
      return one.call.get() == call;
    });
    if (found == open_.end()) return;
    auto job = std::move(found->job);
    if (found->limit) found->limit->cancel();
    open_.erase(found);
    // The server closed an idle connection just when it was used: no reason to fail the task.
    if (answer.stale && job->effects != protocols::side_effects::unsafe)
      return begin(std::move(job), nullptr);
    keep(std::move(answer.connection));
    if (const auto hears = events()) hears->on_result(std::move(job), understand(answer));
  }

  void close_all() {
    over_ = true;
    start_timer_.cancel();
    probe_timer_.cancel();
    give_up_probe_timer_.cancel();
    if (probing_) std::exchange(probing_, nullptr)->cancel();
    for (auto& one : open_) {
      one.call->cancel();
      if (one.limit) one.limit->cancel();
    }
    open_.clear();
    idle_.clear();
  }

  void depart(std::string why) {
    if (over_) return;
    close_all();
    std::shared_ptr<worker_events> hears;
    {
      const std::lock_guard lock{mutex_};
      hears = std::move(events_);
    }
    if (hears) hears->on_gone({.why = std::move(why), .asked = asked_, .before_ready = !ready_});
  }

  const config::specialist who_;
  const worker_surroundings where_;
  asio::io_context& loop_;
  asio::steady_timer start_timer_, probe_timer_, give_up_probe_timer_;
  http_address address_;
  bool address_known_ = false;
  std::shared_ptr<child_process> child_;
  std::shared_ptr<http_call> probing_;
  std::vector<std::shared_ptr<http_connection>> idle_;
  std::vector<open_call> open_;
  line_limit said_;
  bool ready_ = false, asked_ = false, over_ = false;
  std::string reason_, last_words_, last_health_;

  std::mutex mutex_;  ///< Guards what follows.
  std::shared_ptr<worker_events> events_;
};

class http_worker final : public worker {
public:
  explicit http_worker(std::shared_ptr<http_server> server) : server_{std::move(server)} {}
  ~http_worker() override { server_->abandon(); }
  void start() override { server_->start(); }
  void run(task_ptr job) override { server_->run(std::move(job)); }
  void cancel(const task_ptr& job) override { server_->cancel(job); }
  void ping() override { server_->ping(); }
  void stop(std::chrono::milliseconds grace) override { server_->stop(grace); }
  [[nodiscard]] int pid() const override { return server_->pid(); }

private:
  const std::shared_ptr<http_server> server_;
};

}  // namespace

std::shared_ptr<worker> make_http_worker(const config::specialist& who,
                                         const worker_surroundings& where,
                                         std::shared_ptr<worker_events> events) {
  assert(where.io);
  return std::make_shared<http_worker>(
      std::make_shared<http_server>(who, where, std::move(events)));
}

}  // namespace greenroom::machine
