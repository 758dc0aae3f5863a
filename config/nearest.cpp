// Suggests the nearest name.
#include "config/loader.hpp"
#include "protocols/base/edit_distance.hpp"

#include <algorithm>

namespace greenroom::config {

std::string nearest(std::string_view word, std::span<const std::string> candidates) {
  // Longer words are no keys, and a comparison would be slow.
  if (word.empty() || word.size() > 200) return {};
  const std::string* best = nullptr;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() * 2 / 5) + 1;
  for (const auto& candidate : candidates) {
    const auto longer = std::max(word.size(), candidate.size());
    if (longer - std::min(word.size(), candidate.size()) >= best_distance) continue;
    const auto away = base::edit_distance(word, candidate, base::names_alike);
    if (away < best_distance) {
      best = &candidate;
      best_distance = away;
    }
  }
  if (best) return *best;
  // `cooldown_time` suggests `cooldown`: a candidate that contains the word, or is contained in it.
  for (const auto& candidate : candidates) {
    if (candidate.size() >= 4 && word.find(candidate) != std::string_view::npos) return candidate;
    if (word.size() >= 4 && candidate.find(word) != std::string::npos) return candidate;
  }
  return {};
}

}  // namespace greenroom::config
