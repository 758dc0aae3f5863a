#include "protocols/tool_effects.hpp"

#include "protocols/base/json_text.hpp"

#include <algorithm>

namespace greenroom::protocols {
namespace {

/// Calls `take` for each element of a list.
template <class Take>
void each_element(std::string_view list, Take take) {
  base::json_deaf nobody;
  base::json_scanner<base::json_deaf> scan{list, nobody};
  scan.skip_space();
  if (!scan.take('[')) return;
  do {
    scan.skip_space();
    const char* const begin = scan.position();
    if (!scan.value(base::json_depth_max)) return;
    take(std::string_view{begin, static_cast<std::size_t>(scan.position() - begin)});
    scan.skip_space();
  } while (scan.take(','));
}

side_effects effects_of_annotations(std::string_view annotations) {
  bool reads = false, repeats = false;
  static_cast<void>(
      base::each_field(annotations, [&](std::string_view key, std::string_view value) {
        if (key == "readOnlyHint") reads = value == "true";
        if (key == "idempotentHint") repeats = value == "true";
      }));
  return reads ? side_effects::none : repeats ? side_effects::idempotent : side_effects::unsafe;
}

/// Some servers (in Go) ignore the case of keys.
bool is_name(std::string_view key) {
  constexpr std::string_view name = "name";
  return std::equal(key.begin(), key.end(), name.begin(), name.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

}  // namespace

std::string add_tools(tool_effects& known, std::string_view page) {
  std::string cursor, room;
  static_cast<void>(base::each_field(page, [&](std::string_view key, std::string_view value) {
    // An empty cursor is valid; only a missing cursor ends the list.
    if (key == "nextCursor" && value.front() == '"') cursor = value;
    if (key != "tools") return;
    each_element(value, [&](std::string_view tool) {
      std::string_view name;
      auto effects = side_effects::unsafe;
      static_cast<void>(base::each_field(tool, [&](std::string_view part, std::string_view what) {
        if (part == "name") name = base::decode_string(what, room).value_or(name);
        if (part == "annotations") effects = effects_of_annotations(what);
      }));
      if (!name.empty() && name.size() <= tool_name_bytes_max && known.size() < tools_max)
        known.insert_or_assign(std::string{name}, effects);
    });
  }));
  return cursor;
}

side_effects effects_of_call(std::string_view input, const tool_effects* known) {
  std::string_view tool, method, params;
  const bool valid = base::each_field(input, [&](std::string_view key, std::string_view value) {
    if (key == "tool") tool = value;
    if (key == "method") method = value;
    if (key == "params") params = value;
  });
  // An invalid input is refused before it reaches the server.
  if (!valid) return side_effects::idempotent;
  std::string method_room, name_room;
  std::string_view called;
  const auto method_name = base::decode_string(method, method_room);
  if (method_name && *method_name != "tools/call") return side_effects::idempotent;
  if (method_name) {
    // Such params are sent unchanged.
    int names = 0;
    static_cast<void>(base::each_field(params, [&](std::string_view key, std::string_view value) {
      if (!is_name(key)) return;
      ++names;
      called = base::decode_string(value, name_room).value_or(called);
    }));
    if (names != 1) return side_effects::unsafe;
  } else {
    called = base::decode_string(tool, name_room).value_or(called);
  }
  if (known == nullptr) return side_effects::unsafe;
  const auto found = known->find(called);
  return found == known->end() ? side_effects::unsafe : found->second;
}

}  // namespace greenroom::protocols
