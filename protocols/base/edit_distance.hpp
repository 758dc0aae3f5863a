// How far one word is from another.
#pragma once

#include <algorithm>
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

/// The candidate that `word` was probably meant to be: the nearest by `names_alike` within two
/// edits in five letters, else one that contains the word or is contained in it (`cooldown_time`
/// means `cooldown`). Empty when none is near enough. Refers to `candidates`.
template <class Candidates>
[[nodiscard]] std::string_view nearest_of(std::string_view word, const Candidates& candidates) {
  constexpr std::size_t word_max = 200;  // A longer word is no name, and would take long.
  constexpr std::size_t part_min = 4;    // Shorter parts are in too many words.
  if (word.empty() || word.size() > word_max) return {};
  std::string_view best;
  auto distance = std::max<std::size_t>(1, word.size() * 2 / 5) + 1;
  for (const std::string_view one : candidates) {
    const auto longer = std::max(word.size(), one.size());
    if (longer - std::min(word.size(), one.size()) >= distance) continue;
    const auto far = edit_distance(word, one, names_alike);
    if (far < distance) {
      distance = far;
      best = one;
    }
  }
  if (best.data() != nullptr) return best;
  for (const std::string_view one : candidates) {
    if (one.size() >= part_min && word.find(one) != std::string_view::npos) return one;
    if (word.size() >= part_min && one.find(word) != std::string_view::npos) return one;
  }
  return {};
}

}  // namespace greenroom::base
