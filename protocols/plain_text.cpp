#include "protocols/plain_text.hpp"

#include "protocols/base/hex.hpp"
#include "protocols/base/utf8.hpp"

#include <cstdint>

namespace greenroom::protocols {
namespace {

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
    to += "\\u";
    base::append_hex(to, static_cast<unsigned char>(value >> 8U));
    base::append_hex(to, static_cast<unsigned char>(value & 0xFFU));
  }
}

}  // namespace

bool is_plain_text(std::string_view text, line_ends ends) {
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at != end;) {
    const auto length = base::utf8_length(at, end);
    if (length == 0 || !is_shown(base::code_point(at, length), ends)) return false;
    at += length;
  }
  return true;
}

std::string plain_text(std::string_view text, line_ends ends) {
  std::string result;
  result.reserve(text.size());
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at != end;) {
    const auto length = base::utf8_length(at, end);
    if (length == 0) {
      result += base::replacement_character;
      ++at;
      continue;
    }
    const auto point = base::code_point(at, length);
    if (is_shown(point, ends))
      result.append(at, length);
    else
      append_escape(result, point);
    at += length;
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
