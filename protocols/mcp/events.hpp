// Server-sent events of the MCP door, and their identifiers.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace greenroom::protocols::mcp {

/// Unique in its session, and names the stream, so that a client that comes back gets the rest of
/// that stream and of no other.
struct event_id {
  std::uint64_t stream = 0;  ///< 0: the session's own stream (GET), else the number of a POST.
  std::uint64_t number = 0;  ///< From 1 on in each stream; 0: before the first.

  friend bool operator==(const event_id&, const event_id&) = default;
};

/// `s12-3`
[[nodiscard]] std::string to_text(event_id id);
/// The identifier in a `Last-Event-ID`; nothing for any other text.
[[nodiscard]] std::optional<event_id> parse_event_id(std::string_view text);

// Each returns one complete event.

/// A message: one line of JSON. Without an id the event is not resumable (modern).
[[nodiscard]] std::string message_event(std::string_view json,
                                        std::optional<event_id> id = std::nullopt);
/// An empty event whose only purpose is its id, so that a client that is cut off at once can come
/// back (2025-11-25, basic/transports), and how long that client is to wait.
[[nodiscard]] std::string priming_event(event_id id, std::chrono::milliseconds retry);
/// A comment that keeps the connection open.
[[nodiscard]] std::string_view keep_alive_event();

}  // namespace greenroom::protocols::mcp
