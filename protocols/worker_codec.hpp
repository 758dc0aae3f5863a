// How a node and one child process talk over stdin and stdout: what is said, whatever the format.
//
// Formats: jsonl (worker_jsonl.hpp), MessagePack (worker_msgpack.hpp) and the Model Context
// Protocol (worker_mcp.hpp). Reading is tolerant: what is no message is skipped and told, since
// ordinary programs print things; a message that cannot be understood fails the task that it
// answers and nothing else.
#pragma once

#include <algorithm>
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
  stray,     ///< `text` is the beginning of what was skipped, because it is no message.
  broken,    ///< An answer that is no JSON. `id` when it could be read; `text` says what is wrong.
  too_long,  ///< An answer that was skipped: `id` when it could be read, and `bytes` of it.
  tools_changed,  ///< Its tools have to be asked for, for the first time or again.
  tools,          ///< `text` is a page of them: the result of tools/list.
  no_tools,       ///< It refused to say them.
  refusal,        ///< It does not want to begin: `text` says why. Nothing more will come of it.
  nonsense,       ///< `text` says what was wrong. The stream cannot be trusted from here on.
};

/// The views live until the call that brought them returns.
struct worker_message {
  worker_word word = worker_word::nonsense;
  std::string_view id;
  std::string_view text;
  bool retryable = false;
  std::size_t bytes = 0;  ///< Of the line or frame that it came in.
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
  /// Appends what else may be tried when nothing at all was answered. False: nothing. Called by the
  /// thread that reads.
  virtual bool greet_again(std::string&) { return false; }
  /// Appends a task. `name` is its name on the wire (see `wire_name`), `input` valid JSON text.
  /// Returns why the input cannot be sent, or nothing when it was appended.
  [[nodiscard]] virtual std::string add_task(std::string& out, std::string_view name,
                                             std::string_view input, std::int64_t timeout_ms) = 0;
  /// Appends that nobody waits for `name` any more. False: this protocol has no word for that.
  virtual bool add_cancel(std::string&, std::string_view) { return false; }
  /// Appends a liveness probe. False: this protocol has none.
  virtual bool add_ping(std::string& out) = 0;
  /// Appends a request for a page of its tools; `cursor` is the raw JSON text that the page before
  /// gave, or empty. False: this protocol knows no tools.
  virtual bool add_tools_request(std::string&, std::string_view) { return false; }
  /// Takes bytes as they come and tells each complete message. Holds at most one incomplete
  /// message, which is bounded. After nonsense nothing is told any more.
  virtual void feed(std::string_view bytes, worker_listener& listener) = 0;
  /// Nothing more will come: a complete message that only lacks its line's end is told.
  virtual void finish(worker_listener&) {}
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

/// Cuts a stream of bytes into lines of bounded length, copying only what is incomplete. Of a
/// longer line only the ends are kept.
class line_cutter {
public:
  /// What is left of a line that was longer than allowed.
  struct long_line {
    std::string_view head, tail;
    std::size_t bytes = 0;
  };

  explicit line_cutter(std::size_t line_bytes_max)
      : max_{line_bytes_max}, endless_{std::max(line_bytes_max * 8, std::size_t{64} << 20)} {}

  /// Calls `take(line)` for each complete line, without its end, as long as it returns true, and
  /// `skip(long_line)` in place of one that is longer than allowed. False when a line goes on and
  /// on (`endless_bytes`); the cutter is of no use from then on.
  template <class Take, class Skip>
  [[nodiscard]] bool feed(std::string_view bytes, Take&& take, Skip&& skip) {
    while (!bytes.empty()) {
      const auto* const found =
          static_cast<const char*>(std::char_traits<char>::find(bytes.data(), bytes.size(), '\n'));
      const auto length = found ? static_cast<std::size_t>(found - bytes.data()) : bytes.size();
      if (!skipping_ && pending_.size() + length > max_) begin_to_skip();
      if (skipping_) {
        drop(bytes.substr(0, length));
        if (skipped_ > endless_) return false;
        if (!found) return true;
        end_skipping(skip);
        bytes.remove_prefix(length + 1);
        continue;
      }
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
        forget_pending();
      }
      if (!go_on) return true;
      bytes.remove_prefix(length + 1);
    }
    return true;
  }

  /// The stream is over: what came after the last line's end.
  template <class Take, class Skip>
  void finish(Take&& take, Skip&& skip) {
    if (skipping_) {
      end_skipping(skip);
    } else if (!pending_.empty()) {
      take(without_return(pending_));
      forget_pending();
    }
  }

  [[nodiscard]] std::size_t endless_bytes() const { return endless_; }

private:
  static constexpr std::size_t end_bytes = 4096;  ///< Kept of either end of a long line.

  static std::string_view without_return(std::string_view line) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
  }
  void forget_pending() {
    pending_.clear();
    // A single huge answer should not be paid for by an idle worker for the rest of its life.
    if (pending_.capacity() > std::size_t{64} << 10) pending_.shrink_to_fit();
  }
  void begin_to_skip() {
    skipping_ = true;
    skipped_ = pending_.size();
    tail_.assign(pending_, pending_.size() - std::min(pending_.size(), end_bytes));
    pending_.resize(std::min(pending_.size(), end_bytes));
    pending_.shrink_to_fit();
  }
  void drop(std::string_view piece) {
    skipped_ += piece.size();
    if (pending_.size() < end_bytes) pending_.append(piece.substr(0, end_bytes - pending_.size()));
    if (piece.size() >= end_bytes) {
      tail_.assign(piece.substr(piece.size() - end_bytes));
    } else {
      tail_.append(piece);
      if (tail_.size() > end_bytes) tail_.erase(0, tail_.size() - end_bytes);
    }
  }
  template <class Skip>
  void end_skipping(Skip& skip) {
    skip(long_line{pending_, without_return(tail_), skipped_});
    skipping_ = false;
    forget_pending();
    tail_.clear();
    tail_.shrink_to_fit();
  }

  std::size_t max_, endless_;
  std::string pending_;  ///< While a line is skipped, its head.
  std::string tail_;
  std::size_t skipped_ = 0;
  bool skipping_ = false;
};

}  // namespace greenroom::protocols
