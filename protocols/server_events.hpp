// Server-sent events, read as the WHATWG's HTML standard says (section 9.2.6, "Interpreting an
// event stream"), however the bytes are cut into pieces.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace greenroom::protocols {

/// One block of a stream: what stands before an empty line. Views last until the next call.
struct server_event {
  std::string_view type;  ///< Of `event:`; empty: a message.
  std::string_view data;  ///< Lines joined with LF.
  std::string_view id, retry;
  bool has_data = false, has_id = false;
  bool is_comment = false;  ///< A line that begins with a colon; it stands for nothing else.
};

/// The event in its plainest form, with LF, one blank after each colon and the empty line.
void append_event(std::string& to, const server_event& event);

class server_events_reader {
public:
  using taker = std::function<void(const server_event&)>;
  /// An event of more than `bytes_max` is an error.
  explicit server_events_reader(std::size_t bytes_max) : bytes_max_{bytes_max} {}

  /// False, and nothing is read any more, when an event is too long.
  bool feed(std::string_view bytes, const taker& take);
  /// The end of the stream. An event without its empty line counts where it has data: servers that
  /// leave it out are frequent.
  void finish(const taker& take);

private:
  void take_line(const taker& take);
  void dispatch(const taker& take);

  const std::size_t bytes_max_;
  std::string line_, type_, data_, id_, retry_;
  bool has_data_ = false, has_id_ = false, has_retry_ = false;
  bool after_return_ = false;  ///< The last byte was a CR; an LF now belongs to it.
  std::size_t mark_seen_ = 0;  ///< Bytes of a byte order mark at the very beginning.
  bool begun_ = false, broken_ = false;
};

}  // namespace greenroom::protocols
