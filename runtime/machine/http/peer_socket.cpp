#include "runtime/machine/http/peer_socket.hpp"

#include "runtime/machine/process/descriptor.hpp"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <optional>

namespace greenroom::machine::http {

namespace {

struct side {
  std::array<std::uint32_t, 4> address{};  ///< In network order; IPv4 uses the first element.
  std::uint16_t port = 0;                  ///< In network order.
  std::uint8_t family = 0;
};

/// An end's address; a mapped IPv4 address counts as IPv4.
std::optional<side> side_in(const sockaddr_storage& from) {
  side result;
  if (from.ss_family == AF_INET) {
    const auto& four = reinterpret_cast<const sockaddr_in&>(from);
    result.family = AF_INET;
    result.port = four.sin_port;
    result.address[0] = four.sin_addr.s_addr;
    return result;
  }
  if (from.ss_family != AF_INET6) return std::nullopt;
  const auto& six = reinterpret_cast<const sockaddr_in6&>(from);
  result.port = six.sin6_port;
  std::memcpy(result.address.data(), &six.sin6_addr, sizeof six.sin6_addr);
  result.family = AF_INET6;
  if (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) {
    result.family = AF_INET;
    result.address = {result.address[3], 0, 0, 0};
  }
  return result;
}

bool is_loopback(const side& one) {
  if (one.family == AF_INET) return (ntohl(one.address[0]) >> 24U) == 127;
  return one.address[0] == 0 && one.address[1] == 0 && one.address[2] == 0
         && ntohl(one.address[3]) == 1;
}

/// Returns the inode of the socket at `from` that is connected to `to`: 0 when no process has the
/// socket open, nothing when there is none or the kernel does not tell.
std::optional<std::uint32_t> inode_of(const descriptor& kernel, const side& from, const side& to) {
  struct {
    nlmsghdr head;
    inet_diag_req_v2 body;
  } ask{};
  ask.head.nlmsg_len = sizeof ask;
  ask.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  ask.head.nlmsg_flags = NLM_F_REQUEST;
  ask.body.sdiag_family = from.family;
  ask.body.sdiag_protocol = IPPROTO_TCP;
  ask.body.idiag_states = ~0U;
  ask.body.id.idiag_sport = from.port;
  ask.body.id.idiag_dport = to.port;
  std::memcpy(ask.body.id.idiag_src, from.address.data(), sizeof from.address);
  std::memcpy(ask.body.id.idiag_dst, to.address.data(), sizeof to.address);
  ask.body.id.idiag_cookie[0] = ask.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  if (::send(kernel.number(), &ask, sizeof ask, MSG_DONTWAIT) != sizeof ask) return std::nullopt;
  alignas(nlmsghdr) std::array<char, 4096> room{};
  const auto length = ::recv(kernel.number(), room.data(), room.size(), MSG_DONTWAIT);
  nlmsghdr head{};
  inet_diag_msg told{};
  if (length < static_cast<ssize_t>(sizeof head + sizeof told)) return std::nullopt;
  std::memcpy(&head, room.data(), sizeof head);
  if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY) return std::nullopt;
  std::memcpy(&told, room.data() + sizeof head, sizeof told);
  return told.idiag_inode;
}

}  // namespace

peer_state peer_of(int socket) {
  sockaddr_storage here{}, there{};
  socklen_t here_size = sizeof here, there_size = sizeof there;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&here), &here_size) != 0
      || ::getpeername(socket, reinterpret_cast<sockaddr*>(&there), &there_size) != 0)
    return peer_state::gone;
  const auto own = side_in(here), other = side_in(there);
  if (!own || !other || (!is_loopback(*other) && own->address != other->address))
    return peer_state::unknown;
  const descriptor kernel{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)};
  if (!kernel) return peer_state::unknown;
  if (const auto inode = inode_of(kernel, *other, *own))
    return *inode != 0 ? peer_state::there : peer_state::gone;
  // Either the peer is gone, or the kernel does not support the query.
  return inode_of(kernel, *own, *other) ? peer_state::gone : peer_state::unknown;
}

}  // namespace greenroom::machine::http
