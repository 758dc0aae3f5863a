// Reads one MessagePack message of a worker.
#pragma once

#include "protocols/msgpack_visitors.hpp"
#include "protocols/worker_codec.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace greenroom::protocols {

/// Reads a worker's message: a map with known keys at the first level.
struct msgpack_message_reader {
  explicit msgpack_message_reader(std::size_t most) : output_bytes_max{most} {}

  /// A longer output (as JSON text) is parsed to its end, but not kept.
  const std::size_t output_bytes_max;
  bool too_long = false;
  enum class member : std::uint8_t { none, type, id, text, output, retryable, other };
  json_writer value;
  member now = member::none;
  bool first_level_key = false;
  bool is_map = false;
  std::string type, id, text, output;
  bool has_output = false, retryable = false;
  const char* why = nullptr;

  [[nodiscard]] bool top() const { return value.levels.size() == 1; }
  bool text_only() {
    if (first_level_key) return bad("a message with a key that is not text");
    if (now == member::type || now == member::id || now == member::text)
      return bad("a type, id, message or text that is not a string");
    return true;
  }
  bool bad(const char* reason) {
    why = reason;
    return false;
  }
  /// Drops the output if `more` bytes would exceed the limit.
  void make_room(std::size_t more) {
    if (value.out != &output || output.size() + more <= output_bytes_max) return;
    too_long = true;
    value.out = nullptr;
    std::string{}.swap(output);
  }
  /// Returns a text's length as a JSON string: up to six times the length on the wire.
  static std::size_t escaped_bytes(std::string_view text) {
    std::size_t extra = 2;
    for (const char c : text)
      extra += static_cast<unsigned char>(c) < 0x20 ? 5U : c == '"' || c == '\\' ? 1U : 0U;
    return text.size() + extra;
  }
  bool scalar() {
    constexpr std::size_t number_bytes = 40;
    make_room(number_bytes);
    if (value.levels.empty()) return bad("a message that is not a map");
    return !top() || text_only();
  }

  bool visit_nil() { return scalar() && value.visit_nil(); }
  bool visit_boolean(bool truth) {
    if (!scalar()) return false;
    if (top() && now == member::retryable) retryable = truth;
    return value.visit_boolean(truth);
  }
  bool visit_positive_integer(std::uint64_t number) {
    return scalar() && value.visit_positive_integer(number);
  }
  bool visit_negative_integer(std::int64_t number) {
    return scalar() && value.visit_negative_integer(number);
  }
  bool visit_float32(float number) { return scalar() && value.visit_float32(number); }
  bool visit_float64(double number) { return scalar() && value.visit_float64(number); }
  bool visit_bin(const char* bytes, std::uint32_t size) {
    make_room((std::size_t{size} + 2) / 3 * 4 + 2);
    return scalar() && value.visit_bin(bytes, size);
  }
  bool visit_ext(const char*, std::uint32_t) { return bad("an extension type"); }
  bool visit_str(const char* bytes, std::uint32_t size) {
    if (value.levels.empty()) return bad("a message that is not a map");
    const std::string_view said{bytes, size};
    if (value.out == &output) make_room(escaped_bytes(said));
    // An output that is not kept is not checked either, because a check would delay other workers
    // of this thread.
    if (too_long && now == member::output) return true;
    if (top() && first_level_key) {
      if (said == "type")
        now = member::type;
      else if (said == "id")
        now = member::id;
      else if (said == "message" || said == "text")
        now = member::text;
      else if (said == "output")
        now = member::output;
      else if (said == "retryable")
        now = member::retryable;
      else
        now = member::other;
      return true;
    }
    if (top() && now != member::output) {
      if (now == member::type)
        type = said;
      else if (now == member::id)
        id = said;
      else if (now == member::text)
        text = said;
    }
    return value.visit_str(bytes, size);
  }
  bool start_array(std::uint32_t count) {
    make_room(2);
    if (value.levels.empty()) return bad("a message that is not a map");
    return (!top() || text_only()) && value.start_array(count);
  }
  bool start_array_item() { return value.start_array_item(); }
  bool end_array_item() { return true; }
  bool end_array() { return value.end_array(); }
  bool start_map(std::uint32_t count) {
    make_room(2);
    if (value.levels.empty()) {
      is_map = true;
      value.levels.push_back({true, true});
      return true;
    }
    return (!top() || text_only()) && value.start_map(count);
  }
  bool start_map_key() {
    if (!top()) return value.start_map_key();
    first_level_key = true;
    now = member::none;
    return true;
  }
  bool end_map_key() {
    if (!top()) return value.end_map_key();
    first_level_key = false;
    if (now == member::output) {
      output.clear();
      has_output = true;
      value.out = &output;
    }
    return true;
  }
  bool start_map_value() { return true; }
  bool end_map_value() {
    if (top()) value.out = nullptr;
    return true;
  }
  bool end_map() {
    if (!top()) return value.end_map();
    value.levels.pop_back();
    return true;
  }
  void parse_error(std::size_t, std::size_t) {}
  void insufficient_bytes(std::size_t, std::size_t) {}

  void reset() {
    value.levels.clear();
    value.out = nullptr;
    value.in_key = false;
    value.why = why = nullptr;
    first_level_key = is_map = has_output = retryable = too_long = false;
    for (auto* const buffer : {&type, &id, &text, &output}) {
      release_large(*buffer);
      buffer->clear();
    }
  }
};

}  // namespace greenroom::protocols
