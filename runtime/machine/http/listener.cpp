#include "runtime/machine/http/listener.hpp"

#include "runtime/machine/http/response_head.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <ctime>

namespace greenroom::machine::http {

namespace net = boost::asio;
using tcp = net::ip::tcp;

namespace {

/// Before a close: unread bytes would reset the connection and lose the answer.
void drop_what_came(int socket) {
  (void)::shutdown(socket, SHUT_WR);
  std::array<char, 4096> dropped;
  for (int i = 0; i < 16 && ::recv(socket, dropped.data(), dropped.size(), MSG_DONTWAIT) > 0; ++i) {
  }
}

}  // namespace

void listener::open(const net::ip::address& address, std::uint16_t port, bool shared) {
  const tcp::endpoint where{address, port};
  acceptor.open(where.protocol());
  acceptor.set_option(net::socket_base::reuse_address{true});
  if (shared) {
    using reuse_port = net::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
    acceptor.set_option(reuse_port{true});
  }
  acceptor.bind(where);
  acceptor.listen(listen_backlog);
}

void listener::accept() {
  acceptor.async_accept(home->io, [self = shared_from_this()](
                                      const boost::system::error_code& error, tcp::socket socket) {
    if (!self->acceptor.is_open()) return;
    if (!error) {
      self->welcome(std::move(socket));
      return self->accept();
    }
    // No file descriptor or no memory left: wait until others are freed.
    if (error == net::error::no_descriptors || error.value() == ENFILE) self->turn_away();
    self->pause.expires_after(std::chrono::milliseconds{50});
    self->pause.async_wait([self](const boost::system::error_code& woken) {
      if (!woken && self->acceptor.is_open()) self->accept();
    });
  });
}

void listener::turn_away() {
  if (spare.number() < 0) spare = descriptor{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  if (spare.number() < 0) return;
  const auto text = last_words(503, "connections-full",
                               "This node has no open file left for a connection (the limit of "
                               "open files, ulimit -n); retry later.",
                               error_form::both);
  // At most this many at once, because other connections need the loop too.
  for (int i = 0; i < 64; ++i) {
    spare.close();
    const descriptor one{
        ::accept4(acceptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (one.number() >= 0) {
      home->totals->refused.fetch_add(1, std::memory_order_relaxed);
      (void)::send(one.number(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      drop_what_came(one.number());
    }
    if (one.number() < 0) {
      spare = descriptor{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
      return;
    }
  }
  spare = descriptor{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
}

void listener::welcome(tcp::socket accepted) {
  auto& totals = *home->totals;
  totals.accepted.fetch_add(1, std::memory_order_relaxed);
  boost::system::error_code error;
  const auto from = accepted.remote_endpoint(error);
  if (error) return;  // The client is gone already.
  accepted.set_option(tcp::no_delay{true}, error);
  const auto protocol = from.protocol();
  plain_socket socket{home->io.get_executor()};
  const auto handle = accepted.release(error);
  if (error) return;
  socket.assign(protocol, handle, error);
  if (error) {
    ::close(handle);
    return;
  }
  if (totals.connections.load(std::memory_order_relaxed) >= home->options.connections) {
    totals.refused.fetch_add(1, std::memory_order_relaxed);
    return refuse(std::move(socket));
  }
  totals.connections.fetch_add(1, std::memory_order_relaxed);
  begin_connection(next_number++, std::move(socket), settings, from, home);
}

void listener::tick() {
  ticker.expires_after(tick_time);
  ticker.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (error || self->ended) return;
    self->look_around();
    self->tick();
  });
}

void listener::look_around() {
  set_date(std::time(nullptr));
  ++home->now;
  const auto most = static_cast<std::uint64_t>(home->options.header_timeout / tick_time) + 1;
  slow.clear();
  for (const auto& [number, record] : home->records)
    if (record->held_end)
      record->look_at_peer();
    else if (record->stage == reading::headers && home->now - record->begun > most)
      slow.push_back(record);
  for (const auto& record : slow) {
    home->totals->timed_out.fetch_add(1, std::memory_order_relaxed);
    record->say_last_words(408, "malformed", "The header fields did not arrive in time.");
  }
  slow.clear();
}

void listener::refuse(plain_socket socket) const {
  // A refused connection keeps its descriptor while it lingers, so the number is limited.
  const auto lingering_most = std::max<std::size_t>(home->options.connections / 16, 4);
  const auto text =
      last_words(503, "connections-full",
                 "The limit of open connections is reached (limits.connections); retry later.",
                 error_form::both);
  (void)::send(socket.native_handle(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (home->lingering < lingering_most) return linger(std::move(socket), home);
  drop_what_came(socket.native_handle());
}

}  // namespace greenroom::machine::http
