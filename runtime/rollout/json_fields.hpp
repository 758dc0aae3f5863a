// JSON seen as a flat list of leaves, so that two outputs can be compared field by field.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::runtime::rollout {

struct json_field {
  std::string path;  ///< `items[0].name`; empty for the root.
  /// A string in quotes and without escapes, a number in its shortest form, or what is written;
  /// `{}` and `[]` too.
  std::string value;
};

/// Every leaf, ordered by path. Nothing when the text is not one whole JSON value (RFC 8259), is
/// nested deeper than 64, or has more than `fields_max` leaves. Of equal keys the last one counts.
std::optional<std::vector<json_field>> json_fields(std::string_view text,
                                                   std::size_t fields_max = 4096);

}  // namespace greenroom::runtime::rollout
