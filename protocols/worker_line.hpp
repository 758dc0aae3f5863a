// Reads a worker's line that should be a JSON message but may have defects: terminal colours or a
// byte order mark around it, printed text before it, invalid UTF-8, or NaN.
#pragma once

#include "protocols/base/json_text.hpp"
#include "protocols/worker_codec.hpp"

#include <string>
#include <string_view>

namespace greenroom::protocols {

/// Limit on the reported part of skipped output.
constexpr std::size_t stray_bytes_told = 256;

/// Removes white space, byte order marks and terminal sequences at both ends.
[[nodiscard]] std::string_view without_ornament(std::string_view line);

/// Finds the id of a message that is not available as a whole, as raw JSON text: a member of the
/// object that begins in `head`, or the last member of the object that ends in `tail`. Empty: none.
[[nodiscard]] std::string_view id_in_pieces(std::string_view head, std::string_view tail);

/// The same for another member, whose raw value is short.
[[nodiscard]] std::string_view member_in_pieces(std::string_view head, std::string_view tail,
                                                std::string_view key);

/// Returns the defect of a line that is not valid JSON: "NaN or Infinity, …".
[[nodiscard]] std::string fault_of(std::string_view line);

/// The error message for an output with `number`, which is too large for a double.
[[nodiscard]] std::string fault_of_number(std::string_view number);

/// Returns the position, from `from` on, of an object whose first key is a message's; or npos.
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

/// `bytes`: the skipped output's length.
inline void tell_stray(worker_listener& listener, std::string_view what, std::size_t bytes) {
  tell(listener, worker_word::stray, {}, what.substr(0, stray_bytes_told), bytes);
}

inline void tell_stray(worker_listener& listener, std::string_view what) {
  tell_stray(listener, what, what.size());
}

/// A line without an end within `bytes`: the rest of the stream cannot be parsed.
inline void tell_endless(worker_listener& listener, std::size_t bytes) {
  const auto why = "a line of more than " + std::to_string(bytes) + " bytes that does not end";
  tell(listener, worker_word::nonsense, {}, why, bytes);
}

/// Returns the first `most` bytes of `text` in «», without line ends and control characters, and
/// with `\xNN` for invalid UTF-8.
[[nodiscard]] std::string quoted_bytes(std::string_view text, std::size_t most = 100);

/// The same as hexadecimal digits: "68 65 6c 6c 6f".
[[nodiscard]] std::string hex_bytes(std::string_view bytes, std::size_t most = 32);

}  // namespace greenroom::protocols
