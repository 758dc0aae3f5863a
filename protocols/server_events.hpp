// Parses server-sent events as in WHATWG's HTML standard (section 9.2.6, "Interpreting an event
// stream"), from pieces of any size.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace greenroom::protocols {

/// One block of a stream: the lines before an empty line. Views are valid until the next call.
struct server_event {
  std::string_view type;  ///< From `event:`; empty: a message.
  std::string_view data;  ///< Lines joined with LF.
  std::string_view id, retry;
  bool has_data = false, has_id = false;
  bool is_comment = false;  ///< A line that begins with a colon; other members are unset.
};

/// Appends the event in canonical form: LF, one space after each colon, an empty line at the end.
void append_event(std::string& to, const server_event& event);

class server_events_reader {
public:
  using taker = std::function<void(const server_event&)>;
  /// An event of more than `bytes_max` bytes is an error.
  explicit server_events_reader(std::size_t bytes_max) : bytes_max_{bytes_max} {}

  /// False when an event is too long; then nothing more is read.
  bool feed(std::string_view bytes, const taker& take);
  /// Ends the stream. A last event with data but without an empty line counts, because many servers
  /// omit the line.
  void finish(const taker& take);

private:
  void take_line(const taker& take);
  void dispatch(const taker& take);

  const std::size_t bytes_max_;
  std::string line_, type_, data_, id_, retry_;
  bool has_data_ = false, has_id_ = false, has_retry_ = false;
  bool after_return_ = false;  ///< The last byte was a CR; an LF now belongs to the same line end.
  std::size_t mark_seen_ = 0;  ///< Bytes of a byte order mark at the very beginning.
  bool begun_ = false, broken_ = false;
};

}  // namespace greenroom::protocols
