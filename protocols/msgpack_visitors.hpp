// Helpers for msgpack-c: a packer's sink, and a visitor that writes the visited value as JSON text.
#pragma once

#include "protocols/base/json_text.hpp"

// msgpack-c's headers convert signs implicitly.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <msgpack.hpp>
#pragma GCC diagnostic pop

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::protocols {

/// The output of msgpack::packer.
struct string_sink {
  std::string& out;
  void write(const char* bytes, std::size_t count) { out.append(bytes, count); }
};
using packer = msgpack::packer<string_sink>;

inline void pack_text(packer& pack, std::string_view text) {
  pack.pack_str(static_cast<std::uint32_t>(text.size()));
  pack.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
}

void append_base64(std::string& out, std::string_view bytes);

/// Writes the visited value as JSON text. Base class of the reader of whole messages.
struct json_writer : msgpack::null_visitor {
  struct level {
    bool map = false;
    bool first = true;
  };
  std::string* out = nullptr;  ///< Null: the value is checked but not written.
  std::vector<level> levels;
  bool in_key = false;
  const char* why = nullptr;  ///< Set when the value cannot become JSON.

  bool fail(const char* reason) {
    why = reason;
    return false;
  }
  template <class Number>
  bool whole(Number value) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    if (!out) return true;
    if (in_key) out->push_back('"');
    out->append(digits, end);
    if (in_key) out->push_back('"');
    return true;
  }
  bool real(double value) {
    if (in_key) return fail("a map key that is neither text nor a whole number");
    if (!out) return true;
    if (!std::isfinite(value)) {
      *out += "null";
      return true;
    }
    char digits[40];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    const std::string_view text{digits, static_cast<std::size_t>(end - digits)};
    *out += text;
    if (text.find_first_of(".e") == std::string_view::npos) *out += ".0";
    return true;
  }
  bool plain(const char* text) {
    if (in_key) return fail("a map key that is neither text nor a whole number");
    if (out) *out += text;
    return true;
  }

  bool visit_nil() { return plain("null"); }
  bool visit_boolean(bool value) { return plain(value ? "true" : "false"); }
  bool visit_positive_integer(std::uint64_t value) { return whole(value); }
  bool visit_negative_integer(std::int64_t value) { return whole(value); }
  bool visit_float32(float value) { return real(static_cast<double>(value)); }
  bool visit_float64(double value) { return real(value); }
  bool visit_str(const char* text, std::uint32_t size) {
    if (out && !base::append_json_string(*out, {text, size}))
      *out += base::json_string({text, size});
    return true;
  }
  bool visit_bin(const char* bytes, std::uint32_t size) {
    if (in_key) return fail("a map key that is neither text nor a whole number");
    if (!out) return true;
    out->push_back('"');
    append_base64(*out, {bytes, size});
    out->push_back('"');
    return true;
  }
  bool visit_ext(const char*, std::uint32_t) { return fail("an extension type"); }
  bool begin(bool map) {
    if (in_key) return fail("a map key that is neither text nor a whole number");
    if (levels.size() >= static_cast<std::size_t>(base::json_depth_max))
      return fail("too deep a value");
    levels.push_back({map, true});
    if (out) out->push_back(map ? '{' : '[');
    return true;
  }
  bool end(char bracket) {
    levels.pop_back();
    if (out) out->push_back(bracket);
    return true;
  }
  void comma() {
    if (!levels.back().first && out) out->push_back(',');
    levels.back().first = false;
  }
  bool start_array(std::uint32_t) { return begin(false); }
  bool start_array_item() {
    comma();
    return true;
  }
  bool end_array() { return end(']'); }
  bool start_map(std::uint32_t) { return begin(true); }
  bool start_map_key() {
    comma();
    in_key = true;
    return true;
  }
  bool end_map_key() {
    in_key = false;
    if (out) out->push_back(':');
    return true;
  }
  bool end_map() { return end('}'); }
  void parse_error(std::size_t, std::size_t) {}
  void insufficient_bytes(std::size_t, std::size_t) {}
};

}  // namespace greenroom::protocols
