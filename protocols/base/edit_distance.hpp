// How far one word is from another.
#pragma once

#include <cstddef>
#include <limits>
#include <string_view>

namespace greenroom::base {

struct edit_rules {
  /// Upper and lower case are alike, and so are `-`, `_` and a blank.
  bool fold = false;
  /// Two neighbours that changed places are one edit (optimal string alignment; Damerau 1964).
  bool swaps = false;
  /// A longer text is as far as the lengths say, which bounds the work.
  std::size_t length_max = std::numeric_limits<std::size_t>::max();
};

/// For names and keys that people type.
inline constexpr edit_rules names_alike{.fold = true, .swaps = true};
/// For words of a protocol, from anybody.
inline constexpr edit_rules exact_letters{.length_max = 64};

/// How many letters have to be changed, added or taken away (Levenshtein 1966). Time: the product
/// of both lengths.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b,
                                        const edit_rules& rules);

/// The candidate that looks most like `word` by `exact_letters`, or nothing when none is near
/// enough to be meant.
template <class Candidates>
[[nodiscard]] std::string_view nearest_of(std::string_view word, const Candidates& candidates) {
  std::string_view best;
  auto distance = word.size() / 2 + 2;
  for (const std::string_view one : candidates) {
    const auto far = edit_distance(word, one, exact_letters);
    if (far < distance) {
      distance = far;
      best = one;
    }
  }
  return best;
}

}  // namespace greenroom::base
