// UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing beyond U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace greenroom::base {

/// U+FFFD, which stands for bytes that are not UTF-8.
inline constexpr std::string_view replacement_character = "\xef\xbf\xbd";

/// The number of bytes of the UTF-8 sequence at `at`, or 0 when there is no valid one.
/// @pre at != end
[[nodiscard]] inline std::size_t utf8_length(const char* at, const char* end) {
  const auto byte = [at](std::size_t index) { return static_cast<unsigned char>(at[index]); };
  const auto left = static_cast<std::size_t>(end - at);
  const auto follows = [&](std::size_t index, unsigned low, unsigned high) {
    return index < left && byte(index) >= low && byte(index) <= high;
  };
  const auto first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1, 0x80, 0xbf) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const unsigned low = first == 0xe0 ? 0xa0 : 0x80;
    const unsigned high = first == 0xed ? 0x9f : 0xbf;
    return follows(1, low, high) && follows(2, 0x80, 0xbf) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const unsigned low = first == 0xf0 ? 0x90 : 0x80;
    const unsigned high = first == 0xf4 ? 0x8f : 0xbf;
    return follows(1, low, high) && follows(2, 0x80, 0xbf) && follows(3, 0x80, 0xbf) ? 4 : 0;
  }
  return 0;
}

/// The code point of the valid sequence of `length` bytes at `at`.
[[nodiscard]] std::uint32_t code_point(const char* at, std::size_t length);

/// How many bytes at the beginning of `text` are UTF-8.
[[nodiscard]] std::size_t utf8_prefix(std::string_view text);
[[nodiscard]] bool is_utf8(std::string_view text);

/// The first `most` bytes of `text`, or a few less: a sequence is not cut in the middle.
[[nodiscard]] std::string_view utf8_cut(std::string_view text, std::size_t most);

/// `text` with U+FFFD in the place of each byte that is not UTF-8.
[[nodiscard]] std::string mend_utf8(std::string_view text);

/// Appends a code point as UTF-8. @pre point <= 0x10ffff
void append_utf8(std::string& out, std::uint32_t point);

/// The units of UTF-16 that JSON writes as `\uXXXX`: a character beyond U+FFFF is two of them.
[[nodiscard]] constexpr bool is_high_surrogate(std::uint32_t unit) {
  return unit >= 0xd800 && unit <= 0xdbff;
}
[[nodiscard]] constexpr bool is_low_surrogate(std::uint32_t unit) {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
[[nodiscard]] constexpr std::uint32_t joined_surrogates(std::uint32_t high, std::uint32_t low) {
  return 0x10000 + ((high - 0xd800) << 10U) + (low - 0xdc00);
}

}  // namespace greenroom::base
