#include "actors/doors/body_fields.hpp"

#include <utility>

namespace greenroom::doors {

using nlohmann::json;

base::expected<json, rejection> object_in_body(const route_call& call) {
  const auto body = call.request.body();
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return json::object();
  // None of these documents is nested deeper, so the parser stops there.
  constexpr int depth_max = 8;
  bool deep = false;
  auto parsed = json::parse(
      body,
      [&deep](int depth, json::parse_event_t, json&) {
        deep = deep || depth > depth_max;
        return !deep;
      },
      false);
  if (!deep && parsed.is_object()) return parsed;
  return unreadable_body(call, "The body must be one JSON object.");
}

base::expected<std::string, rejection> text_in(const json& body, const char* name) {
  const auto found = body.find(name);
  if (found == body.end() || found->is_null()) return std::string{};
  // The text is kept in the journal, in lists and in events.
  constexpr std::size_t bytes_max = 2000;
  const auto* const text = found->get_ptr<const std::string*>();
  if (text != nullptr && text->size() <= bytes_max) return *text;
  return malformed("\"" + std::string{name} + "\" must be a string"
                   + (text == nullptr ? "." : " of at most 2000 bytes."));
}

base::expected<bool, rejection> flag_in(const json& body, const char* name, bool otherwise) {
  const auto found = body.find(name);
  if (found == body.end()) return otherwise;
  if (found->is_boolean()) return found->get<bool>();
  return malformed("\"" + std::string{name} + "\" must be true or false.");
}

}  // namespace greenroom::doors
