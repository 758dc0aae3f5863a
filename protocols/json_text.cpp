#include "protocols/json_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace greenroom::protocols {
namespace {

using scanner = json_scanner<json_deaf>;

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

constexpr std::string_view replacement = "\xef\xbf\xbd";

bool is_high(std::uint32_t unit) { return unit >= 0xd800 && unit <= 0xdbff; }
bool is_low(std::uint32_t unit) { return unit >= 0xdc00 && unit <= 0xdfff; }

std::uint32_t unit_at(std::string_view raw, std::size_t at) {
  std::uint32_t result = 0;
  for (const char letter : raw.substr(std::min(at, raw.size()), 4)) {
    const auto byte = static_cast<std::uint32_t>(static_cast<unsigned char>(letter));
    result = result * 16 + (byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10);
  }
  return result;
}

void append_escaped(std::string& out, unsigned char letter) {
  constexpr char hex[] = "0123456789abcdef";
  switch (letter) {
    case '"': out += "\\\""; break;
    case '\\': out += "\\\\"; break;
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    case '\b': out += "\\b"; break;
    case '\f': out += "\\f"; break;
    default:
      out += "\\u00";
      out.push_back(hex[letter >> 4]);
      out.push_back(hex[letter & 15]);
  }
}

/// Appends `text` escaped. Stops at invalid UTF-8 unless `replace` is set.
bool append_quoted(std::string& out, std::string_view text, bool replace) {
  out.push_back('"');
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    const char* const plain = at;
    while (end - at >= 8 && scanner::eight_plain(at)) at += 8;
    while (at != end) {
      const auto letter = static_cast<unsigned char>(*at);
      if (letter < 0x20 || letter == '"' || letter == '\\' || letter >= 0x80) break;
      ++at;
    }
    out.append(plain, at);
    if (at == end) break;
    const auto letter = static_cast<unsigned char>(*at);
    if (letter < 0x80) {
      append_escaped(out, letter);
      ++at;
    } else if (const auto length = scanner::utf8_length(at, end); length != 0) {
      out.append(at, length);
      at += length;
    } else if (replace) {
      out += replacement;
      ++at;
    } else {
      return false;
    }
  }
  out.push_back('"');
  return true;
}

}  // namespace

bool is_json(std::string_view text, int depth_max) {
  json_deaf nobody;
  scanner scan{text, nobody};
  scan.skip_space();
  if (!scan.value(depth_max) || scan.has_halves()) return false;
  scan.skip_space();
  return scan.at_end();
}

bool make_json(std::string& text, int depth_max) {
  json_deaf nobody;
  scanner scan{text, nobody};
  scan.skip_space();
  if (!scan.value(depth_max)) return false;
  scan.skip_space();
  if (!scan.at_end()) return false;
  if (scan.has_halves()) mend_halves(text);
  return true;
}

void mend_halves(std::string& json) {
  for (auto at = json.find('\\'); at < json.size(); at = json.find('\\', at)) {
    at += 2;
    if (at > json.size() || json[at - 1] != 'u') continue;
    const auto unit = unit_at(json, at);
    at += 4;
    if (!is_high(unit) && !is_low(unit)) continue;
    if (is_high(unit) && json.compare(at, 2, "\\u") == 0 && is_low(unit_at(json, at + 2)))
      at += 6;
    else
      json.replace(at - 4, 4, "fffd");
  }
}

std::string mend_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at != end;) {
    const std::size_t length =
        static_cast<unsigned char>(*at) < 0x80 ? 1 : scanner::utf8_length(at, end);
    if (length == 0)
      result += replacement;
    else
      result.append(at, length);
    at += std::max<std::size_t>(length, 1);
  }
  return result;
}

bool beyond_double(std::string_view number) {
  // The largest double has 309 digits.
  constexpr std::size_t surely_fits = 308;
  if (number.size() <= surely_fits && number.find_first_of("eE") == std::string_view::npos)
    return false;
  double value = 0;
  if (std::from_chars(number.data(), number.data() + number.size(), value).ec == std::errc{})
    return false;
  return !std::isfinite(std::strtod(std::string{number}.c_str(), nullptr));
}

std::string_view number_beyond_double(std::string_view json) {
  struct number_watch : json_deaf {
    std::string_view found;
    void number(std::string_view raw, bool) {
      if (found.empty() && beyond_double(raw)) found = raw;
    }
  } watch;
  json_scanner<number_watch> scan{json, watch};
  scan.skip_space();
  static_cast<void>(scan.value(json_depth_max));
  return watch.found;
}

std::string_view unescape(std::string_view raw, std::string& room) {
  auto slash = raw.find('\\');
  if (slash == std::string_view::npos) return raw;
  room.assign(raw.substr(0, slash));
  for (std::size_t at = slash; at < raw.size();) {
    if (raw[at] != '\\') {
      const auto next = std::min(raw.find('\\', at), raw.size());
      room.append(raw.substr(at, next - at));
      at = next;
      continue;
    }
    const char kind = raw[at + 1];
    at += 2;
    switch (kind) {
      case 'b': room.push_back('\b'); break;
      case 'f': room.push_back('\f'); break;
      case 'n': room.push_back('\n'); break;
      case 'r': room.push_back('\r'); break;
      case 't': room.push_back('\t'); break;
      case 'u': {
        auto point = unit_at(raw, at);
        at += 4;
        const bool pair = is_high(point) && raw.substr(std::min(at, raw.size()), 2) == "\\u"
                          && is_low(unit_at(raw, at + 2));
        if (pair) {
          point = 0x10000 + ((point - 0xd800) << 10) + (unit_at(raw, at + 2) - 0xdc00);
          at += 6;
        } else if (is_high(point) || is_low(point)) {
          point = 0xfffd;
        }
        append_utf8(room, point);
        break;
      }
      default: room.push_back(kind);
    }
  }
  return room;
}

bool string_value(std::string_view value, std::string& room, std::string_view& out) {
  if (value.size() < 2 || value.front() != '"') return false;
  out = unescape(value.substr(1, value.size() - 2), room);
  return true;
}

bool append_json_string(std::string& out, std::string_view text) {
  const auto before = out.size();
  if (append_quoted(out, text, false)) return true;
  out.resize(before);
  return false;
}

std::string json_string_of_any(std::string_view text) {
  std::string result;
  result.reserve(text.size() + 2);
  append_quoted(result, text, true);
  return result;
}

void append_one_line(std::string& out, std::string_view json) {
  const auto from = out.size();
  out.append(json);
  if (std::memchr(json.data(), '\n', json.size()) || std::memchr(json.data(), '\r', json.size()))
    std::replace_if(
        out.begin() + static_cast<std::ptrdiff_t>(from), out.end(),
        [](char letter) { return letter == '\n' || letter == '\r'; }, ' ');
}

}  // namespace greenroom::protocols
