// The answer to a client's request.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace greenroom::machine::http {

/// The only answer to a request, shared by copies. Any thread. The first answer counts; later
/// answers are dropped. If the last copy is destroyed without an answer, the client gets a 500.
class responder {
public:
  responder() = default;
  explicit responder(std::shared_ptr<void> inside) : inside_{std::move(inside)} {}
  explicit operator bool() const { return inside_ != nullptr; }

  /// True for a path of OpenAI's interface (`is_openai_path`): errors then have OpenAI's form.
  [[nodiscard]] bool is_openai() const;

  /// `headers` are whole lines, each ended by CR LF. `content_type` may be empty.
  void answer(int status, std::string_view content_type, std::string body,
              std::string_view headers = {}) const;

  /// Adds lines to the head of any later answer. Call before the responder is copied or passed on.
  void add_headers(std::string_view lines) const;

  /// Begins an answer of unknown length; pieces follow in the order of the calls.
  void begin(int status, std::string_view content_type, std::string_view headers = {}) const;
  /// False once the client is gone or was cut off as a slow reader: then stop writing.
  bool write(std::string_view piece) const;  // NOLINT(modernize-use-nodiscard)
  /// Bytes that were written and are not yet in the socket.
  [[nodiscard]] std::size_t unsent() const;
  /// For a begun answer: calls `room` on the loop each time all written bytes are in the socket, so
  /// that a long answer can be written at the client's speed. Set before writing.
  void on_room(std::function<void()> room) const;
  /// Limits the kernel's send buffer for a client that does not read; the default is megabytes.
  void limit_send_buffer(std::size_t bytes) const;
  /// True when unsent bytes exceed half of the limit for this client: write later.
  [[nodiscard]] bool crowded() const;
  /// Ends a begun answer regularly.
  void end() const;
  /// Ends the connection in the middle of the answer, so that the client sees a truncated answer.
  void abort() const;

  /// Calls `gone` once if the client hangs up before the answer is complete; at once if it already
  /// has. On a loop thread. The end of the client's sending side counts as a hang-up.
  void on_close(std::function<void()> gone) const;
  [[nodiscard]] bool closed() const;

private:
  std::shared_ptr<void> inside_;
};

}  // namespace greenroom::machine::http
