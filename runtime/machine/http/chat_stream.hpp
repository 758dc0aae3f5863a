// Translates a specialist's answer into the event stream of one chat request.
#pragma once

#include "protocols/http_chat.hpp"
#include "protocols/task.hpp"

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace greenroom::machine::http {

/// The receiver of the answer. Called by one thread at a time, and never under a lock.
class chat_outlet {
public:
  virtual ~chat_outlet() = default;
  /// Begins a stream: `write` and one `end` follow.
  virtual void begin() = 0;
  /// Takes whole events. False: the client is gone.
  virtual bool write(std::string_view events) = 0;
  virtual void end() = 0;
  /// Called instead of a stream. `retry_after_ms` 0: unknown.
  virtual void refuse(const protocols::chat_error& why, std::int64_t retry_after_ms) = 0;
};

/// Pieces arrive on the worker's thread, the end on any thread (a deadline, a cancellation),
/// perhaps concurrently: the translation holds a lock, and one thread at a time calls the outlet,
/// without the lock, so that an outlet may call back. No call follows the end.
class chat_stream {
public:
  chat_stream(std::string model, bool with_usage);

  /// Sets the pieces' form; before the first piece.
  void form(protocols::stream_form of);
  void piece(const protocols::task& job, std::string_view text, chat_outlet& to);
  /// @pre `done` has ended.
  void end(const protocols::task& done, chat_outlet& to);

private:
  /// Calls that the outlet has not received yet, in this order.
  struct news {
    bool begin = false;
    std::string text;
    bool end = false;
    std::optional<protocols::chat_error> refusal;
    std::int64_t retry_after_ms = 0;
    [[nodiscard]] bool empty() const { return !begin && text.empty() && !end && !refusal; }
  };
  void begin(const protocols::task& job);
  void break_off(const protocols::chat_error& why);
  void finish(const protocols::task& done);
  void tell(std::unique_lock<std::mutex>& lock, chat_outlet& to);

  std::mutex mutex_;  ///< Guards the members below.
  protocols::chat_frame frame_;
  protocols::utf8_joiner joiner_;
  protocols::stream_form form_ = protocols::stream_form::text;
  std::uint32_t attempt_ = 0;
  bool begun_ = false, raw_ = false, done_said_ = false, ended_ = false;
  news due_;
  bool telling_ = false;  ///< A thread calls the outlet, and will also pass on what arrives
                          ///< meanwhile.
  bool unheard_ = false;  ///< The client is gone.
};

}  // namespace greenroom::machine::http
