// The distance of two names.
#pragma once

#include <cstddef>
#include <string_view>

namespace greenroom::config {

/// Edit distance with transpositions (optimal string alignment; Damerau 1964). Ignores case, and
/// treats `-`, `_` and a space as equal. Time: the product of both lengths.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace greenroom::config
