// Suggests the nearest name.
#include "config/nearest.hpp"

#include "config/loader.hpp"

#include <algorithm>
#include <cctype>
#include <numeric>

namespace greenroom::config {

namespace {

char fold(char c) {
  if (c == '-' || c == ' ') return '_';
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = fold(a[i - 1]) == fold(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) && fold(a[i - 2]) == fold(b[j - 1])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

std::string nearest(std::string_view word, std::span<const std::string> candidates) {
  // Longer words are no keys, and a comparison would be slow.
  if (word.empty() || word.size() > 200) return {};
  const std::string* best = nullptr;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() * 2 / 5) + 1;
  for (const auto& candidate : candidates) {
    const auto longer = std::max(word.size(), candidate.size());
    if (longer - std::min(word.size(), candidate.size()) >= best_distance) continue;
    const auto away = edit_distance(word, candidate);
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
