// JSON as text: strict checks, slices and escapes, without a tree.
//
// Workers' answers travel as JSON text from the pipe to the caller. So a codec only needs to know
// that a slice is one valid value (RFC 8259, UTF-8 per RFC 3629), and where it begins and ends.
// Programs that cut text in the middle write lone surrogates ("\ud83d" alone), so these are
// accepted; text that is passed on has U+FFFD instead (`mend_halves`).
#pragma once

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "protocols/base/expected.hpp"
#include "protocols/base/utf8.hpp"

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace greenroom::base {

/// Maximum nesting; no worker's answer needs more.
constexpr int json_depth_max = 128;

/// True if a JSON number is too large for a double, so that most programs would read infinity.
[[nodiscard]] bool beyond_double(std::string_view number);

/// Parses JSON text once. Calls the visitor's `begin_object()`, `key(raw)`, `end_object(members)`,
/// `begin_array()`, `end_array(elements)`, `string(raw)`, `number(raw, integral)`,
/// `literal(first_letter)` in order. Raw strings come without quotes, with escapes.
template <class Visitor>
class json_scanner {
public:
  json_scanner(std::string_view text, Visitor& visitor)
      : at_{text.data()}, end_{text.data() + text.size()}, visitor_{visitor} {}

  [[nodiscard]] const char* position() const { return at_; }
  [[nodiscard]] bool at_end() const { return at_ == end_; }
  /// True if a string contained a lone surrogate.
  [[nodiscard]] bool has_halves() const { return halves_; }
  /// True if a number was too large for a double.
  [[nodiscard]] bool has_beyond_double() const { return beyond_double_; }
  /// Accepts NaN, Infinity and -Infinity as numbers from now on, as Python writes them.
  void allow_not_finite() { not_finite_ = true; }

  void skip_space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }

  /// Consumes `wanted` if it is the next character.
  bool take(char wanted) {
    if (at_ == end_ || *at_ != wanted) return false;
    ++at_;
    return true;
  }

  /// Parses one value without surrounding space. False when the value is invalid or nested too
  /// deep.
  bool value(int depth_left) {
    if (at_ == end_) return false;
    switch (*at_) {
      case '{': return object(depth_left);
      case '[': return array(depth_left);
      case '"': {
        std::string_view raw;
        if (!raw_string(raw)) return false;
        visitor_.string(raw);
        return true;
      }
      case 't': return word("true");
      case 'f': return word("false");
      case 'n': return word("null");
      case 'N': return not_finite_ && word("NaN");
      case 'I': return not_finite_ && word("Infinity");
      default: return number();
    }
  }

  /// Parses a string; `raw` is the text between the quotes.
  bool raw_string(std::string_view& raw) {
    if (!take('"')) return false;
    const char* const begin = at_;
    for (;;) {
      while (end_ - at_ >= 16 && sixteen_plain(at_)) at_ += 16;
      while (end_ - at_ >= 8 && eight_plain(at_)) at_ += 8;
      if (at_ == end_) return false;
      const auto letter = static_cast<unsigned char>(*at_);
      if (letter == '"') {
        raw = {begin, static_cast<std::size_t>(at_ - begin)};
        ++at_;
        return true;
      }
      if (letter < 0x20) return false;
      if (letter == '\\') {
        if (!escape()) return false;
      } else if (letter < 0x80) {
        ++at_;
      } else if (const auto length = utf8_length(at_, end_); length != 0) {
        at_ += length;
      } else {
        return false;
      }
    }
  }

  /// True when the next eight bytes are ASCII without control characters, quotes and backslashes.
  static bool eight_plain(const char* at) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    constexpr std::uint64_t ones = 0x0101010101010101ULL;
    constexpr std::uint64_t high = 0x8080808080808080ULL;
    const auto quote = word ^ (ones * '"');
    const auto slash = word ^ (ones * '\\');
    return ((word | (word - ones * 0x20) | (quote - ones) | (slash - ones)) & high) == 0;
  }

  static bool sixteen_plain(const char* at) {
#ifdef __SSE2__
    const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    // As signed numbers, bytes beyond ASCII are negative.
    const auto low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
    const auto quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const auto slash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    return _mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(quote, slash))) == 0;
#else
    return eight_plain(at) && eight_plain(at + 8);
#endif
  }

private:
  bool object(int depth_left) {
    if (depth_left == 0) return false;
    ++at_;
    visitor_.begin_object();
    std::uint32_t members = 0;
    skip_space();
    if (!take('}')) {
      do {
        skip_space();
        std::string_view name;
        if (!raw_string(name)) return false;
        visitor_.key(name);
        skip_space();
        if (!take(':')) return false;
        skip_space();
        if (!value(depth_left - 1)) return false;
        ++members;
        skip_space();
      } while (take(','));
      if (!take('}')) return false;
    }
    visitor_.end_object(members);
    return true;
  }

  bool array(int depth_left) {
    if (depth_left == 0) return false;
    ++at_;
    visitor_.begin_array();
    std::uint32_t elements = 0;
    skip_space();
    if (!take(']')) {
      do {
        skip_space();
        if (!value(depth_left - 1)) return false;
        ++elements;
        skip_space();
      } while (take(','));
      if (!take(']')) return false;
    }
    visitor_.end_array(elements);
    return true;
  }

  bool word(std::string_view wanted) {
    if (static_cast<std::size_t>(end_ - at_) < wanted.size()
        || std::string_view{at_, wanted.size()} != wanted)
      return false;
    at_ += wanted.size();
    visitor_.literal(wanted.front());
    return true;
  }

  bool digits() {
    const char* const begin = at_;
    while (at_ != end_ && *at_ >= '0' && *at_ <= '9') ++at_;
    return at_ != begin;
  }

  bool number() {
    const char* const begin = at_;
    bool integral = true;
    bool exponent = false;
    if (take('-') && not_finite_ && at_ != end_ && *at_ == 'I') return word("Infinity");
    if (!take('0') && !digits()) return false;
    if (take('.')) {
      integral = false;
      if (!digits()) return false;
    }
    if (take('e') || take('E')) {
      integral = false;
      exponent = true;
      if (!take('+')) take('-');
      if (!digits()) return false;
    }
    const std::string_view raw{begin, static_cast<std::size_t>(at_ - begin)};
    // A double holds every number without an exponent and with at most this many digits.
    constexpr std::size_t surely_fits = 308;
    if (exponent || raw.size() > surely_fits) beyond_double_ = beyond_double_ || beyond_double(raw);
    visitor_.number(raw, integral);
    return true;
  }

  /// Returns four hexadecimal digits as a number, or -1.
  int unit() {
    if (end_ - at_ < 4) return -1;
    int result = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char letter = *at_;
      int digit = 0;
      if (letter >= '0' && letter <= '9')
        digit = letter - '0';
      else if (letter >= 'a' && letter <= 'f')
        digit = letter - 'a' + 10;
      else if (letter >= 'A' && letter <= 'F')
        digit = letter - 'A' + 10;
      else
        return -1;
      result = result * 16 + digit;
    }
    return result;
  }

  bool escape() {
    ++at_;
    if (at_ == end_) return false;
    if (*at_ != 'u') return std::string_view{"\"\\/bfnrt"}.find(*at_++) != std::string_view::npos;
    ++at_;
    const int first = unit();
    if (first < 0) return false;
    if (first < 0xd800 || first > 0xdfff) return true;
    if (first <= 0xdbff && end_ - at_ >= 6 && at_[0] == '\\' && at_[1] == 'u') {
      const char* const before = at_;
      at_ += 2;
      const int second = unit();
      if (second >= 0xdc00 && second <= 0xdfff) return true;
      at_ = before;  // Not a pair: parse the second escape on its own.
    }
    halves_ = true;
    return true;
  }

  const char* at_;
  const char* end_;
  bool halves_ = false;
  bool beyond_double_ = false;
  bool not_finite_ = false;
  Visitor& visitor_;
};

/// A visitor that does nothing, for validation only.
struct json_deaf {
  void begin_object() {}
  void key(std::string_view) {}
  void end_object(std::uint32_t) {}
  void begin_array() {}
  void end_array(std::uint32_t) {}
  void string(std::string_view) {}
  void number(std::string_view, bool) {}
  void literal(char) {}
};

/// True for one valid JSON value with only space around it, and no lone surrogate.
[[nodiscard]] bool is_json(std::string_view text, int depth_max = json_depth_max);

/// The same for text that is passed on: replaces lone surrogates with U+FFFD.
[[nodiscard]] bool make_json(std::string& text, int depth_max = json_depth_max);

/// Replaces each lone surrogate with U+FFFD. @pre otherwise valid JSON.
void mend_halves(std::string& json);

/// Returns the first number that is too large for a double; empty: there is none.
[[nodiscard]] std::string_view number_beyond_double(std::string_view json);

/// Calls `take(raw_key, raw_value)` for each member of the object at the position of `scan`. False
/// when the object is invalid or incomplete; then some members may have been passed already.
template <class Take>
[[nodiscard]] bool each_member(json_scanner<json_deaf>& scan, Take&& take,
                               int depth_max = json_depth_max) {
  scan.skip_space();
  if (!scan.take('{')) return false;
  scan.skip_space();
  if (!scan.take('}')) {
    do {
      scan.skip_space();
      std::string_view key;
      if (!scan.raw_string(key)) return false;
      scan.skip_space();
      if (!scan.take(':')) return false;
      scan.skip_space();
      const char* const begin = scan.position();
      if (!scan.value(depth_max - 1)) return false;
      take(key, std::string_view{begin, static_cast<std::size_t>(scan.position() - begin)});
      scan.skip_space();
    } while (scan.take(','));
    if (!scan.take('}')) return false;
  }
  return true;
}

/// The same for a text that is exactly one object. Values may contain lone surrogates: call
/// `mend_halves` on text that is passed on.
template <class Take>
[[nodiscard]] bool each_member(std::string_view text, Take&& take, int depth_max = json_depth_max) {
  json_deaf nobody;
  json_scanner<json_deaf> scan{text, nobody};
  if (!each_member(scan, take, depth_max)) return false;
  scan.skip_space();
  return scan.at_end();
}

/// Calls `take(raw_value)` for each element of a text that is exactly one array. False when the
/// text is no array; then some elements may have been passed already.
template <class Take>
[[nodiscard]] bool each_element(std::string_view text, Take&& take,
                                int depth_max = json_depth_max) {
  json_deaf nobody;
  json_scanner<json_deaf> scan{text, nobody};
  scan.skip_space();
  if (!scan.take('[')) return false;
  scan.skip_space();
  if (!scan.take(']')) {
    do {
      scan.skip_space();
      const char* const begin = scan.position();
      if (!scan.value(depth_max - 1)) return false;
      take(std::string_view{begin, static_cast<std::size_t>(scan.position() - begin)});
      scan.skip_space();
    } while (scan.take(','));
    if (!scan.take(']')) return false;
  }
  scan.skip_space();
  return scan.at_end();
}

/// Decodes the raw inside of a valid JSON string, with U+FFFD for lone surrogates. Uses `room` only
/// if there are escapes.
[[nodiscard]] std::string_view unescape(std::string_view raw, std::string& room);

/// The same for a value: a problem unless the value is a string.
[[nodiscard]] expected<std::string_view> decode_string(std::string_view value, std::string& room);

/// `each_member` with decoded keys, because later readers treat "n\u0061me" as the key `name`. A
/// key is valid until the call of `take` returns.
template <class Take>
[[nodiscard]] bool each_field(std::string_view text, Take&& take, int depth_max = json_depth_max) {
  std::string room;
  return each_member(
      text, [&](std::string_view raw, std::string_view value) { take(unescape(raw, room), value); },
      depth_max);
}

/// Appends `text` as a JSON string with quotes. False, with nothing appended, when it is not UTF-8.
bool append_json_string(std::string& out, std::string_view text);

/// Which control characters of a text have a short form in JSON; the others are `\u001f` and alike.
enum class json_escapes : std::uint8_t {
  short_forms,  ///< \b \f \n \r \t, as most writers do.
  lines,        ///< \n and \t
  numbers,      ///< None.
};

/// How texts become JSON strings. One document has one style, from its first release on: clients
/// may compare bytes.
struct json_style {
  json_escapes escapes = json_escapes::short_forms;
  bool keep_bytes = false;  ///< Bytes that are not UTF-8 stay; otherwise each becomes U+FFFD.
};

/// Appends `text` as a JSON string with its quotes.
void append_json_string(std::string& out, std::string_view text, json_style style);
[[nodiscard]] std::string json_string(std::string_view text, json_style style = {});

/// Appends valid JSON text as one line: in valid JSON a raw line end can only be space.
void append_one_line(std::string& out, std::string_view json);

}  // namespace greenroom::base
