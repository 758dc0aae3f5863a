// Values of the body that clients repeat in HTTP header fields (2026-07-28, streamable-http, "Value
// Encoding").
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace greenroom::protocols::mcp {

/// The field's value without `=?base64?…?=`; nothing: it has characters that no field may have, or
/// the Base64 is malformed or no UTF-8.
[[nodiscard]] std::optional<std::string> decoded_header(std::string_view value);

/// The field's value for a text: as it is, or in Base64 when it would not survive otherwise.
[[nodiscard]] std::string encoded_header(std::string_view text);

/// The text without blanks at its ends, which are no part of a field's value (RFC 9110, 5.5).
[[nodiscard]] std::string_view trimmed(std::string_view value);

/// Compares names of fields: ASCII letters without their case.
[[nodiscard]] bool same_name(std::string_view left, std::string_view right);

}  // namespace greenroom::protocols::mcp
