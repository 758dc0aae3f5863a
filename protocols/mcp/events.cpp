#include "protocols/mcp/events.hpp"

#include "protocols/base/number.hpp"
#include "protocols/server_events.hpp"

namespace greenroom::protocols::mcp {

std::string to_text(event_id id) {
  return 's' + std::to_string(id.stream) + '-' + std::to_string(id.number);
}

std::optional<event_id> parse_event_id(std::string_view text) {
  const auto dash = text.find('-');
  if (!text.starts_with('s') || dash == std::string_view::npos) return std::nullopt;
  const auto stream = base::parse_number<std::uint64_t>(text.substr(1, dash - 1));
  const auto number = base::parse_number<std::uint64_t>(text.substr(dash + 1));
  if (!stream || !number) return std::nullopt;
  const event_id result{*stream, *number};
  // Each id has one text.
  return to_text(result) == text ? std::optional{result} : std::nullopt;
}

std::string message_event(std::string_view json, std::optional<event_id> id) {
  const auto name = id ? to_text(*id) : std::string{};
  server_event event;
  event.data = json;
  event.has_data = true;
  event.id = name;
  event.has_id = id.has_value();
  std::string result;
  append_event(result, event);
  return result;
}

std::string priming_event(event_id id, std::chrono::milliseconds retry) {
  const auto name = to_text(id);
  const auto wait = std::to_string(retry.count());
  server_event event;
  event.id = name;
  event.has_id = true;
  event.retry = wait;
  event.has_data = true;
  std::string result;
  append_event(result, event);
  return result;
}

std::string_view keep_alive_event() { return ":\n\n"; }

}  // namespace greenroom::protocols::mcp
