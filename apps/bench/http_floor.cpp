#include "apps/bench/http_floor.hpp"

// Boost.Asio 1.74 uses std::exchange without including this.
#include <utility>

#include <restinio/all.hpp>

#include <thread>

namespace greenroom::bench {

namespace {

using traits =
    restinio::single_thread_traits_t<restinio::asio_timer_manager_t, restinio::null_logger_t>;

/// A free port. If another process takes it first, the benchmark fails with an error.
std::uint16_t free_port() {
  namespace asio = restinio::asio_ns;
  asio::io_context context;
  asio::ip::tcp::acceptor probe{context, {asio::ip::make_address("127.0.0.1"), 0}};
  return probe.local_endpoint().port();
}

}  // namespace

struct http_echo::parts {
  std::uint16_t port = free_port();
  restinio::running_server_handle_t<traits> server;
};

http_echo::http_echo() : parts_{std::make_unique<parts>()} {
  parts_->server =
      restinio::run_async<traits>(restinio::own_io_context(),
                                  restinio::server_settings_t<traits>{}
                                      .port(parts_->port)
                                      .address("127.0.0.1")
                                      .request_handler([](const restinio::request_handle_t& asked) {
                                        return asked->create_response()
                                            .append_header("Content-Type", "application/json")
                                            .set_body(asked->body())
                                            .done();
                                      }),
                                  1);
}

http_echo::~http_echo() = default;

std::uint16_t http_echo::port() const { return parts_->port; }

}  // namespace greenroom::bench
