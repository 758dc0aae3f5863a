// The characters of HTTP/1.1 and the faults that several parts of the grammar report.
#pragma once

#include <array>
#include <string_view>

#include "runtime/machine/http/request_grammar.hpp"

namespace greenroom::machine::http {

/// The characters of a token (RFC 9110, section 5.6.2) and of a field value (section 5.5).
struct letters {
  std::array<bool, 256> token{}, value{};
  constexpr letters() {
    for (unsigned c = 0; c < 256; ++c) {
      const bool is_digit = c >= '0' && c <= '9';
      const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      const bool mark = c < 128
                        && std::string_view{"!#$%&'*+-.^_`|~"}.find(static_cast<char>(c))
                               != std::string_view::npos;
      token[c] = is_digit || is_letter || mark;
      value[c] = c == '\t' || (c >= ' ' && c != 0x7f);
    }
  }
};
inline constexpr letters known;

constexpr request_grammar::fault bad(std::string_view detail) { return {400, detail}; }

inline constexpr std::string_view lone_return = "A CR stands without its LF.";
inline constexpr std::string_view lone_feed =
    "A line ends with LF alone; each line of a head ends with CR LF.";

}  // namespace greenroom::machine::http
