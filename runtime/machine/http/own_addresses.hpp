// The addresses of this machine.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <vector>

namespace greenroom::machine::http {

/// As 16 bytes, IPv4 ones as IPv6 addresses that stand for them. Any thread. They are read again
/// when one is asked for that is not among them, at most once a second: interfaces come and go.
class own_addresses {
public:
  [[nodiscard]] bool contain(const std::array<std::uint8_t, 16>& address);

private:
  void read();

  std::mutex mutex_;
  std::vector<std::array<std::uint8_t, 16>> known_;
  std::int64_t read_s_ = -1;  ///< Steady clock.
};

}  // namespace greenroom::machine::http
