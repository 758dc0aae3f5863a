// A specialist's state as JSON, wherever it is shown.
#pragma once

#include "actors/node/node.hpp"

#include <string>
#include <vector>

namespace greenroom::actors {

[[nodiscard]] std::string to_json(const specialist_view& one);

/// The same of several, as a JSON array.
[[nodiscard]] std::string to_json_array(const std::vector<specialist_view>& all);

}  // namespace greenroom::actors
