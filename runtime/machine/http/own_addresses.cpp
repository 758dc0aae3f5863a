#include "runtime/machine/http/own_addresses.hpp"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstring>

namespace greenroom::machine::http {

bool own_addresses::contain(const std::array<std::uint8_t, 16>& address) {
  const std::lock_guard lock{mutex_};
  const auto found = [&] {
    return std::find(known_.begin(), known_.end(), address) != known_.end();
  };
  if (found()) return true;
  const auto now_s = std::chrono::duration_cast<std::chrono::seconds>(
                         std::chrono::steady_clock::now().time_since_epoch())
                         .count();
  if (now_s == read_s_) return false;
  read_s_ = now_s;
  read();
  return found();
}

void own_addresses::read() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return;
  known_.clear();
  for (const auto* at = first; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr) continue;
    std::array<std::uint8_t, 16> bytes{};
    if (at->ifa_addr->sa_family == AF_INET) {
      sockaddr_in four{};
      std::memcpy(&four, at->ifa_addr, sizeof four);
      bytes[10] = bytes[11] = 0xff;
      std::memcpy(&bytes[12], &four.sin_addr, 4);
    } else if (at->ifa_addr->sa_family == AF_INET6) {
      sockaddr_in6 six{};
      std::memcpy(&six, at->ifa_addr, sizeof six);
      std::memcpy(bytes.data(), &six.sin6_addr, bytes.size());
    } else {
      continue;
    }
    known_.push_back(bytes);
  }
  ::freeifaddrs(first);
}

}  // namespace greenroom::machine::http
