#include "protocols/base/raw_object.hpp"

#include <algorithm>

namespace greenroom::base {

std::string_view raw_member(std::string_view object, std::string_view key) {
  return raw_members(object, {key})[0].value;
}

std::string with_raw_member(std::string_view object, std::string_view key, std::string_view value) {
  std::string result = "{";
  bool placed = value.empty();
  const auto add = [&](std::string_view raw_key, std::string_view raw_value) {
    if (result.size() > 1) result += ',';
    result.append("\"").append(raw_key).append("\":");
    append_one_line(result, raw_value);
  };
  std::string room;
  const bool whole = each_member(object, [&](std::string_view raw, std::string_view old) {
    if (unescape(raw, room) != key) return add(raw, old);
    if (placed) return;
    placed = true;
    add(raw, value);
  });
  if (!whole) {
    result = "{";
    placed = value.empty();
  }
  if (!placed) {
    const auto name = json_string(key);
    add(std::string_view{name}.substr(1, name.size() - 2), value);
  }
  return result + '}';
}

std::optional<std::string> raw_text(std::string_view value) {
  std::string room;
  if (!is_raw_text(value)) return std::nullopt;
  const auto text = decode_string(value, room);
  if (!text) return std::nullopt;
  return std::string{*text};
}

bool is_raw_integer(std::string_view value) {
  if (value.starts_with('-')) value.remove_prefix(1);
  return !value.empty()
         && std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace greenroom::base
