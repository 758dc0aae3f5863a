// The names of enumerators in YAML, in the order of help and errors.
#pragma once

#include "protocols/base/priority.hpp"

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace greenroom::config {

/// Most enumerations use the same names as everywhere else.
template <class T>
[[nodiscard]] std::vector<std::pair<std::string_view, T>> words_of(T) {
  std::vector<std::pair<std::string_view, T>> result;
  for (std::uint8_t at = 0; !to_string(static_cast<T>(at)).empty(); ++at)
    result.emplace_back(to_string(static_cast<T>(at)), static_cast<T>(at));
  return result;
}

/// A specialist's priority is `medium` in YAML where a task's is `normal` over HTTP.
[[nodiscard]] inline std::vector<std::pair<std::string_view, base::priority>> words_of(
    base::priority) {
  using enum base::priority;
  return {{"high", high}, {"medium", normal}, {"low", low}};
}

template <class T>
[[nodiscard]] std::string_view word_of(T value) {
  for (const auto& [word, meaning] : words_of(value))
    if (meaning == value) return word;
  return {};
}

}  // namespace greenroom::config
