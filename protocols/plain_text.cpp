#include "protocols/plain_text.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace greenroom::protocols {
namespace {

struct code_point {
  std::uint32_t value = 0;
  std::size_t bytes = 0;  ///< 0: not UTF-8.
};

/// RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF.
code_point code_point_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const auto first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || at + length > text.size()) return {};
  std::uint32_t value = first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return {};
    value = value << 6U | (byte(i) & 0x3FU);
  }
  constexpr std::array<std::uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  if (value < least[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
  return {value, length};
}

bool is_shown(std::uint32_t value, line_ends ends) {
  if (value == '\n' || value == '\t') return ends == line_ends::keep;
  if (value < 0x20 || (value >= 0x7F && value <= 0x9F)) return false;
  if (value < 0x2028) return value != 0x200E && value != 0x200F && value != 0x061C;
  return value > 0x202E && (value < 0x2066 || value > 0x2069);
}

void append_escape(std::string& to, std::uint32_t value) {
  if (value == '\n') {
    to += "\\n";
  } else if (value == '\t') {
    to += "\\t";
  } else {
    constexpr std::string_view digits = "0123456789abcdef";
    to += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) to += digits[value >> unsigned(shift) & 0xFU];
  }
}

}  // namespace

bool is_plain_text(std::string_view text, line_ends ends) {
  for (std::size_t at = 0; at < text.size();) {
    const auto next = code_point_at(text, at);
    if (next.bytes == 0 || !is_shown(next.value, ends)) return false;
    at += next.bytes;
  }
  return true;
}

std::string plain_text(std::string_view text, line_ends ends) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto next = code_point_at(text, at);
    if (next.bytes == 0) {
      result += "\xEF\xBF\xBD";
      ++at;
      continue;
    }
    if (is_shown(next.value, ends))
      result.append(text, at, next.bytes);
    else
      append_escape(result, next.value);
    at += next.bytes;
  }
  return result;
}

std::string_view whole_letters(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0U) == 0x80U) --most;
  return text.substr(0, most);
}

std::string clipped(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string{text};
  const auto note = "… [truncated, " + std::to_string(text.size()) + " bytes]";
  std::string result{whole_letters(text, most > note.size() ? most - note.size() : 0)};
  return result + note;
}

}  // namespace greenroom::protocols
