#include "runtime/machine/worker/http_worker.hpp"

#include "protocols/base/hex.hpp"
#include "protocols/base/http_url.hpp"
#include "protocols/worker_codec.hpp"
#include "runtime/machine/http/http_call.hpp"
#include "runtime/machine/io/clock.hpp"
#include "runtime/machine/io/engine.hpp"
#include "runtime/machine/process/child_process.hpp"
#include "runtime/machine/process/free_port.hpp"
#include "runtime/machine/process/last_words.hpp"
#include "runtime/machine/process/launch.hpp"
#include "runtime/machine/process/port_listener.hpp"
#include "runtime/machine/worker/http_reply.hpp"
#include "runtime/machine/worker/worker_launch.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <mutex>
#include <random>
#include <utility>
#include <vector>

namespace greenroom::machine {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using protocols::failure;
using protocols::task_ptr;

/// Delay before the second health probe; later delays grow up to the maximum.
constexpr std::chrono::microseconds first_probe_delay{2000};
constexpr std::chrono::microseconds probe_delay_max{250'000};
/// A slower probe is cancelled and repeated.
constexpr std::chrono::seconds probe_time{5};
constexpr std::size_t health_bytes_max = std::size_t{1} << 20;
constexpr std::size_t excerpt_bytes = 300;
/// Tolerated time for a foreign listener on the port, which may be exiting.
constexpr std::chrono::seconds stranger_patience{1};

bool wants_a_port(const config::backend& one) {
  const auto has = [](std::string_view text) {
    return text.find(base::port_mark) != std::string_view::npos;
  };
  const auto any_value = [&](const auto& map) {
    return std::ranges::any_of(map, [&](const auto& pair) { return has(pair.second); });
  };
  return has(one.url) || has(one.health) || has(one.path) || has(one.cwd)
         || std::ranges::any_of(one.command, has) || any_value(one.env) || any_value(one.headers);
}

/// Replaces each `${PORT}` with the number, and sets PORT unless the config sets it.
void fill_in(config::backend& one, std::uint16_t port) {
  const auto fill = [port](std::string& text) { text = base::with_port(text, port); };
  for (auto* const text : {&one.url, &one.health, &one.path, &one.cwd}) fill(*text);
  for (auto& word : one.command) fill(word);
  for (auto* const map : {&one.env, &one.headers})
    for (auto& [name, value] : *map) fill(value);
  one.env.try_emplace("PORT", std::to_string(port));
}

/// A random id, unique among all starts of all workers, also in other nodes.
std::string fresh_instance() {
  std::random_device random;
  std::string result;
  for (int i = 0; i < 32; ++i) result += base::hex_digits[random() & 15U];
  return result;
}

/// All methods except `abandon` run on one loop.
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
    if (who.backend.command.empty()) {
      address_ = base::parse_http_url(who.backend.url);
      return;
    }
    child_ = std::make_shared<child_process>(loop_);
    if (wants_a_port(who_.backend)) {
      port_ = free_port::take();
      if (port_) fill_in(who_.backend, port_->number());
    }
    address_ = base::parse_http_url(who_.backend.url);
  }

  void start() {
    if (child_ && address_) {
      auto order = worker_launch(who_, where_);
      order.env[instance_variable] = instance_;
      child_->start(std::move(order), shared_from_this());
    }
    asio::post(loop_, [self = shared_from_this()] {
      if (self->over_) return;
      if (!self->address_)
        return self->depart(self->who_.backend.url.find(base::port_mark) != std::string::npos
                                ? "cannot be given a port for its ${PORT}: none is free"
                                : "has a url that " + self->address_.error().text + ": "
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
  void prepare(http_call& call, bool is_probe) {
    for (const auto& [name, value] : who_.backend.headers) call.add_header(name, value);
    if (!child_ || who_.backend.listener == config::listener_owner::any) return;
    call.guard([self = shared_from_this(), is_probe](const http_call::endpoint& there,
                                                     const http_call::endpoint& here,
                                                     std::function<void(std::string)> go_on) {
      self->look_who_listens(there, here, is_probe, std::move(go_on));
    });
  }

  struct open_call {
    task_ptr job;
    std::shared_ptr<http_call> call;
    std::shared_ptr<http_reply> reply;
    std::shared_ptr<asio::steady_timer> limit;  ///< Timeout of this attempt; empty: none.
  };

  std::shared_ptr<worker_events> events() {
    const std::lock_guard lock{mutex_};
    return events_;
  }

  // The process, if there is one.

  void on_started() override { probe(first_probe_delay); }
  void on_bytes(std::string_view bytes) override {
    said_.feed(bytes, steady_now_ns(), [this](std::string_view line) { on_line(line); });
  }
  void on_line(std::string_view line) override {
    last_words_.add(line);
    if (where_.log) where_.log(who_.name, line);
  }
  void on_broken(std::string_view) override {}  // A server may close its pipes.
  void on_gone(bool started, std::string how) override {
    if (!reason_.empty()) how = reason_ + " (" + how + ")";
    if (started && !ready_ && !asked_) how += last_words_.clause();
    if (!ready_ && !asked_ && reason_.empty() && !stranger_.empty()) how += "; " + stranger_;
    depart(std::move(how));
  }

  // The port.

  /// Checks that the listener is the child before an answer is trusted.
  void look_who_listens(const http_call::endpoint& there, const http_call::endpoint& here,
                        bool is_probe, std::function<void(std::string)> go_on) {
    // A server on another machine, which the command starts by other means.
    if (!there.address().is_loopback() && there.address() != here.address()) return go_on({});
    auto sockets = listeners_at(there.address(), there.port());
    if (!is_probe && !sockets.empty()
        && std::ranges::all_of(sockets, [this](const listening_socket& one) {
             return std::ranges::find(trusted_, one.inode) != trusted_.end();
           }))
      return go_on({});
    // On the spawner's thread, which may block.
    spawner::shared().ask([self = shared_from_this(), sockets = std::move(sockets),
                           port = there.port(), go_on = std::move(go_on)]() mutable {
      auto found = whose(sockets, self->pid(), self->instance_);
      asio::post(self->loop_,
                 [self, sockets = std::move(sockets), found = std::move(found), port,
                  go_on = std::move(go_on)] { go_on(self->fault_of(sockets, found, port)); });
    });
  }

  std::string fault_of(const std::vector<listening_socket>& sockets, const listener_finding& found,
                       std::uint16_t port) {
    trusted_.clear();
    stranger_.clear();
    if (found.own) {
      for (const auto& one : sockets) trusted_.push_back(one.inode);
      return {};
    }
    stranger_ = "port " + std::to_string(port) + " is held by ";
    if (found.pid != 0) {
      stranger_ += "process " + std::to_string(found.pid) + " (" + found.program + ")";
    } else if (sockets.empty()) {
      stranger_ += "nobody who can be seen";
    } else {
      stranger_ += "a process of user " + std::to_string(found.user) + " that cannot be seen";
    }
    stranger_ +=
        ", which the command did not start; write ${PORT} for a port of its own, or listener: any "
        "if another program is to hold it";
    return stranger_;
  }

  // Health.

  /// Probes the health, repeatedly until the server is healthy, first after `delay`.
  void probe(std::chrono::microseconds delay) {
    if (over_) return;
    probing_ = std::make_shared<http_call>(loop_, *address_, health_bytes_max);
    prepare(*probing_, true);
    probing_->start(
        http::verb::get, who_.backend.health, {}, {}, nullptr,
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
    if (answer.failure != stranger_) stranger_.clear();  // The foreign listener is gone.
    if (stranger_.empty()) {
      stranger_since_ns_ = 0;
    } else if (stranger_since_ns_ == 0) {
      stranger_since_ns_ = steady_now_ns();
    } else if (steady_now_ns() - stranger_since_ns_
               >= std::chrono::nanoseconds{stranger_patience}.count()) {
      reason_ = stranger_;
      return child_->stop(fault_grace);
    }
    if (healthy) {
      ready_ = true;
      start_timer_.cancel();
      keep(answer.connection);
      if (child_) child_->note_ready();
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
    if (!stranger_.empty()) {
      reason_ += ": " + stranger_;
    } else {
      reason_ += ": GET " + who_.backend.health + " was not answered with a status of 200 to 299";
      if (!last_health_.empty()) reason_ += ", last answer: " + last_health_;
    }
    if (child_)
      child_->stop(fault_grace);
    else
      depart(reason_);
  }

  // Tasks.

  void keep(std::shared_ptr<http_connection> connection) {
    if (connection && idle_.size() < who_.backend.concurrency)
      idle_.push_back(std::move(connection));
  }

  /// Returns a kept connection that the server has not closed.
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
    auto call = std::make_shared<http_call>(loop_, *address_, where_.output_bytes_max);
    const auto limit = limit_of(call.get());
    const auto reply = std::make_shared<http_reply>(
        job->streaming, where_.output_bytes_max,
        [self = shared_from_this(), job](protocols::stream_form form) {
          if (const auto hears = self->events()) hears->on_form(job, form);
        },
        [self = shared_from_this(), job](std::string_view piece) {
          if (const auto hears = self->events()) hears->on_chunk(job, piece);
        });
    open_.push_back({job, call, reply, limit});
    call->on_body([reply](const http_answer& head) { return reply->begin(head); },
                  [reply, limit](std::string_view piece) {
                    // The server answers: from here on only the task's timeout applies.
                    if (limit) limit->cancel();
                    return reply->take(piece);
                  });
    if (job->streaming)
      call->pace([self = shared_from_this(), job] {
        const auto hears = self->events();
        return !hears || hears->takes_more(job);
      });
    const auto key = protocols::wire_name(job->id, 1);
    prepare(*call, false);
    call->start(http::verb::post, who_.backend.path, job->input, key, std::move(connection),
                [self = shared_from_this(), call = call.get()](http_answer answer) {
                  self->ended(call, std::move(answer));
                });
  }

  /// Returns a timer that cancels an attempt without any answer.
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
    const auto reply = std::move(found->reply);
    if (found->limit) found->limit->cancel();
    open_.erase(found);
    // The server closed an idle connection just when it was reused: retry on a new connection.
    if (answer.stale && job->effects != protocols::side_effects::unsafe)
      return begin(std::move(job), nullptr);
    keep(std::move(answer.connection));
    auto result = reply->end(answer, job->effects == protocols::side_effects::unsafe);
    if (const auto hears = events()) hears->on_result(std::move(job), std::move(result));
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

  config::specialist who_;  ///< With the port filled in.
  const worker_surroundings where_;
  asio::io_context& loop_;
  asio::steady_timer start_timer_, probe_timer_, give_up_probe_timer_;
  base::expected<base::http_url> address_{base::problem{}};
  std::unique_ptr<free_port> port_;
  const std::string instance_ = fresh_instance();
  std::vector<std::uint64_t> trusted_;  ///< Inodes of the child's listening sockets.
  std::string stranger_;                ///< Describes a foreign listener on the port.
  std::int64_t stranger_since_ns_ = 0;
  std::shared_ptr<child_process> child_;
  std::shared_ptr<http_call> probing_;
  std::vector<std::shared_ptr<http_connection>> idle_;
  std::vector<open_call> open_;
  line_limit said_;
  bool ready_ = false, asked_ = false, over_ = false;
  std::string reason_, last_health_;
  last_words last_words_;

  std::mutex mutex_;  ///< Guards the members below.
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
