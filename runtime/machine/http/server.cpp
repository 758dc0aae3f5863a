// RESTinio's connections behind this file's own acceptor: RESTinio 0.6 stops accepting for good
// after one failed accept (no file descriptor left), and cannot refuse a connection with an answer.
#include "runtime/machine/http/server.hpp"

#include "runtime/machine/http/connection_record.hpp"
#include "runtime/machine/http/exchange.hpp"
#include "runtime/machine/http/response_head.hpp"
#include "runtime/machine/process/descriptor.hpp"

#include <restinio/all.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <ctime>
#include <future>
#include <mutex>
#include <utility>

namespace greenroom::machine::http {

namespace {

namespace net = boost::asio;
using tcp = net::ip::tcp;

struct traits : restinio::traits_t<
                    restinio::asio_timer_manager_t, restinio::null_logger_t,
                    std::function<restinio::request_handling_status_t(std::shared_ptr<incoming>)>,
                    net::io_context::executor_type, guarded_socket> {
  using extra_data_factory_t = exchange_factory;
};
using connection = restinio::impl::connection_t<traits>;
using connection_settings = restinio::impl::connection_settings_t<traits>;

/// The lane whose acceptor creates a connection at the moment, on this thread.
thread_local const std::shared_ptr<lane>* lane_being_served = nullptr;
}  // namespace

/// Found by argument-dependent lookup before RESTinio's own, which requires an Asio socket.
template <class Connection, class Start, class Failed>
void prepare_connection_and_start_read(guarded_socket& socket, Connection& made, Start start,
                                       Failed) {
  auto& home = *lane_being_served;
  auto record = std::make_shared<connection_record>(made.connection_id(), home);
  home->records.emplace(record->number, record);
  socket.attach(std::move(record));
  start();
}

restinio::tls_socket_t* make_tls_socket_pointer_for_state_listener(guarded_socket&) noexcept {
  return nullptr;
}

// -- server -------------------------------------------------------------------

namespace {

/// RFC 9112, section 3.2: HTTP/1.1 requires the field once, HTTP/1.0 allows it at most once.
bool names_one_host(const restinio::http_request_header_t& header, bool old_client) {
  std::size_t hosts = 0;
  header.for_each_field([&](const auto& field) {
    if (field.field_id() == restinio::http_field::host) ++hosts;
  });
  return hosts == 1 || (hosts == 0 && old_client);
}

/// Passes RESTinio's request to the handler. Loop thread.
restinio::request_handling_status_t take(const std::shared_ptr<lane>& home,
                                         std::shared_ptr<incoming> asked) {
  auto& ours = exchange_of(*asked);
  const auto found = home->records.find(asked->connection_id());
  if (found == home->records.end()) return restinio::request_rejected();
  ours.connection = found->second;
  ours.connection->link = std::move(restinio::impl::access_req_connection(*asked));
  ours.number = asked->request_id();
  auto& record = *ours.connection;
  record.request_complete();
  home->totals->requests.fetch_add(1, std::memory_order_relaxed);
  const auto& header = asked->header();
  ours.head = header.method() == restinio::http_method_head();
  ours.old_client = header.http_major() == 1 && header.http_minor() == 0;
  ours.keep_alive = header.should_keep_alive() && !home->closing && home->handle;
  ours.openai = is_openai_path(request{asked.get()}.path());
  request question{asked.get()};
  // The request holds no pointer to itself, so the last responder frees the request.
  const responder reply{std::shared_ptr<void>{asked, asked.get()}};
  const auto form = error_form_of(ours);
  const auto refuse = [&](int status, std::string_view type, std::string_view detail) {
    reply.answer(status, error_media_type(form), error_body(status, type, detail, form));
    return restinio::request_accepted();
  };
  if (header.http_major() != 1) {
    ours.keep_alive = false;
    return refuse(505, "malformed", "This server speaks HTTP/1.1.");
  }
  if (!names_one_host(header, ours.old_client)) {
    ours.keep_alive = false;
    home->totals->malformed.fetch_add(1, std::memory_order_relaxed);
    return refuse(400, "malformed", "An HTTP/1.1 request carries exactly one Host field.");
  }
  if (!home->handle)
    return refuse(503, "draining", "The node is going down and takes no new tasks.");
  record.handling = true;
  try {
    home->handle(question, reply);
    record.handling = false;
  } catch (const std::exception&) {
    record.handling = false;
    // The message is not sent to the client, because it may hold internal details.
    return refuse(500, "internal", nobody_answered);
  }
  return restinio::request_accepted();
}

/// Before a close: unread bytes would reset the connection and lose the answer.
void drop_what_came(int socket) {
  (void)::shutdown(socket, SHUT_WR);
  std::array<char, 4096> dropped;
  for (int i = 0; i < 16 && ::recv(socket, dropped.data(), dropped.size(), MSG_DONTWAIT) > 0; ++i) {
  }
}

/// The acceptor and the periodic work of one loop.
struct gate : std::enable_shared_from_this<gate> {
  gate(std::shared_ptr<lane> place, std::shared_ptr<connection_settings> chosen)
      : home{std::move(place)},
        settings{std::move(chosen)},
        acceptor{home->io},
        pause{home->io},
        ticker{home->io} {}

  /// Throws boost::system::system_error.
  void open(const net::ip::address& address, std::uint16_t port, bool shared) {
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

  void accept() {
    acceptor.async_accept(
        home->io,
        [self = shared_from_this()](const boost::system::error_code& error, tcp::socket socket) {
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

  /// Without a free descriptor no client could get an answer, so one descriptor is reserved: a
  /// waiting client is accepted with it, gets a 503, and is closed.
  void turn_away() {
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

  void welcome(tcp::socket accepted) {
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
    lane_being_served = &home;
    try {
      std::make_shared<connection>(
          next_number++, guarded_socket{std::move(socket)}, settings, from,
          connection::lifetime_monitor_t{
              static_cast<restinio::connection_count_limits::noop_connection_count_limiter_t*>(
                  nullptr)})
          ->init();
    } catch (const std::exception&) {
      // RESTinio has closed its part of the connection.
    }
    lane_being_served = nullptr;
  }

  /// Sends a 503 to a connection over the limit, without blocking.
  void refuse(plain_socket socket) const;

  /// Every tick: sets the date and closes connections with slow headers.
  void tick() {
    ticker.expires_after(tick_time);
    ticker.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (error || self->ended) return;
      self->look_around();
      self->tick();
    });
  }

  void look_around() {
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

  static constexpr int listen_backlog = 4096;

  std::shared_ptr<lane> home;
  std::shared_ptr<connection_settings> settings;
  tcp::acceptor acceptor;
  net::steady_timer pause;
  net::steady_timer ticker;
  std::uint64_t next_number = 1;
  descriptor spare{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  std::vector<std::shared_ptr<connection_record>> slow;
  bool ended = false;
};

void gate::refuse(plain_socket socket) const {
  // A refused connection keeps its descriptor while it lingers, so the number is limited.
  const auto lingering_most = std::max<std::size_t>(home->options.connections / 16, 4);
  const auto text =
      last_words(503, "connections-full",
                 "This node has as many connections as it takes; retry later.", error_form::both);
  (void)::send(socket.native_handle(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (home->lingering < lingering_most) return linger(std::move(socket), home);
  drop_what_came(socket.native_handle());
}

/// Claims the address for this process. Loops share a port by SO_REUSEPORT, so a second node of the
/// same user could join silently and take half of the connections. A uniquely named abstract
/// socket, in the port's network namespace, prevents that while the process lives.
class address_claim {
public:
  address_claim() = default;
  ~address_claim() {
    if (fd_ >= 0) ::close(fd_);
  }
  address_claim(const address_claim&) = delete;
  address_claim& operator=(const address_claim&) = delete;

  /// False when another process holds the claim.
  bool take(const std::string& address_text, std::uint16_t port) {
    const auto name = "greenroom " + address_text + " " + std::to_string(port);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // A leading zero byte: an abstract name without a file.
    std::copy(name.begin(), name.end(), address.sun_path + 1);
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return true;
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    return ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size) == 0  // NOLINT
           || errno != EADDRINUSE;
  }

private:
  int fd_ = -1;
};

/// Throws boost::system::system_error when any process listens on the address.
void expect_free(net::io_context& io, const net::ip::address& address, std::uint16_t port) {
  if (port == 0) return;
  const tcp::endpoint where{address, port};
  tcp::acceptor alone{io};
  alone.open(where.protocol());
  alone.set_option(net::socket_base::reuse_address{true});
  alone.bind(where);
}

std::shared_ptr<connection_settings> settings_for(const std::shared_ptr<lane>& home) {
  const auto& chosen = home->options;
  restinio::server_settings_t<traits> settings;
  settings
      .request_handler(
          [home](std::shared_ptr<incoming> asked) { return take(home, std::move(asked)); })
      .buffer_size(8192)
      .incoming_http_msg_limits(restinio::incoming_http_msg_limits_t{}
                                    .max_url_size(chosen.url_bytes)
                                    .max_field_name_size(field_name_bytes)
                                    .max_field_value_size(chosen.header_bytes)
                                    .max_field_count(chosen.header_fields)
                                    .max_body_size(chosen.request_bytes))
      .read_next_http_message_timelimit(chosen.idle_timeout)
      .write_http_response_timelimit(chosen.write_timeout)
      // Tasks have their own timeouts.
      .handle_request_timeout(std::chrono::hours{24 * 365})
      // With a limit of one, RESTinio would notice a client's hang-up only after the answer.
      .max_pipelined_requests(std::max<std::size_t>(chosen.pipelined, 2))
      .logger();
  auto timers = restinio::asio_timer_manager_t::factory_t{}.create(home->io);
  auto parsing = restinio::impl::create_parser_settings<traits::http_methods_mapper_t>();
  // RESTinio does not store a request's version.
  parsing.on_headers_complete = [](http_parser* parser) {
    auto& header = static_cast<restinio::impl::http_parser_ctx_t*>(parser->data)->m_header;
    header.http_major(static_cast<std::uint16_t>(parser->http_major));
    header.http_minor(static_cast<std::uint16_t>(parser->http_minor));
    return restinio::impl::restinio_headers_complete_cb(parser);
  };
  return std::make_shared<connection_settings>(settings, parsing, std::move(timers));
}

}  // namespace

struct server::parts {
  std::shared_ptr<server_totals> totals = std::make_shared<server_totals>();
  std::vector<std::shared_ptr<gate>> gates;
  std::uint16_t port = 0;
  address_claim claim;

  /// Runs `what` on each gate's loop and waits, unless that loop has stopped.
  template <class F>
  void on_each(F what) {
    for (const auto& one : gates) {
      std::promise<void> done;
      auto ready = done.get_future();
      net::post(one->home->io, [&] {
        what(*one);
        done.set_value();
      });
      // A stopped loop runs no handlers, and drops posted ones.
      while (ready.wait_for(std::chrono::milliseconds{20}) != std::future_status::ready)
        if (one->home->io.stopped()) break;
    }
  }
};

server::server(std::unique_ptr<parts> inside) : parts_{std::move(inside)} {}

std::variant<std::unique_ptr<server>, std::string> server::start(engine& on,
                                                                 const server_options& options,
                                                                 handler handle) {
  boost::system::error_code error;
  const auto address =
      net::ip::make_address(options.address == "localhost" ? "127.0.0.1" : options.address, error);
  if (error) return "\"" + options.address + "\" is not an IP address to listen on";
  set_date(std::time(nullptr));
  auto inside = std::make_unique<parts>();
  inside->port = options.port;
  try {
    if (on.size() > 1) expect_free(on.loop(0), address, options.port);
    for (std::size_t i = 0; i < on.size(); ++i) {
      auto home = std::make_shared<lane>(on.loop(i), options, inside->totals);
      home->handle = handle;
      auto settings = settings_for(home);
      auto one = std::make_shared<gate>(std::move(home), std::move(settings));
      one->open(address, inside->port, on.size() > 1);
      inside->port = one->acceptor.local_endpoint().port();
      inside->gates.push_back(std::move(one));
      if (i == 0 && !inside->claim.take(address.to_string(), inside->port))
        throw boost::system::system_error{net::error::make_error_code(net::error::address_in_use)};
    }
  } catch (const boost::system::system_error& failed) {
    auto why = "cannot listen on " + options.address + ":" + std::to_string(options.port) + ": ";
    if (failed.code() == net::error::address_in_use)
      return why
             + "Address already in use: another node or another program listens there; stop it, or "
               "give this node another address with --listen";
    return why + failed.what();
  } catch (const std::exception& failed) {
    return "cannot listen on " + options.address + ":" + std::to_string(options.port) + ": "
           + failed.what();
  }
  inside->on_each([](gate& one) {
    one.accept();
    one.tick();
  });
  return std::unique_ptr<server>{new server{std::move(inside)}};
}

server::~server() { stop(); }

std::uint16_t server::port() const { return parts_->port; }

server_counters server::counters() const {
  const auto& all = *parts_->totals;
  const auto of_now = [](const auto& counter) { return counter.load(std::memory_order_relaxed); };
  return {of_now(all.connections), of_now(all.accepted),   of_now(all.requests),
          of_now(all.refused),     of_now(all.malformed),  of_now(all.timed_out),
          of_now(all.hung_up),     of_now(all.streams_cut)};
}

void server::stop_accepting() {
  parts_->on_each([](gate& one) {
    boost::system::error_code ignored;
    one.acceptor.close(ignored);
    one.home->closing = true;
    // An idle connection would only wait for its last request.
    std::vector<std::shared_ptr<connection_record>> all;
    for (const auto& [number, record] : one.home->records) all.push_back(record);
    for (const auto& record : all) record->leave_if_answered();
  });
}

void server::stop() {
  parts_->on_each([](gate& one) {
    boost::system::error_code ignored;
    one.acceptor.close(ignored);
    one.pause.cancel(ignored);
    one.ended = true;
    one.ticker.cancel(ignored);
    one.home->handle = nullptr;
    one.home->closing = true;
    std::vector<std::shared_ptr<connection_record>> all;
    for (const auto& [number, record] : one.home->records) all.push_back(record);
    for (const auto& record : all) {
      record->cut();
      record->closed(true);
    }
  });
  for (const auto& one : parts_->gates) one->home->ended.store(true, std::memory_order_release);
  parts_->gates.clear();
}

}  // namespace greenroom::machine::http
