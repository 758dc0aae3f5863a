#include "runtime/machine/http/server.hpp"

#include "runtime/machine/http/address_claim.hpp"
#include "runtime/machine/http/connection_record.hpp"
#include "runtime/machine/http/listener.hpp"
#include "runtime/machine/http/response_head.hpp"
#include "runtime/machine/http/restinio_connection.hpp"

#include <boost/asio/post.hpp>

#include <chrono>
#include <cstddef>
#include <ctime>
#include <future>
#include <string>
#include <utility>
#include <vector>

namespace greenroom::machine::http {

namespace net = boost::asio;

namespace {

struct server_parts {
  std::shared_ptr<server_totals> totals = std::make_shared<server_totals>();
  std::vector<std::shared_ptr<listener>> listeners;
  std::uint16_t port = 0;
  address_claim claim;

  /// Runs `what` on each listener's loop and waits, unless that loop has stopped.
  template <class F>
  void on_each(F what) {
    for (const auto& one : listeners) {
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

}  // namespace

struct server::parts : server_parts {};

server::server(std::unique_ptr<parts> inside) : parts_{std::move(inside)} {}

namespace {

/// One acceptor for each loop, all at the same address. Throws boost::system::system_error.
void open_listeners(engine& on, const server_options& options, const net::ip::address& address,
                    const request_handler& handle, server_parts& inside) {
  inside.port = options.port;
  if (on.size() > 1) expect_free(on.loop(0), address, options.port);
  for (std::size_t i = 0; i < on.size(); ++i) {
    auto home = std::make_shared<lane>(on.loop(i), options, inside.totals);
    home->handle = handle;
    auto settings = settings_for(home);
    auto one = std::make_shared<listener>(std::move(home), std::move(settings));
    one->open(address, inside.port, on.size() > 1);
    inside.port = one->acceptor.local_endpoint().port();
    inside.listeners.push_back(std::move(one));
    if (i == 0 && !inside.claim.take(address.to_string(), inside.port))
      throw boost::system::system_error{net::error::make_error_code(net::error::address_in_use)};
  }
}

}  // namespace

base::expected<std::unique_ptr<server>> server::start(engine& on, const server_options& options,
                                                      handler handle) {
  boost::system::error_code error;
  const auto address =
      net::ip::make_address(options.address == "localhost" ? "127.0.0.1" : options.address, error);
  if (error)
    return base::problem{"address",
                         "\"" + options.address + "\" is not an IP address to listen on"};
  set_date(std::time(nullptr));
  auto inside = std::make_unique<parts>();
  const auto why =
      "cannot listen on " + options.address + ":" + std::to_string(options.port) + ": ";
  try {
    open_listeners(on, options, address, handle, *inside);
  } catch (const boost::system::system_error& failed) {
    if (failed.code() == net::error::address_in_use)
      return base::problem{"in-use",
                           why
                               + "Address already in use: another node or another program listens "
                                 "there; stop it, or give this node another address with --listen"};
    return base::problem{"address", why + failed.what()};
  } catch (const std::exception& failed) {
    return base::problem{"address", why + failed.what()};
  }
  inside->on_each([](listener& one) {
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
  parts_->on_each([](listener& one) {
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
  parts_->on_each([](listener& one) {
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
  for (const auto& one : parts_->listeners) one->home->ended.store(true, std::memory_order_release);
  parts_->listeners.clear();
}

}  // namespace greenroom::machine::http
