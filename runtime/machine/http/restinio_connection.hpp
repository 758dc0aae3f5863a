// RESTinio's connections on this server's sockets. RESTinio's `impl::connection_t` is used because
// RESTinio's public server owns its acceptor, which (0.6) stops accepting for good after one failed
// accept (no file descriptor left) and cannot refuse a connection with an answer.
#pragma once

#include "runtime/machine/http/connection_record.hpp"
#include "runtime/machine/http/exchange.hpp"

#include <restinio/all.hpp>

#include <cstdint>
#include <functional>
#include <memory>

namespace greenroom::machine::http {

struct connection_traits
    : restinio::traits_t<
          restinio::asio_timer_manager_t, restinio::null_logger_t,
          std::function<restinio::request_handling_status_t(std::shared_ptr<incoming>)>,
          boost::asio::io_context::executor_type, guarded_socket> {
  using extra_data_factory_t = exchange_factory;
};
using connection_settings = restinio::impl::connection_settings_t<connection_traits>;

/// The settings of one loop's connections.
[[nodiscard]] std::shared_ptr<connection_settings> settings_for(const std::shared_ptr<lane>& home);

/// Begins to serve the socket. The connection lives until it closes.
void begin_connection(std::uint64_t number, plain_socket socket,
                      const std::shared_ptr<connection_settings>& settings,
                      const boost::asio::ip::tcp::endpoint& from,
                      const std::shared_ptr<lane>& home);

}  // namespace greenroom::machine::http
