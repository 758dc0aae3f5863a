// Single members of JSON objects that stay text.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace greenroom::base {

/// The raw value of a member; empty: there is none, or `object` is no object. Of a repeated key the
/// last value counts.
[[nodiscard]] std::string_view raw_member(std::string_view object, std::string_view key);

/// How often a member with this key occurs, escapes decoded.
[[nodiscard]] std::size_t raw_count(std::string_view object, std::string_view key);

/// The object with the member set to `value` (JSON), in its old place or at the end, or without the
/// member when `value` is empty. Members keep their order. Text that is no object counts as {}.
[[nodiscard]] std::string with_raw_member(std::string_view object, std::string_view key,
                                          std::string_view value);

/// The value as a text; nothing: it is none.
[[nodiscard]] std::optional<std::string> raw_text(std::string_view value);

[[nodiscard]] inline bool is_raw_object(std::string_view value) { return value.starts_with('{'); }
[[nodiscard]] inline bool is_raw_text(std::string_view value) { return value.starts_with('"'); }
/// A number without fraction and exponent.
[[nodiscard]] bool is_raw_integer(std::string_view value);

}  // namespace greenroom::base
