// How a node and one child process talk over stdin and stdout: what is said, whatever the format.
//
// Formats: jsonl (worker_jsonl.hpp), MessagePack (worker_msgpack.hpp) and the Model Context
// Protocol (worker_mcp.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace greenroom::protocols {

struct task_id;

enum class worker_word : std::uint8_t {
  ready,     ///< The handshake succeeded.
  result,    ///< `id`, and in `text` the output as one line of valid JSON.
  error,     ///< `id`, in `text` the message for people, and `retryable`.
  chunk,     ///< `id`, and in `text` a piece of a streamed answer, to be passed on as it is.
  pong,      ///< The answer to a ping.
  ignored,   ///< Legal and of no use to a node; counts only against a flood.
  reply,     ///< `text` are bytes that have to be sent back: the worker asked the node something.
  nonsense,  ///< `text` says what was wrong. The stream cannot be trusted from here on.
};

/// The views live until the call that brought them returns.
struct worker_message {
  worker_word word = worker_word::nonsense;
  std::string_view id;
  std::string_view text;
  bool retryable = false;
};

class worker_listener {
public:
  virtual ~worker_listener() = default;
  virtual void on_message(const worker_message& said) = 0;
};

/// One end of one conversation. Not thread-safe. Writing and reading share no state, so one thread
/// may write while another reads.
class worker_codec {
public:
  virtual ~worker_codec() = default;
  /// What the node says first, if anything.
  virtual void greet(std::string&) {}
  /// Appends a task. `name` is its name on the wire (see `wire_name`), `input` valid JSON text.
  /// Returns why the input cannot be sent, or nothing when it was appended.
  [[nodiscard]] virtual std::string add_task(std::string& out, std::string_view name,
                                             std::string_view input, std::int64_t timeout_ms) = 0;
  /// Appends that nobody waits for `name` any more. False: this protocol has no word for that.
  virtual bool add_cancel(std::string&, std::string_view) { return false; }
  /// Appends a liveness probe. False: this protocol has none.
  virtual bool add_ping(std::string& out) = 0;
  /// Takes bytes as they come and tells each complete message. Holds at most one incomplete
  /// message, which is bounded. After nonsense nothing is told any more.
  virtual void feed(std::string_view bytes, worker_listener& listener) = 0;
  /// Whether names are numbers of the node's own instead of the tasks' identifiers.
  [[nodiscard]] virtual bool numbers_names() const { return false; }
};

/// A task's name for a worker: its 32 hexadecimal digits, and from the second attempt on the number
/// of the attempt, so that a late answer to an earlier one is not taken for this one's.
[[nodiscard]] std::string wire_name(const task_id& id, std::uint32_t attempt);

/// A buffer that one huge answer has grown goes back: an idle worker should not pay for it for the
/// rest of its life. Small ones stay for the next message.
inline void release_large(std::string& buffer) {
  if (buffer.capacity() > std::size_t{64} << 10) std::string{}.swap(buffer);
}

/// Cuts a stream of bytes into lines of bounded length, copying only what is incomplete.
class line_cutter {
public:
  explicit line_cutter(std::size_t line_bytes_max) : max_{line_bytes_max} {}

  /// Calls `take(line)` for each complete line, without its end, as long as it returns true. False
  /// when a line is longer than allowed; the cutter is of no use from then on.
  template <class Take>
  [[nodiscard]] bool feed(std::string_view bytes, Take&& take) {
    while (!bytes.empty()) {
      const auto* const found =
          static_cast<const char*>(std::char_traits<char>::find(bytes.data(), bytes.size(), '\n'));
      const auto length = found ? static_cast<std::size_t>(found - bytes.data()) : bytes.size();
      if (pending_.size() + length > max_) return false;
      if (!found) {
        pending_.append(bytes);
        return true;
      }
      bool go_on = false;
      if (pending_.empty()) {
        go_on = take(without_return(bytes.substr(0, length)));
      } else {
        pending_.append(bytes.data(), length);
        go_on = take(without_return(pending_));
        pending_.clear();
        // A single huge answer should not be paid for by an idle worker for the rest of its life.
        if (pending_.capacity() > std::size_t{64} << 10) pending_.shrink_to_fit();
      }
      if (!go_on) return true;
      bytes.remove_prefix(length + 1);
    }
    return true;
  }

private:
  static std::string_view without_return(std::string_view line) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
  }

  std::size_t max_;
  std::string pending_;
};

}  // namespace greenroom::protocols
