// Formats the head of an HTTP answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace greenroom::machine::http {

/// The reason phrase of a status (RFC 9110, section 15), or "Status" when it has none.
[[nodiscard]] std::string_view reason_of(int status);

/// Sets the Date field of all answers of this process. Call about once a second, so that no answer
/// needs to read the clock.
void set_date(std::int64_t unix_seconds);

struct head_options {
  int status = 200;
  std::string_view content_type;
  std::string_view headers;           ///< Whole lines.
  std::optional<std::size_t> length;  ///< Empty: chunked, or until the close for HTTP/1.0.
  bool keep_alive = true;
  bool old_client = false;  ///< HTTP/1.0
};
/// Appends the status line, the fields and the empty line.
void append_head(std::string& to, const head_options& what);

/// The format of an error's body.
enum class error_form : std::uint8_t {
  problem,  ///< RFC 9457
  openai,   ///< {"error":{"message",…}}
  both,     ///< For a request that was not read far enough to tell.
};
/// Returns an error's body. @pre neither text needs escapes in JSON.
[[nodiscard]] std::string error_body(int status, std::string_view type, std::string_view detail,
                                     error_form form);
[[nodiscard]] std::string_view error_media_type(error_form form);

/// Returns a whole answer that ends the connection, for requests that never reached a handler.
[[nodiscard]] std::string last_words(int status, std::string_view type, std::string_view detail,
                                     error_form form);

}  // namespace greenroom::machine::http
