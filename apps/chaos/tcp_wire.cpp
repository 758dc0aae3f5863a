#include "apps/chaos/tcp_wire.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <atomic>
#include <exception>
#include <functional>
#include <set>
#include <thread>
#include <utility>

namespace greenroom::apps {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

void reset(tcp::socket& socket) {
  error_code ignored;
  // Zero linger makes close send a reset instead of a normal end.
  socket.set_option(asio::socket_base::linger{true, 0}, ignored);
  socket.close(ignored);
}

}  // namespace

/// Everything but the constructor runs on the proxy's thread.
struct tcp_wire::inside {
  struct pair;

  explicit inside(std::uint16_t to) : server{asio::ip::address_v4::loopback(), to} {
    error_code failed;
    acceptor.open(tcp::v4(), failed);
    if (!failed) acceptor.bind({asio::ip::address_v4::loopback(), 0}, failed);
    if (!failed) acceptor.listen(asio::socket_base::max_listen_connections, failed);
    if (!failed) listening = acceptor.local_endpoint(failed).port();
    if (failed) listening = 0;
  }

  void accept();
  void change(fault next, std::chrono::milliseconds lasts, std::chrono::milliseconds held_for);

  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> busy{asio::make_work_guard(io)};
  tcp::acceptor acceptor{io};
  asio::steady_timer end_of_lease{io};
  tcp::endpoint server;
  std::uint16_t listening = 0;
  fault now = fault::none;
  std::chrono::milliseconds by{0};
  std::set<std::shared_ptr<pair>> pairs;
  std::thread thread;
};

/// One connection from the node and its connection to the server.
struct tcp_wire::inside::pair : std::enable_shared_from_this<pair> {
  explicit pair(inside& of)
      : wire{of}, node{of.io}, server{of.io}, up_timer{of.io}, down_timer{of.io} {}

  void connect() {
    server.async_connect(wire.server, [self = shared_from_this()](error_code failed) {
      if (failed) return self->close();
      self->connected = true;
      self->resume();
    });
  }

  /// Reads again after a fault stopped reading.
  void resume() {
    if (!connected) return;
    if (!std::exchange(reading_up, true)) read_up();
    if (!std::exchange(reading_down, true)) read_down();
  }

  void read_up() { read(node, server, up, up_timer, reading_up, false, &pair::read_up); }
  void read_down() { read(server, node, down, down_timer, reading_down, true, &pair::read_down); }

  // Reads bytes only when they may pass: bytes that arrive during `silent` stay in the socket
  // buffer, as on a broken network.
  void read(tcp::socket& from, tcp::socket& to, std::array<char, 16384>& room,
            asio::steady_timer& timer, bool& active, bool answers, void (pair::*again)()) {
    from.async_wait(tcp::socket::wait_read, [this, self = shared_from_this(), &from, &to, &room,
                                             &timer, &active, answers, again](error_code failed) {
      if (failed || closed) return close();
      if (wire.now == fault::silent) {
        active = false;
        return;
      }
      from.async_read_some(asio::buffer(room), [this, self, &to, &room, &timer, answers, again](
                                                   error_code ended, std::size_t count) {
        if (ended || closed) return close();
        timer.expires_after(answers && wire.now == fault::slow ? wire.by
                                                               : std::chrono::milliseconds{0});
        timer.async_wait([this, self, &to, &room, count, again](error_code cancelled) {
          if (cancelled || closed) return;
          asio::async_write(to, asio::buffer(room.data(), count),
                            [this, self, again](error_code wrong, std::size_t) {
                              if (wrong || closed) return close();
                              (this->*again)();
                            });
        });
      });
    });
  }

  void close(bool hard = false) {
    if (std::exchange(closed, true)) return;
    error_code ignored;
    up_timer.cancel();
    down_timer.cancel();
    if (hard) {
      reset(node);
      reset(server);
    } else {
      node.close(ignored);
      server.close(ignored);
    }
    wire.pairs.erase(shared_from_this());
  }

  inside& wire;
  tcp::socket node, server;
  asio::steady_timer up_timer, down_timer;
  std::array<char, 16384> up{}, down{};
  bool connected = false, closed = false, reading_up = false, reading_down = false;
};

void tcp_wire::inside::accept() {
  auto fresh = std::make_shared<pair>(*this);
  acceptor.async_accept(fresh->node, [this, fresh](error_code failed) {
    if (failed) return;
    if (now == fault::down) {
      reset(fresh->node);
    } else {
      pairs.insert(fresh);
      fresh->connect();
    }
    accept();
  });
}

void tcp_wire::inside::change(fault next, std::chrono::milliseconds lasts,
                              std::chrono::milliseconds held_for) {
  now = next;
  by = held_for;
  if (now == fault::down)
    for (const auto& one : std::set{pairs}) one->close(true);
  else
    for (const auto& one : std::set{pairs}) one->resume();
  if (now == fault::none) return;
  end_of_lease.expires_after(lasts);
  end_of_lease.async_wait([this](error_code replaced) {
    if (!replaced) change(fault::none, {}, {});
  });
}

tcp_wire::tcp_wire(std::uint16_t server_port) : inside_{std::make_unique<inside>(server_port)} {
  auto& in = *inside_;
  if (in.listening == 0) return;
  in.accept();
  in.thread = std::thread{[&in] { in.io.run(); }};
}

tcp_wire::~tcp_wire() {
  auto& in = *inside_;
  in.io.stop();
  try {
    if (in.thread.joinable()) in.thread.join();
    for (const auto& one : std::set{in.pairs}) one->close();
  } catch (const std::exception&) {
    // A connection that cannot be closed here is closed by the socket's destructor.
  }
}

std::uint16_t tcp_wire::port() const { return inside_->listening; }

void tcp_wire::lease(fault what, std::chrono::milliseconds lasts, std::chrono::milliseconds by) {
  asio::post(inside_->io, [in = inside_.get(), what, lasts, by] { in->change(what, lasts, by); });
}

}  // namespace greenroom::apps
