// Accepts the connections of one loop.
#pragma once

#include "runtime/machine/http/connection_record.hpp"
#include "runtime/machine/http/restinio_connection.hpp"
#include "runtime/machine/process/descriptor.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <fcntl.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace greenroom::machine::http {

/// The acceptor and the periodic work of one loop.
struct listener : std::enable_shared_from_this<listener> {
  listener(std::shared_ptr<lane> place, std::shared_ptr<connection_settings> chosen)
      : home{std::move(place)},
        settings{std::move(chosen)},
        acceptor{home->io},
        pause{home->io},
        ticker{home->io} {}

  /// Throws boost::system::system_error.
  void open(const boost::asio::ip::address& address, std::uint16_t port, bool shared);

  void accept();

  /// Without a free descriptor no client could get an answer, so one descriptor is reserved: a
  /// waiting client is accepted with it, gets a 503, and is closed.
  void turn_away();

  void welcome(boost::asio::ip::tcp::socket accepted);

  /// Sends a 503 to a connection over the limit, without blocking.
  void refuse(plain_socket socket) const;

  /// Every tick: sets the date and closes connections with slow headers.
  void tick();

  void look_around();

  static constexpr int listen_backlog = 4096;

  std::shared_ptr<lane> home;
  std::shared_ptr<connection_settings> settings;
  boost::asio::ip::tcp::acceptor acceptor;
  boost::asio::steady_timer pause;
  boost::asio::steady_timer ticker;
  std::uint64_t next_number = 1;
  descriptor spare{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  std::vector<std::shared_ptr<connection_record>> slow;
  bool ended = false;
};

}  // namespace greenroom::machine::http
