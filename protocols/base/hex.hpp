// Hexadecimal digits, lower case.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace greenroom::base {

inline constexpr std::string_view hex_digits = "0123456789abcdef";

inline void append_hex(std::string& to, unsigned char byte) {
  to.push_back(hex_digits[byte >> 4U]);
  to.push_back(hex_digits[byte & 15U]);
}

/// All 16 digits of `value`.
inline void append_hex(std::string& to, std::uint64_t value) {
  for (int shift = 60; shift >= 0; shift -= 4)
    to.push_back(hex_digits[value >> static_cast<unsigned>(shift) & 15U]);
}

[[nodiscard]] inline std::string to_hex(std::uint64_t value) {
  std::string result;
  append_hex(result, value);
  return result;
}

[[nodiscard]] inline std::string to_hex(std::span<const unsigned char> bytes) {
  std::string result;
  result.reserve(2 * bytes.size());
  for (const auto byte : bytes) append_hex(result, byte);
  return result;
}

}  // namespace greenroom::base
