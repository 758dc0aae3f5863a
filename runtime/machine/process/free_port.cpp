#include "runtime/machine/process/free_port.hpp"

#include "runtime/machine/process/descriptor.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <mutex>
#include <set>

namespace greenroom::machine {

namespace {

std::mutex ports_mutex;
std::set<std::uint16_t>& ports_given() {
  static std::set<std::uint16_t> all;
  return all;
}

/// Binds to `port` on all IPv4 or IPv6 addresses; 0: the kernel chooses. Returns the port, or 0 on
/// failure.
std::uint16_t bindable(int family, std::uint16_t port) {
  const descriptor probe{::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (probe.number() < 0) return 0;
  const int on = 1;
  sockaddr_storage here{};
  socklen_t size = 0;
  if (family == AF_INET6) {
    ::setsockopt(probe.number(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    auto& to = reinterpret_cast<sockaddr_in6&>(here);
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(port);
    size = sizeof to;
  } else {
    auto& to = reinterpret_cast<sockaddr_in&>(here);
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    size = sizeof to;
  }
  if (::bind(probe.number(), reinterpret_cast<const sockaddr*>(&here), size) != 0) return 0;
  if (::getsockname(probe.number(), reinterpret_cast<sockaddr*>(&here), &size) != 0) return 0;
  return ntohs(family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(here).sin6_port
                                  : reinterpret_cast<const sockaddr_in&>(here).sin_port);
}

bool has_ipv6() {
  const descriptor probe{::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  return probe.number() >= 0;
}

}  // namespace

std::unique_ptr<free_port> free_port::take() {
  const bool both = has_ipv6();
  const std::lock_guard lock{ports_mutex};
  constexpr int tries = 100;
  for (int i = 0; i < tries; ++i) {
    const auto port = bindable(AF_INET, 0);
    if (port == 0) return nullptr;
    if (both && bindable(AF_INET6, port) == 0) continue;
    if (!ports_given().insert(port).second) continue;
    return std::unique_ptr<free_port>{new free_port{port}};
  }
  return nullptr;
}

free_port::~free_port() {
  const std::lock_guard lock{ports_mutex};
  ports_given().erase(number_);
}

}  // namespace greenroom::machine
