// Texts inside the small JSON documents that actors write.
#pragma once

#include <string>
#include <string_view>

namespace greenroom::actors {

/// `text` as a JSON string, quotes included. Bytes of UTF-8 go through as they are.
inline std::string json_text(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      constexpr std::string_view digits = "0123456789abcdef";
      result += "\\u00";
      result += digits[static_cast<unsigned char>(c) >> 4];
      result += digits[static_cast<unsigned char>(c) & 0xf];
    } else {
      result += c;
    }
  }
  return result + '"';
}

}  // namespace greenroom::actors
