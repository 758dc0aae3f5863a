// Reading a line of a worker that should be a JSON message and may be untidy: with colours or a
// byte order mark around it, behind something that was printed without a line's end, with bytes
// that are not UTF-8, or with NaN in it.
#pragma once

#include "protocols/base/json_text.hpp"
#include "protocols/worker_codec.hpp"

#include <string>
#include <string_view>

namespace greenroom::protocols {

/// How much of what was skipped is told.
constexpr std::size_t stray_bytes_told = 256;

/// Without white space, byte order marks and terminal sequences at either end.
[[nodiscard]] std::string_view without_ornament(std::string_view line);

/// The identifier in a message that cannot be read as a whole, as raw JSON text: a member of the
/// object that `head` begins, or the last member of what ends with `tail`. Empty: there is none.
[[nodiscard]] std::string_view id_in_pieces(std::string_view head, std::string_view tail);

/// The same for another member, whose raw value is short.
[[nodiscard]] std::string_view member_in_pieces(std::string_view head, std::string_view tail,
                                                std::string_view key);

/// What makes `line`, which cannot be passed on as JSON, so: "NaN or Infinity, …".
[[nodiscard]] std::string fault_of(std::string_view line);

/// What is said of an output in which `number` is too large for a double.
[[nodiscard]] std::string fault_of_number(std::string_view number);

/// Where in `line`, from `from` on, an object begins whose first key is one of a message, or npos.
[[nodiscard]] std::size_t message_start(std::string_view line, std::size_t from);

inline void tell(worker_listener& listener, worker_word word, std::string_view id,
                 std::string_view text, std::size_t bytes) {
  worker_message said;
  said.word = word;
  said.id = id;
  said.text = text;
  said.bytes = bytes;
  listener.on_message(said);
}

/// `bytes`: so long it was.
inline void tell_stray(worker_listener& listener, std::string_view what, std::size_t bytes) {
  tell(listener, worker_word::stray, {}, what.substr(0, stray_bytes_told), bytes);
}

inline void tell_stray(worker_listener& listener, std::string_view what) {
  tell_stray(listener, what, what.size());
}

/// A line that has no end within `bytes`: nothing that comes after it can be understood.
inline void tell_endless(worker_listener& listener, std::size_t bytes) {
  const auto why = "a line of more than " + std::to_string(bytes) + " bytes that does not end";
  tell(listener, worker_word::nonsense, {}, why, bytes);
}

/// The first `most` bytes of `text` in «», without line ends and control characters, and with
/// `\xNN` for what is not UTF-8.
[[nodiscard]] std::string quoted_bytes(std::string_view text, std::size_t most = 100);

/// The same as hexadecimal digits: "68 65 6c 6c 6f".
[[nodiscard]] std::string hex_bytes(std::string_view bytes, std::size_t most = 32);

}  // namespace greenroom::protocols
