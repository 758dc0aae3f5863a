// The conversation of a node and a child process over stdin and stdout, independent of the format.
//
// Formats: jsonl (worker_jsonl.hpp), MessagePack (worker_msgpack.hpp) and the Model Context
// Protocol (worker_mcp.hpp). Reading is tolerant: output that is no message is skipped and
// reported, since many programs print text; a message that cannot be parsed fails only the task
// that it answers.
#pragma once

#include "protocols/base/expected.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace greenroom::protocols {

struct task_id;

enum class worker_word : std::uint8_t {
  ready,          ///< The handshake succeeded.
  result,         ///< `id`; `text` is the output as one line of valid JSON.
  error,          ///< `id`, `retryable`; `text` is the message for people.
  chunk,          ///< `id`; `text` is a piece of a streamed answer, passed on unchanged.
  pong,           ///< The answer to a ping.
  ignored,        ///< Valid but useless to a node; counts only towards the flood limit.
  reply,          ///< The worker sent the node a request: `text` is the reply to send.
  stray,          ///< `text` is the beginning of skipped output that was no message.
  broken,         ///< An answer that is not JSON. `id` if readable; `text` is the error.
  too_long,       ///< A skipped, too long answer: `id` if readable, and the size in `bytes`.
  tools_changed,  ///< The tools must be listed, initially or again.
  tools,          ///< `text` is a page of tools: the result of tools/list.
  no_tools,       ///< The worker refused to list its tools.
  refusal,        ///< The worker refuses to start: `text` is the reason. No message follows.
  nonsense,       ///< `text` is the error. The rest of the stream cannot be trusted.
};

/// The views are valid until the call that passes the message returns.
struct worker_message {
  worker_word word = worker_word::nonsense;
  std::string_view id;
  std::string_view text;
  bool retryable = false;
  std::size_t bytes = 0;  ///< Size of the message's line or frame.
};

class worker_listener {
public:
  virtual ~worker_listener() = default;
  virtual void on_message(const worker_message& said) = 0;
};

/// The node's side of one conversation. Not thread-safe, but writing and reading share no state:
/// one thread may write while another reads.
class worker_codec {
public:
  virtual ~worker_codec() = default;
  /// Appends the node's greeting, if the protocol has one.
  virtual void greet(std::string&) {}
  /// Appends an alternative greeting, for a worker that has sent nothing. False: there is none.
  /// Called by the reading thread.
  virtual bool greet_again(std::string&) { return false; }
  /// Appends a task. `name` is the task's name on the wire (see `wire_name`), `input` valid JSON
  /// text. After a problem (the input cannot be sent) `out` is unchanged.
  virtual base::expected<void> add_task(std::string& out, std::string_view name,
                                        std::string_view input, std::int64_t timeout_ms) = 0;
  /// Appends a cancellation of `name`. False: this protocol has none.
  virtual bool add_cancel(std::string&, std::string_view) { return false; }
  /// Appends a liveness probe. False: this protocol has none.
  virtual bool add_ping(std::string& out) = 0;
  /// Appends a request for a page of tools; `cursor` is the raw JSON text from the previous page,
  /// or empty. False: this protocol has no tools.
  virtual bool add_tools_request(std::string&, std::string_view) { return false; }
  /// Takes bytes in pieces of any size and passes on each complete message. Holds at most one
  /// incomplete message, of bounded size. After `nonsense` no message is passed on.
  virtual void feed(std::string_view bytes, worker_listener& listener) = 0;
  /// Ends the input: passes on a complete message that lacks only the line end.
  virtual void finish(worker_listener&) {}
  /// True if names are the node's own numbers instead of the tasks' ids.
  [[nodiscard]] virtual bool numbers_names() const { return false; }
};

/// A task's name for a worker: 32 hexadecimal digits, and from the second attempt on the attempt's
/// number, so that a late answer to an earlier attempt is not mistaken for the current one's.
[[nodiscard]] std::string wire_name(const task_id& id, std::uint32_t attempt);

/// Frees a buffer that one large answer has grown, so that an idle worker does not keep the memory.
/// Small buffers stay for the next message.
inline void release_large(std::string& buffer) {
  if (buffer.capacity() > std::size_t{64} << 10) std::string{}.swap(buffer);
}

/// Cuts a stream of bytes into lines of bounded length; copies only incomplete lines. Of a longer
/// line only the beginning and the end are kept.
class line_cutter {
public:
  /// The rest of a line that was too long.
  struct long_line {
    std::string_view head, tail;
    std::size_t bytes = 0;
  };

  explicit line_cutter(std::size_t line_bytes_max)
      : max_{line_bytes_max}, endless_{std::max(line_bytes_max * 8, std::size_t{64} << 20)} {}

  /// Calls `take(line)` for each complete line, without the line end, as long as it returns true,
  /// and `skip(long_line)` for a line that is too long. False when a line exceeds `endless_bytes`;
  /// the cutter is unusable afterwards.
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

  /// Ends the stream: takes the last, unterminated line.
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
  static constexpr std::size_t end_bytes = 4096;  ///< Kept from the beginning and from the end of a
                                                  ///< long line.

  static std::string_view without_return(std::string_view line) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
  }
  void forget_pending() {
    pending_.clear();
    // An idle worker must not keep the memory of one large answer.
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
  std::string pending_;  ///< The head of the line while it is skipped.
  std::string tail_;
  std::size_t skipped_ = 0;
  bool skipping_ = false;
};

}  // namespace greenroom::protocols
