// Who listens on a TCP port of this machine, as /proc tells it.
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

/// The sockets in the text of /proc/net/tcp or /proc/net/tcp6 that listen on `port`. Reads only as
/// far as the listening ones, which stand first.
[[nodiscard]] std::vector<listening_socket> listeners_in(std::string_view text, std::uint16_t port);

/// The sockets that a connection to `address` would reach: those of this very address, and where
/// there is none, those of all addresses. Takes some 50 us.
[[nodiscard]] std::vector<listening_socket> listeners_at(const boost::asio::ip::address& address,
                                                         std::uint16_t port);

/// The environment variable by which the processes of one start of a worker know each other.
constexpr const char* instance_variable = "GREENROOM_WORKER_INSTANCE";

/// Whether sockets belong to a child of this process.
struct listener_finding {
  bool own = false;
  int pid = 0;          ///< Of the first that is not its: a process that holds it, 0: not known.
  std::string program;  ///< What that process is called; may be empty.
  unsigned user = 0;    ///< Whose socket it is.
};
/// A socket is the child's when a process holds it that is the child, in its process group, below
/// it, or has `instance` in its environment. Looks through /proc: blocks for some milliseconds.
[[nodiscard]] listener_finding whose(const std::vector<listening_socket>& sockets, int child,
                                     std::string_view instance);

}  // namespace greenroom::machine
