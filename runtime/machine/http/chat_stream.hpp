// A specialist's answer as the event stream of one chat request.
#pragma once

#include "protocols/http_chat.hpp"
#include "protocols/task.hpp"

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace greenroom::machine::http {

/// Where the answer goes. Called by one thread at a time, and never while a lock is held.
class chat_outlet {
public:
  virtual ~chat_outlet() = default;
  /// The head of a stream: `write` and one `end` follow.
  virtual void begin() = 0;
  /// Whole events. False: nobody reads them any more.
  virtual bool write(std::string_view events) = 0;
  virtual void end() = 0;
  /// Instead of a stream that has not begun. `retry_after_ms` 0: nobody knows.
  virtual void refuse(const protocols::chat_error& why, std::int64_t retry_after_ms) = 0;
};

/// Translates what a specialist says. The pieces come on the worker's thread and the end on any
/// other one (a deadline, a cancellation), perhaps at the same time: the translation is under a
/// lock, and one thread at a time tells the outlet what is due, without the lock, so that an outlet
/// may call back. Nothing is told after the end.
class chat_stream {
public:
  chat_stream(std::string model, bool with_usage);

  /// What the pieces are; before the first of them.
  void form(protocols::stream_form of);
  void piece(const protocols::task& job, std::string_view text, chat_outlet& to);
  /// @pre `done` has ended.
  void end(const protocols::task& done, chat_outlet& to);

private:
  /// What the outlet has not been told yet, in this order.
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

  std::mutex mutex_;  ///< Guards what follows.
  protocols::chat_frame frame_;
  protocols::utf8_joiner joiner_;
  protocols::stream_form form_ = protocols::stream_form::text;
  std::uint32_t attempt_ = 0;
  bool begun_ = false, raw_ = false, done_said_ = false, ended_ = false;
  news due_;
  bool telling_ = false;  ///< A thread tells the outlet, and will tell what comes meanwhile.
  bool unheard_ = false;  ///< Nobody reads.
};

}  // namespace greenroom::machine::http
