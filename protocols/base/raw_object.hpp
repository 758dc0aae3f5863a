// Single members of JSON objects that stay text.
#pragma once

#include "protocols/base/json_text.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace greenroom::base {

/// The raw value of a member; empty: there is none, or `object` is no object. Of a repeated key the
/// last value counts.
[[nodiscard]] std::string_view raw_member(std::string_view object, std::string_view key);

/// A member of an object: as `raw_member` returns it, and how often its key occurs.
struct counted_member {
  std::string_view value;
  std::size_t count = 0;
};
/// The members with these keys, in the order of the keys. Reads the object once, so that a large
/// one costs as much for several members as for one.
template <std::size_t Keys>
[[nodiscard]] std::array<counted_member, Keys> raw_members(std::string_view object,
                                                           const std::string_view (&keys)[Keys]) {
  std::array<counted_member, Keys> result{};
  const bool whole = each_field(object, [&](std::string_view name, std::string_view value) {
    for (std::size_t i = 0; i < Keys; ++i)
      if (name == keys[i]) result[i] = {value, result[i].count + 1};
  });
  return whole ? result : std::array<counted_member, Keys>{};
}

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
