#include "protocols/base/json_text.hpp"

#include "protocols/base/hex.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace greenroom::base {
namespace {

using scanner = json_scanner<json_deaf>;

std::uint32_t unit_at(std::string_view raw, std::size_t at) {
  std::uint32_t result = 0;
  for (const char letter : raw.substr(std::min(at, raw.size()), 4)) {
    const auto byte = static_cast<std::uint32_t>(static_cast<unsigned char>(letter));
    result = result * 16 + (byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10);
  }
  return result;
}

/// The letter that stands for a control character behind a backslash, or 0.
char short_form(char letter, json_escapes escapes) {
  const auto all = escapes == json_escapes::short_forms;
  switch (letter) {
    case '\n': return escapes == json_escapes::numbers ? '\0' : 'n';
    case '\t': return escapes == json_escapes::numbers ? '\0' : 't';
    case '\r': return all ? 'r' : '\0';
    case '\b': return all ? 'b' : '\0';
    case '\f': return all ? 'f' : '\0';
    default: return '\0';
  }
}

void append_escaped(std::string& out, char letter, json_escapes escapes) {
  out.push_back('\\');
  if (letter == '"' || letter == '\\') {
    out.push_back(letter);
  } else if (const auto form = short_form(letter, escapes); form != '\0') {
    out.push_back(form);
  } else {
    out += "u00";
    append_hex(out, static_cast<unsigned char>(letter));
  }
}

enum class bad_bytes : std::uint8_t { refuse, replace, keep };

/// False at the first byte that is not UTF-8, when those are refused.
bool append_quoted(std::string& out, std::string_view text, json_escapes escapes, bad_bytes bad) {
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
    if (static_cast<unsigned char>(*at) < 0x80) {
      append_escaped(out, *at, escapes);
      ++at;
    } else if (const auto length = utf8_length(at, end); length != 0) {
      out.append(at, length);
      at += length;
    } else if (bad == bad_bytes::replace) {
      out += replacement_character;
      ++at;
    } else if (bad == bad_bytes::keep) {
      out.push_back(*at);
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
    if (!is_high_surrogate(unit) && !is_low_surrogate(unit)) continue;
    if (is_high_surrogate(unit) && json.compare(at, 2, "\\u") == 0
        && is_low_surrogate(unit_at(json, at + 2)))
      at += 6;
    else
      json.replace(at - 4, 4, "fffd");
  }
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
        const bool pair = is_high_surrogate(point)
                          && raw.substr(std::min(at, raw.size()), 2) == "\\u"
                          && is_low_surrogate(unit_at(raw, at + 2));
        if (pair) {
          point = joined_surrogates(point, unit_at(raw, at + 2));
          at += 6;
        } else if (is_high_surrogate(point) || is_low_surrogate(point)) {
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

expected<std::string_view> decode_string(std::string_view value, std::string& room) {
  if (value.size() < 2 || value.front() != '"') return problem{"type", "is no string"};
  return unescape(value.substr(1, value.size() - 2), room);
}

bool append_json_string(std::string& out, std::string_view text) {
  const auto before = out.size();
  if (append_quoted(out, text, json_escapes::short_forms, bad_bytes::refuse)) return true;
  out.resize(before);
  return false;
}

void append_json_string(std::string& out, std::string_view text, json_style style) {
  append_quoted(out, text, style.escapes, style.keep_bytes ? bad_bytes::keep : bad_bytes::replace);
}

std::string json_string(std::string_view text, json_style style) {
  std::string result;
  result.reserve(text.size() + 2);
  append_json_string(result, text, style);
  return result;
}

void append_one_line(std::string& out, std::string_view json) {
  const auto from = out.size();
  out.append(json);
  if (json.find('\n') != std::string_view::npos || json.find('\r') != std::string_view::npos)
    std::replace_if(
        out.begin() + static_cast<std::ptrdiff_t>(from), out.end(),
        [](char letter) { return letter == '\n' || letter == '\r'; }, ' ');
}

}  // namespace greenroom::base
