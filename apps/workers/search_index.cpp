#include "apps/workers/search_index.hpp"

#include "apps/workers/corpus.hpp"

#include <algorithm>
#include <cmath>

namespace greenroom::workers {
namespace {

/// Memory of the process without documents: PSS on Debian 12.
constexpr std::size_t bare_process_bytes = std::size_t{830} << 10;
constexpr std::size_t snippet_bytes = 80;
constexpr std::size_t query_words_max = 64;

bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

search_index::search_index(std::string_view department, std::size_t memory_bytes) {
  corpus source{department};
  words_ = source.words();
  for (std::uint32_t i = 0; i < words_.size(); ++i) places_.emplace(words_[i], i);
  const auto budget = std::max(memory_bytes, bare_process_bytes * 2) - bare_process_bytes;
  text_.reserve(budget);

  // First the text with each document's distinct words, then the postings by word.
  struct occurrence {
    std::uint16_t word;
    std::uint16_t times;
  };
  std::vector<occurrence> seen;
  std::vector<std::uint32_t> seen_starts{0}, counts(words_.size() + 1);
  std::vector<std::uint16_t> document, times(words_.size());
  starts_.push_back(0);
  double all_words = 0;
  const auto used = [&] {
    return text_.size() + seen.size() * sizeof(posting)
           + lengths_.size() * (sizeof(std::uint32_t) + sizeof(std::uint16_t) + sizeof(float));
  };
  while (used() < budget) {
    source.next(document);
    for (const auto word : document) {
      if (!text_.empty() && text_.size() != starts_.back()) text_.push_back(' ');
      text_ += words_[word];
      ++times[word];
    }
    for (const auto word : document) {
      if (times[word] == 0) continue;
      seen.push_back({word, times[word]});
      ++counts[word + 1U];
      times[word] = 0;
    }
    seen_starts.push_back(static_cast<std::uint32_t>(seen.size()));
    starts_.push_back(static_cast<std::uint32_t>(text_.size()));
    lengths_.push_back(static_cast<std::uint16_t>(document.size()));
    all_words += static_cast<double>(document.size());
  }
  mean_length_ = all_words / static_cast<double>(lengths_.size());
  for (std::size_t i = 1; i < counts.size(); ++i) counts[i] += counts[i - 1];
  first_ = counts;
  postings_.resize(seen.size());
  for (std::uint32_t i = 0; i + 1 < seen_starts.size(); ++i)
    for (auto at = seen_starts[i]; at < seen_starts[i + 1]; ++at)
      postings_[counts[seen[at].word]++] = {i, seen[at].times};
  scores_.assign(lengths_.size(), 0.0F);
  text_.shrink_to_fit();
}

std::vector<hit> search_index::search(std::string_view query, std::size_t count) {
  std::vector<std::uint32_t> asked;
  std::string word;
  for (std::size_t at = 0; at <= query.size() && asked.size() < query_words_max; ++at) {
    if (at < query.size() && letter(query[at])) {
      word.push_back(
          static_cast<char>(query[at] >= 'A' && query[at] <= 'Z' ? query[at] | 0x20 : query[at]));
      continue;
    }
    if (const auto found = places_.find(word); found != places_.end())
      if (std::find(asked.begin(), asked.end(), found->second) == asked.end())
        asked.push_back(found->second);
    word.clear();
  }
  std::fill(scores_.begin(), scores_.end(), 0.0F);
  const auto total = static_cast<double>(documents());
  std::uint32_t rarest = 0;
  double rarest_weight = -1;
  for (const auto one : asked) {
    const auto begin = first_[one], end = first_[one + 1];
    const double containing = end - begin;
    const double weight = std::log(1 + (total - containing + 0.5) / (containing + 0.5));
    if (weight > rarest_weight) {
      rarest_weight = weight;
      rarest = one;
    }
    for (auto at = begin; at < end; ++at) {
      const auto& here = postings_[at];
      const double times = here.times;
      const double length = lengths_[here.document] / mean_length_;
      scores_[here.document] +=
          static_cast<float>(weight * times * 2.2 / (times + 1.2 * (0.25 + 0.75 * length)));
    }
  }
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < scores_.size(); ++i)
    if (scores_[i] > 0) order.push_back(i);
  count = std::min(count, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [this](std::uint32_t a, std::uint32_t b) {
                      return scores_[a] != scores_[b] ? scores_[a] > scores_[b] : a < b;
                    });
  std::vector<hit> result;
  for (std::size_t i = 0; i < count; ++i)
    result.push_back({order[i], scores_[order[i]], snippet(order[i], words_[rarest])});
  return result;
}

std::string search_index::snippet(std::uint32_t document, std::string_view word) const {
  const auto whole =
      std::string_view{text_}.substr(starts_[document], starts_[document + 1] - starts_[document]);
  auto at = std::min(whole.find(word), whole.size());
  at = at > snippet_bytes / 2 ? whole.find(' ', at - snippet_bytes / 2) + 1 : 0;
  auto end = std::min(at + snippet_bytes, whole.size());
  if (end < whole.size()) end = std::max(whole.rfind(' ', end), at);
  return std::string{whole.substr(at, end - at)};
}

}  // namespace greenroom::workers
