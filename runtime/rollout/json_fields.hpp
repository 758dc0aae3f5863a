// JSON as a flat list of leaves, for comparing two outputs field by field.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/base/expected.hpp"

namespace greenroom::runtime::rollout {

struct json_field {
  std::string path;  ///< `items[0].name`; empty for the root.
  /// A string in quotes with escapes decoded, a number in its shortest form, or the literal; also
  /// `{}` and `[]`.
  std::string value;
};

/// Every leaf, ordered by path. A problem when the text is not one complete JSON value (RFC 8259),
/// has a depth above 64, or more than `fields_max` leaves. Of equal keys the last one counts.
base::expected<std::vector<json_field>> json_fields(std::string_view text,
                                                    std::size_t fields_max = 4096);

}  // namespace greenroom::runtime::rollout
