#include "runtime/machine/worker/http_server.hpp"

#include "runtime/machine/io/clock.hpp"
#include "runtime/machine/io/engine.hpp"
#include "runtime/machine/process/launch.hpp"
#include "runtime/machine/worker/worker_command.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace greenroom::machine {

namespace asio = boost::asio;

namespace {

/// Delay before the second health probe; later delays grow up to the maximum.
constexpr std::chrono::microseconds first_probe_delay{2000};
constexpr std::chrono::microseconds probe_delay_max{250'000};
/// A slower probe is cancelled and repeated.
constexpr std::chrono::seconds probe_time{5};
constexpr std::size_t health_bytes_max = std::size_t{1} << 20;
/// Tolerated time for a foreign listener on the port, which may be exiting.
constexpr std::chrono::seconds stranger_patience{1};

}  // namespace

http_server::http_server(const config::specialist& who, const worker_surroundings& where,
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

void http_server::start() {
  if (child_ && address_) {
    auto order = worker_command(who_, where_);
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

void http_server::ping() {
  asio::post(loop_, [self = shared_from_this()] {
    if (!self->over_ && !self->probing_) self->probe(probe_delay_max);
  });
}

void http_server::stop(std::chrono::milliseconds grace) {
  asio::post(loop_, [self = shared_from_this(), grace] {
    self->asked_ = true;
    if (self->child_)
      self->child_->stop(grace);
    else
      self->depart("stopped");
  });
}

void http_server::abandon() {
  {
    const std::lock_guard lock{mutex_};
    events_.reset();
  }
  if (child_) child_->abandon();
  asio::post(loop_, [self = shared_from_this()] { self->close_all(); });
}

void http_server::prepare(http_call& call, bool is_probe) {
  for (const auto& [name, value] : who_.backend.headers) call.add_header(name, value);
  if (!child_ || who_.backend.listener == config::listener_owner::any) return;
  call.verify_server([self = shared_from_this(), is_probe](const http_call::endpoint& there,
                                                           const http_call::endpoint& here,
                                                           std::function<void(std::string)> go_on) {
    self->look_who_listens(there, here, is_probe, std::move(go_on));
  });
}

std::shared_ptr<worker_events> http_server::events() {
  const std::lock_guard lock{mutex_};
  return events_;
}

void http_server::on_bytes(std::string_view bytes) {
  said_.feed(bytes, steady_now_ns(), [this](std::string_view line) { on_line(line); });
}

void http_server::on_line(std::string_view line) {
  last_words_.add(line);
  if (where_.log) where_.log(who_.name, line);
}

void http_server::on_started() { probe(first_probe_delay); }

void http_server::on_gone(bool started, std::string how) {
  if (!reason_.empty()) how = reason_ + " (" + how + ")";
  if (started && !ready_ && !asked_) how += last_words_.clause();
  if (!ready_ && !asked_ && reason_.empty() && !stranger_.empty()) how += "; " + stranger_;
  depart(std::move(how));
}

void http_server::look_who_listens(const http_call::endpoint& there,
                                   const http_call::endpoint& here, bool is_probe,
                                   std::function<void(std::string)> go_on) {
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

std::string http_server::fault_of(const std::vector<listening_socket>& sockets,
                                  const listener_finding& found, std::uint16_t port) {
  trusted_.clear();
  stranger_.clear();
  if (found.own) {
    for (const auto& one : sockets) trusted_.push_back(one.inode);
    return {};
  }
  const auto number = std::to_string(port);
  if (found.pid != 0) {
    stranger_ = "port " + number + " is held by process " + std::to_string(found.pid) + " ("
                + found.program + "), which the command did not start";
  } else if (sockets.empty()) {
    stranger_ = "no visible process listens on port " + number;
  } else {
    stranger_ = "port " + number + " is held by an invisible process of user "
                + std::to_string(found.user) + ", which the command did not start";
  }
  stranger_ +=
      "; write ${PORT} for a port of its own, or listener: any "
      "if another program is to hold it";
  return stranger_;
}

void http_server::probe(std::chrono::microseconds delay) {
  if (over_) return;
  probing_ = std::make_shared<http_call>(loop_, *address_, health_bytes_max);
  probing_->name_limit("the health check");
  prepare(*probing_, true);
  probing_->start(
      boost::beast::http::verb::get, who_.backend.health, {}, {}, nullptr,
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

void http_server::probed(const http_answer& answer, std::chrono::microseconds delay) {
  probing_.reset();
  give_up_probe_timer_.cancel();
  if (over_) return;
  const bool healthy = answer.failure.empty() && answer.status >= 200 && answer.status < 300;
  if (ready_) {
    if (const auto observer = events(); observer && healthy) observer->on_pong();
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
    if (const auto observer = events()) observer->on_ready();
    return;
  }
  last_health_ = answer.failure.empty() ? "HTTP " + std::to_string(answer.status) : answer.failure;
  probe_timer_.expires_after(delay);
  probe_timer_.async_wait([self = shared_from_this(), delay](boost::system::error_code error) {
    if (!error) self->probe(std::min(delay + delay / 2, probe_delay_max));
  });
}

void http_server::give_up() {
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

void http_server::close_all() {
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

void http_server::depart(std::string why) {
  if (over_) return;
  close_all();
  std::shared_ptr<worker_events> observer;
  {
    const std::lock_guard lock{mutex_};
    observer = std::move(events_);
  }
  if (observer)
    observer->on_gone({.why = std::move(why), .asked = asked_, .before_ready = !ready_});
}

}  // namespace greenroom::machine
