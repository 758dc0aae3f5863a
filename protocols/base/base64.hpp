// Base64 (RFC 4648), with the standard alphabet or the one for URLs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace greenroom::base {

enum class base64_form : std::uint8_t {
  standard,  ///< `+` and `/`, padded with `=`.
  url,       ///< `-` and `_`, without padding: safe in URLs, headers and file names.
};

[[nodiscard]] std::string to_base64(std::string_view bytes,
                                    base64_form form = base64_form::standard);

/// Nothing for a text that `to_base64` of the same form would not have written; so each value has
/// exactly one text.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text,
                                                     base64_form form = base64_form::standard);

}  // namespace greenroom::base
