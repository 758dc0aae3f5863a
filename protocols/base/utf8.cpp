#include "protocols/base/utf8.hpp"

#include <algorithm>

namespace greenroom::base {

std::uint32_t code_point(const char* at, std::size_t length) {
  const auto byte = [at](std::size_t index) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(at[index]));
  };
  if (length == 1) return byte(0);
  std::uint32_t point = byte(0) & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) point = point << 6U | (byte(i) & 0x3fU);
  return point;
}

std::size_t utf8_prefix(std::string_view text) {
  const char* const end = text.data() + text.size();
  const char* at = text.data();
  while (at != end) {
    const auto length = utf8_length(at, end);
    if (length == 0) break;
    at += length;
  }
  return static_cast<std::size_t>(at - text.data());
}

bool is_utf8(std::string_view text) { return utf8_prefix(text) == text.size(); }

std::string_view utf8_cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  // A sequence has at most three bytes after the first one.
  for (std::size_t back = 0; back < 4 && back <= most; ++back) {
    const auto at = most - back;
    if ((static_cast<unsigned char>(text[at]) & 0xc0U) != 0x80) return text.substr(0, at);
  }
  return text.substr(0, most);
}

std::string mend_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at != end;) {
    const auto length = utf8_length(at, end);
    if (length == 0)
      result += replacement_character;
    else
      result.append(at, length);
    at += std::max<std::size_t>(length, 1);
  }
  return result;
}

void append_utf8(std::string& out, std::uint32_t point) {
  const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0 | point >> 6);
    put(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    put(0xe0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3f));
    put(0x80 | (point & 0x3f));
  } else {
    put(0xf0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3f));
    put(0x80 | (point >> 6 & 0x3f));
    put(0x80 | (point & 0x3f));
  }
}

}  // namespace greenroom::base
