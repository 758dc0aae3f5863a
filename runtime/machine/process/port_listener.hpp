// Finds the processes that listen on a TCP port of this machine, from /proc.
#pragma once

#include <boost/asio/ip/address.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::machine {

struct listening_socket {
  boost::asio::ip::address address;
  std::uint16_t port = 0;
  unsigned user = 0;
  std::uint64_t inode = 0;
};

/// Returns the sockets that listen on `port`, from the text of /proc/net/tcp or /proc/net/tcp6.
/// Stops after the listening sockets, which come first.
[[nodiscard]] std::vector<listening_socket> listeners_in(std::string_view text, std::uint16_t port);

/// Returns the sockets that a connection to `address` would reach: those bound to this address, or
/// else those bound to all addresses. Takes some 50 µs.
[[nodiscard]] std::vector<listening_socket> listeners_at(const boost::asio::ip::address& address,
                                                         std::uint16_t port);

/// The environment variable that is common to all processes of one start of a worker.
constexpr const char* instance_variable = "GREENROOM_WORKER_INSTANCE";

/// The result of `whose`: whether the sockets belong to a child of this process.
struct listener_finding {
  bool own = false;
  int pid = 0;          ///< A process that holds the first foreign socket; 0: not known.
  std::string program;  ///< That process's name; may be empty.
  unsigned user = 0;    ///< The socket's user.
};
/// A socket belongs to the child if a holder is the child, is in the child's process group, is a
/// descendant of the child, or has `instance` in its environment. Reads /proc: blocks for some
/// milliseconds.
[[nodiscard]] listener_finding whose(const std::vector<listening_socket>& sockets, int child,
                                     std::string_view instance);

}  // namespace greenroom::machine
