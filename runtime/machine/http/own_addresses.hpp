// This machine's addresses.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <vector>

namespace greenroom::machine::http {

/// Addresses of 16 bytes, IPv4 as mapped IPv6 addresses. Any thread. For an unknown address the
/// list is read again, at most once a second, because interfaces change.
class own_addresses {
public:
  [[nodiscard]] bool contain(const std::array<std::uint8_t, 16>& address);

private:
  void read();

  std::mutex mutex_;
  std::vector<std::array<std::uint8_t, 16>> known_;
  std::int64_t read_s_ = -1;  ///< Seconds of the steady clock.
};

}  // namespace greenroom::machine::http
