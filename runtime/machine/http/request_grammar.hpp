// A strict parser of HTTP/1.1 requests (RFC 9112) beside http_parser, which tolerates input that a
// proxy in front may read differently: that enables request smuggling.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace greenroom::machine::http {

/// True for OpenAI's interface: errors then have OpenAI's form.
[[nodiscard]] bool is_openai_path(std::string_view target);

/// Compares ASCII text and ignores case, as in field names.
[[nodiscard]] bool equal_caseless(std::string_view a, std::string_view b);

/// The server's limits on a request. The parser enforces these limits; the grammar only tells which
/// limit was the reason for a refusal.
struct request_limits {
  static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();
  std::size_t target_bytes = unlimited;
  std::size_t name_bytes = unlimited, value_bytes = unlimited;  ///< For one header field.
  std::size_t fields = unlimited;
  std::uint64_t body_bytes = unlimited;
};

/// Checks the bytes of one connection, in pieces of any size, and reports invalid input. Keeps a
/// few hundred bytes at most.
class request_grammar {
public:
  struct fault {
    int status = 0;  ///< 0: no fault.
    std::string_view detail;
  };

  request_grammar() = default;
  explicit request_grammar(const request_limits& most) : limits_{most} {}

  /// The HTTP status of the first exceeded limit, 413, 414 or 431; 0: none.
  [[nodiscard]] int exceeded() const { return exceeded_; }
  /// Returns the first fault; after a fault no input is read.
  [[nodiscard]] fault read(std::string_view bytes);

  /// About the current request, or the last one:
  /// The path begins like OpenAI's interface.
  [[nodiscard]] bool asks_openai() const;
  /// A head has begun and not ended.
  [[nodiscard]] bool in_head() const { return at_ > part::start && at_ <= part::head_end_lf; }
  /// The last bytes ended a head with "Expect: 100-continue", and the body's length is within
  /// `bytes_max`.
  [[nodiscard]] bool wants_leave(std::uint64_t bytes_max) const;
  /// HTTP/1.0, which has no interim answers.
  [[nodiscard]] bool is_old() const { return old_; }
  /// Number of complete heads.
  [[nodiscard]] std::uint64_t heads() const { return heads_; }

private:
  static constexpr std::size_t head_bytes_max = 80 * 1024;  // HTTP_MAX_HEADER_SIZE of http_parser.

  enum class part : std::uint8_t {
    start,
    start_lf,
    method,
    target,
    version,
    line_lf,
    field_start,
    name,
    value,
    field_lf,
    head_end_lf,
    body,
    size,
    extension,
    size_lf,
    chunk,
    chunk_cr,
    chunk_lf,
    trailer_start,
    trailer,
    trailer_lf,
    end_lf,
  };
  enum class field : std::uint8_t { other, content_length, transfer_encoding, expect };

  void begin_head();
  [[nodiscard]] fault head_byte(unsigned char c);
  [[nodiscard]] fault start_byte(unsigned char c);
  [[nodiscard]] fault method_byte(unsigned char c);
  [[nodiscard]] fault target_byte(unsigned char c);
  [[nodiscard]] fault version_byte(unsigned char c);
  [[nodiscard]] fault field_start_byte(unsigned char c);
  [[nodiscard]] fault name_byte(unsigned char c);
  [[nodiscard]] fault value_byte(unsigned char c);
  [[nodiscard]] fault body_byte(unsigned char c);
  [[nodiscard]] fault chunk_size_byte(unsigned char c);
  [[nodiscard]] fault chunk_extension_byte(unsigned char c);
  [[nodiscard]] fault end_of_chunk_size(unsigned char c);
  [[nodiscard]] fault trailer_start_byte(unsigned char c);
  [[nodiscard]] fault trailer_byte(unsigned char c);
  /// The LF of a line's end; `next` follows.
  [[nodiscard]] fault line_feed(unsigned char c, part next);
  [[nodiscard]] fault end_of_field();
  [[nodiscard]] fault end_of_head();
  [[nodiscard]] fault look_at_target() const;
  void note(char c);
  void exceed(int status) {
    if (exceeded_ == 0) exceeded_ = status;
  }
  [[nodiscard]] std::string_view noted() const { return {kept_.data(), kept_size_}; }
  std::size_t skim(std::string_view bytes);

  request_limits limits_;
  int exceeded_ = 0;
  std::size_t head_bytes_ = 0, target_bytes_ = 0, value_bytes_ = 0, fields_ = 0;
  std::uint64_t body_bytes_ = 0;
  part at_ = part::start;
  fault found_;
  std::array<char, 288> kept_{};  ///< The current field's name, then its value.
  std::size_t kept_size_ = 0;
  bool kept_all_ = true;
  field which_ = field::other;
  std::array<char, 288> target_{};
  std::size_t target_size_ = 0;
  std::array<char, 10> version_{};
  std::size_t version_size_ = 0;
  bool old_ = false, options_ = false, connects_ = false;
  std::size_t method_size_ = 0;
  std::array<char, 8> method_{};
  bool has_length_ = false, has_coding_ = false, is_chunked_ = false, expects_ = false;
  bool head_just_ended_ = false;
  std::uint64_t length_ = 0, left_ = 0, heads_ = 0;
  std::size_t size_digits_ = 0, line_bytes_ = 0, trailer_bytes_ = 0;
  bool trailer_named_ = false;
  int empty_lines_ = 0;
};

}  // namespace greenroom::machine::http
