// IP addresses as bytes, for comparison independent of spelling.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace greenroom::base {

/// An IPv4 address is stored as its IPv4-mapped IPv6 address ::ffff:a.b.c.d (RFC 4291, section
/// 2.5.5.2).
struct ip_address {
  std::array<std::uint8_t, 16> bytes{};

  [[nodiscard]] bool is_ipv4() const;
  [[nodiscard]] bool is_loopback() const;     ///< 127.0.0.0/8 or ::1
  [[nodiscard]] bool is_unspecified() const;  ///< 0.0.0.0 or ::
  friend bool operator==(const ip_address&, const ip_address&) = default;
};

/// Four decimal numbers, or an IPv6 address as in RFC 4291, without brackets. A zone (`%eth0`) is
/// local to this machine and is dropped. Nothing for short forms such as 127.1 or 0x7f.0.0.1:
/// browsers and clients normalise these before sending.
[[nodiscard]] std::optional<ip_address> parse_ip_address(std::string_view text);

}  // namespace greenroom::base
