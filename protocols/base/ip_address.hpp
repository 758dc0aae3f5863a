// IP addresses as bytes, for comparing them however they are written.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace greenroom::base {

/// Of either family; an IPv4 address is kept as the IPv6 address that stands for it, ::ffff:a.b.c.d
/// (RFC 4291, section 2.5.5.2).
struct ip_address {
  std::array<std::uint8_t, 16> bytes{};

  [[nodiscard]] bool is_ipv4() const;
  [[nodiscard]] bool is_loopback() const;     ///< 127.0.0.0/8 or ::1
  [[nodiscard]] bool is_unspecified() const;  ///< 0.0.0.0 or ::
  friend bool operator==(const ip_address&, const ip_address&) = default;
};

/// Four decimal numbers, or RFC 4291's text of an IPv6 address, without brackets. A zone (`%eth0`)
/// is of this machine only and is left out. Nothing for the forms that some parsers take, such as
/// 127.1 or 0x7f.0.0.1: browsers and clients write them out before they send them.
[[nodiscard]] std::optional<ip_address> parse_ip_address(std::string_view text);

}  // namespace greenroom::base
