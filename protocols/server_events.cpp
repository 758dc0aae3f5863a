#include "protocols/server_events.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::protocols {

void append_event(std::string& to, const server_event& event) {
  if (event.is_comment) {
    to += ':';
    to += event.data;
    to += "\n\n";
    return;
  }
  // "message" is the default type, and clients may expect it to be omitted.
  if (!event.type.empty() && event.type != "message")
    to.append("event: ").append(event.type).append("\n");
  if (event.has_id) to.append("id: ").append(event.id).append("\n");
  if (!event.retry.empty()) to.append("retry: ").append(event.retry).append("\n");
  auto rest = event.data;
  while (event.has_data) {
    const auto end = std::min(rest.find('\n'), rest.size());
    to.append("data: ").append(rest.substr(0, end)).append("\n");
    if (end == rest.size()) break;
    rest.remove_prefix(end + 1);
  }
  to += '\n';
}

bool server_events_reader::feed(std::string_view bytes, const taker& take) {
  if (broken_) return false;
  constexpr std::string_view mark = "\xef\xbb\xbf";
  while (!begun_ && !bytes.empty()) {
    if (bytes.front() == mark[mark_seen_]) {
      bytes.remove_prefix(1);
      if (++mark_seen_ == mark.size()) begun_ = true;
    } else {
      // Not a byte order mark after all: keep the bytes.
      line_ = mark.substr(0, mark_seen_);
      begun_ = true;
    }
  }
  while (!bytes.empty()) {
    if (std::exchange(after_return_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    const auto end = bytes.find_first_of("\r\n");
    line_ += bytes.substr(0, end);
    if (line_.size() + data_.size() > bytes_max_) {
      broken_ = true;
      return false;
    }
    if (end == std::string_view::npos) return true;
    after_return_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    take_line(take);
  }
  return true;
}

void server_events_reader::finish(const taker& take) {
  if (broken_) return;
  if (!line_.empty()) take_line(take);
  dispatch(take);
}

void server_events_reader::take_line(const taker& take) {
  const auto line = std::exchange(line_, {});
  if (line.empty()) return dispatch(take);
  const auto colon = line.find(':');
  const auto name = std::string_view{line}.substr(0, colon);
  auto value =
      colon == std::string::npos ? std::string_view{} : std::string_view{line}.substr(colon + 1);
  if (colon == 0) {
    server_event comment;
    comment.data = value;
    comment.is_comment = true;
    return take(comment);
  }
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "data") {
    if (std::exchange(has_data_, true)) data_ += '\n';
    data_ += value;
  } else if (name == "event") {
    type_ = value;
  } else if (name == "id") {
    if (value.find('\0') != std::string_view::npos) return;
    has_id_ = true;
    id_ = value;
  } else if (name == "retry") {
    if (value.empty() || value.find_first_not_of("0123456789") != std::string_view::npos) return;
    has_retry_ = true;
    retry_ = value;
  }
}

void server_events_reader::dispatch(const taker& take) {
  if (has_data_ || has_id_ || has_retry_) {
    server_event event;
    event.type = has_data_ ? std::string_view{type_} : std::string_view{};
    event.data = data_;
    event.id = id_;
    event.retry = retry_;
    event.has_data = has_data_;
    event.has_id = has_id_;
    take(event);
  }
  has_data_ = has_id_ = has_retry_ = false;
  data_.clear();
  type_.clear();
  id_.clear();
  retry_.clear();
}

}  // namespace greenroom::protocols
