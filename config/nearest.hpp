// How far one name is from another.
#pragma once

#include <cstddef>
#include <string_view>

namespace greenroom::config {

/// Edit distance with transpositions (optimal string alignment; Damerau 1964). Upper and lower
/// case are alike, and so are `-`, `_` and a space. Time: the product of both lengths.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace greenroom::config
