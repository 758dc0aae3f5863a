#include "runtime/rollout/json_fields.hpp"

#include <charconv>
#include <cmath>
#include <iterator>
#include <map>

#include "runtime/rollout/record_text.hpp"

namespace greenroom::runtime::rollout {

namespace {

constexpr int depth_max = 64;

class reader {
public:
  reader(std::string_view text, std::size_t fields_max) : rest_(text), fields_max_(fields_max) {}

  bool whole(std::map<std::string, std::string>& into) {
    std::string path;
    if (!value(path, 0, into)) return false;
    blanks();
    return rest_.empty();
  }

private:
  using leaves = std::map<std::string, std::string>;

  void blanks() {
    while (!rest_.empty()
           && (rest_[0] == ' ' || rest_[0] == '\t' || rest_[0] == '\n' || rest_[0] == '\r')) {
      rest_.remove_prefix(1);
    }
  }

  bool take(char wanted) {
    blanks();
    if (rest_.empty() || rest_[0] != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  /// Removes the leaves of an earlier equal key: the last one counts.
  static void forget(const std::string& path, leaves& into) {
    for (auto at = into.lower_bound(path); at != into.end() && at->first.starts_with(path);) {
      const bool same = at->first.size() == path.size() || at->first[path.size()] == '.'
                        || at->first[path.size()] == '[';
      at = same ? into.erase(at) : std::next(at);
    }
  }

  bool leaf(const std::string& path, std::string text, leaves& into) {
    into[path] = std::move(text);
    return into.size() <= fields_max_;
  }

  bool value(std::string& path, int depth, leaves& into) {
    if (depth > depth_max) return false;
    blanks();
    if (rest_.empty()) return false;
    const auto length = path.size();
    switch (rest_[0]) {
      case '{': {
        rest_.remove_prefix(1);
        if (take('}')) return leaf(path, "{}", into);
        do {
          blanks();
          std::string key;
          if (!string(key) || !take(':')) return false;
          if (!path.empty()) path += '.';
          path += key;
          forget(path, into);
          if (!value(path, depth + 1, into)) return false;
          path.resize(length);
        } while (take(','));
        return take('}');
      }
      case '[': {
        rest_.remove_prefix(1);
        if (take(']')) return leaf(path, "[]", into);
        std::size_t index = 0;
        do {
          path += '[' + std::to_string(index++) + ']';
          if (!value(path, depth + 1, into)) return false;
          path.resize(length);
        } while (take(','));
        return take(']');
      }
      case '"': {
        std::string text;
        return string(text) && leaf(path, '"' + text + '"', into);
      }
      default: return scalar(path, into);
    }
  }

  bool scalar(const std::string& path, leaves& into) {
    for (const std::string_view word : {"true", "false", "null"}) {
      if (!rest_.starts_with(word)) continue;
      rest_.remove_prefix(word.size());
      return leaf(path, std::string(word), into);
    }
    // RFC 8259's grammar is narrower than from_chars: a digit first, no leading zero, no `inf`.
    std::size_t at = rest_[0] == '-' ? 1 : 0;
    const auto digit = [this](std::size_t i) {
      return i < rest_.size() && rest_[i] >= '0' && rest_[i] <= '9';
    };
    if (!digit(at)) return false;
    if (rest_[at] == '0' && digit(at + 1)) return false;
    while (digit(at)) ++at;
    if (at < rest_.size() && rest_[at] == '.') {
      if (!digit(++at)) return false;
      while (digit(at)) ++at;
    }
    if (at < rest_.size() && (rest_[at] == 'e' || rest_[at] == 'E')) {
      ++at;
      if (at < rest_.size() && (rest_[at] == '+' || rest_[at] == '-')) ++at;
      if (!digit(at)) return false;
      while (digit(at)) ++at;
    }
    const auto written = rest_.substr(0, at);
    const auto number = exact_number(written);
    rest_.remove_prefix(at);
    // 1, 1.0 and 1e0 are equal; integers too large for a double keep their text.
    const bool exact = number && std::abs(*number) < 9007199254740992.0;
    return leaf(path, exact ? exact_text(*number) : std::string(written), into);
  }

  bool unit(unsigned& code) {
    if (rest_.size() < 4) return false;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + 4, code, 16);
    if (error != std::errc{} || end != rest_.data() + 4) return false;
    rest_.remove_prefix(4);
    return true;
  }

  static void append_utf8(std::string& out, unsigned code) {
    const auto byte = [&out](unsigned each) { out += static_cast<char>(each); };
    if (code < 0x80) {
      byte(code);
    } else if (code < 0x800) {
      byte(0xc0 | code >> 6);
      byte(0x80 | (code & 63));
    } else if (code < 0x10000) {
      byte(0xe0 | code >> 12);
      byte(0x80 | (code >> 6 & 63));
      byte(0x80 | (code & 63));
    } else {
      byte(0xf0 | code >> 18);
      byte(0x80 | (code >> 12 & 63));
      byte(0x80 | (code >> 6 & 63));
      byte(0x80 | (code & 63));
    }
  }

  bool escape(std::string& out) {
    if (rest_.empty()) return false;
    const char kind = rest_[0];
    rest_.remove_prefix(1);
    switch (kind) {
      case '"':
      case '\\':
      case '/': out += kind; return true;
      case 'b': out += '\b'; return true;
      case 'f': out += '\f'; return true;
      case 'n': out += '\n'; return true;
      case 'r': out += '\r'; return true;
      case 't': out += '\t'; return true;
      case 'u': break;
      default: return false;
    }
    unsigned code = 0;
    if (!unit(code)) return false;
    if (code >= 0xd800 && code < 0xdc00 && rest_.starts_with("\\u")) {
      const auto before = rest_;
      rest_.remove_prefix(2);
      unsigned low = 0;
      if (!unit(low)) return false;
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      } else {
        rest_ = before;
      }
    }
    append_utf8(out, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
    return true;
  }

  bool string(std::string& out) {
    if (rest_.empty() || rest_[0] != '"') return false;
    rest_.remove_prefix(1);
    while (!rest_.empty()) {
      const char each = rest_[0];
      rest_.remove_prefix(1);
      if (each == '"') return true;
      if (static_cast<unsigned char>(each) < 0x20) return false;
      if (each == '\\') {
        if (!escape(out)) return false;
      } else {
        out += each;
      }
    }
    return false;
  }

  std::string_view rest_;
  std::size_t fields_max_;
};

/// The length of the well-formed UTF-8 character at `at`; 0 when there is none.
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto follows = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xc0) == 0x80; };
  const unsigned first = byte(at);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return follows(at + 1) ? 2 : 0;
  if (first >= 0xe0 && first < 0xf0) {
    if (!follows(at + 1) || !follows(at + 2)) return 0;
    if (first == 0xe0 && byte(at + 1) < 0xa0) return 0;
    if (first == 0xed && byte(at + 1) >= 0xa0) return 0;
    return 3;
  }
  if (first >= 0xf0 && first < 0xf5) {
    if (!follows(at + 1) || !follows(at + 2) || !follows(at + 3)) return 0;
    if (first == 0xf0 && byte(at + 1) < 0x90) return 0;
    if (first == 0xf4 && byte(at + 1) >= 0x90) return 0;
    return 4;
  }
  return 0;
}

}  // namespace

std::optional<std::vector<json_field>> json_fields(std::string_view text, std::size_t fields_max) {
  std::map<std::string, std::string> leaves;
  if (!reader{text, fields_max}.whole(leaves)) return std::nullopt;
  std::vector<json_field> out;
  out.reserve(leaves.size());
  for (auto& [path, value] : leaves) out.push_back({path, std::move(value)});
  return out;
}

std::string json_text(std::string_view text) {
  constexpr char hex[] = "0123456789abcdef";
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size();) {
    const auto length = utf8_length(text, i);
    const auto byte = static_cast<unsigned char>(text[i]);
    if (length == 0) {
      out += "\xef\xbf\xbd";
    } else if (length > 1) {
      out += text.substr(i, length);
    } else if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[i];
    } else if (byte == '\n') {
      out += "\\n";
    } else if (byte == '\t') {
      out += "\\t";
    } else if (byte < 0x20) {
      out += "\\u00";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    } else {
      out += text[i];
    }
    i += length == 0 ? 1 : length;
  }
  return out + '"';
}

std::string json_text(double number) { return std::isfinite(number) ? exact_text(number) : "null"; }

}  // namespace greenroom::runtime::rollout
