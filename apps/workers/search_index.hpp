// A full-text index over a department's documents, ranked by BM25.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace greenroom::workers {

struct hit {
  std::uint32_t document = 0;
  float score = 0;
  std::string snippet;
};

/// Documents, postings and scores are really written to memory, so that a worker's proportional set
/// size is what was asked for.
class search_index {
public:
  /// Adds documents until the process is expected to take `memory_bytes`.
  search_index(std::string_view department, std::size_t memory_bytes);

  /// The best `count` documents for the words of `query`: Okapi BM25 with k1 = 1.2, b = 0.75
  /// (Robertson and Zaragoza 2009).
  [[nodiscard]] std::vector<hit> search(std::string_view query, std::size_t count);
  [[nodiscard]] std::size_t documents() const { return starts_.size() - 1; }

private:
  struct posting {
    std::uint32_t document = 0;
    std::uint32_t times = 0;
  };
  [[nodiscard]] std::string snippet(std::uint32_t document, std::string_view word) const;

  std::vector<std::string> words_;
  std::unordered_map<std::string_view, std::uint32_t> places_;
  std::string text_;                    ///< All documents, concatenated.
  std::vector<std::uint32_t> starts_;   ///< Start of each document in `text_`, plus the end.
  std::vector<std::uint16_t> lengths_;  ///< In words.
  std::vector<std::uint32_t> first_;    ///< Start of each word's postings, plus the end.
  std::vector<posting> postings_;
  std::vector<float> scores_;  ///< Of the current query, by document.
  double mean_length_ = 0;
};

}  // namespace greenroom::workers
