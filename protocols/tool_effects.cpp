#include "protocols/tool_effects.hpp"

#include "protocols/json_text.hpp"

namespace greenroom::protocols {
namespace {

/// Hears the elements of a list.
template <class Take>
void each_element(std::string_view list, Take take) {
  json_deaf nobody;
  json_scanner<json_deaf> scan{list, nobody};
  scan.skip_space();
  if (!scan.take('[')) return;
  do {
    scan.skip_space();
    const char* const begin = scan.position();
    if (!scan.value(json_depth_max)) return;
    take(std::string_view{begin, static_cast<std::size_t>(scan.position() - begin)});
    scan.skip_space();
  } while (scan.take(','));
}

side_effects effects_of_annotations(std::string_view annotations) {
  bool reads = false, repeats = false;
  static_cast<void>(each_member(annotations, [&](std::string_view key, std::string_view value) {
    if (key == "readOnlyHint") reads = value == "true";
    if (key == "idempotentHint") repeats = value == "true";
  }));
  return reads ? side_effects::none : repeats ? side_effects::idempotent : side_effects::unsafe;
}

}  // namespace

std::string add_tools(tool_effects& known, std::string_view page) {
  std::string cursor, room;
  static_cast<void>(each_member(page, [&](std::string_view key, std::string_view value) {
    // An empty cursor is one; only its absence is the end.
    if (key == "nextCursor" && value.front() == '"') cursor = value;
    if (key != "tools") return;
    each_element(value, [&](std::string_view tool) {
      std::string_view name;
      auto effects = side_effects::unsafe;
      static_cast<void>(each_member(tool, [&](std::string_view part, std::string_view what) {
        if (part == "name") static_cast<void>(string_value(what, room, name));
        if (part == "annotations") effects = effects_of_annotations(what);
      }));
      if (!name.empty() && known.size() < tools_max)
        known.insert_or_assign(std::string{name}, effects);
    });
  }));
  return cursor;
}

side_effects effects_of_call(std::string_view input, const tool_effects* known) {
  std::string tool_room, method_room, name_room;
  std::string_view tool, method, name;
  bool has_method = false;
  const bool valid = each_member(input, [&](std::string_view key, std::string_view value) {
    if (key == "tool") static_cast<void>(string_value(value, tool_room, tool));
    if (key == "method") has_method = string_value(value, method_room, method);
    if (key != "params") return;
    static_cast<void>(each_member(value, [&](std::string_view param, std::string_view what) {
      if (param == "name") static_cast<void>(string_value(what, name_room, name));
    }));
  });
  // What is no call is refused before it reaches the server.
  if (!valid) return side_effects::idempotent;
  if (has_method && method != "tools/call") return side_effects::idempotent;
  const auto called = has_method ? name : tool;
  if (known == nullptr) return side_effects::unsafe;
  const auto found = known->find(called);
  return found == known->end() ? side_effects::unsafe : found->second;
}

}  // namespace greenroom::protocols
