// The set of the journal's ended rows, from the oldest unfinished row on.
#pragma once

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <deque>

namespace greenroom::machine {

/// One bit a row: an old unfinished task keeps the bits of all newer rows.
class ended_rows {
public:
  /// Sets the number of rows and marks all rows as ended.
  void assign(std::size_t rows) {
    words_.assign((rows + bits - 1) / bits, ~std::uint64_t{0});
    if (rows % bits != 0) words_.back() = (std::uint64_t{1} << (rows % bits)) - 1;
    dropped_ = 0;
    rows_ = rows;
  }

  /// Sets the number of rows; new rows have not ended.
  void grow(std::size_t rows) {
    assert(rows >= rows_);
    rows_ = rows;
    words_.resize((dropped_ + rows + bits - 1) / bits, 0);
  }

  /// @pre `row` is less than `size()`.
  void set(std::size_t row, bool ended) {
    assert(row < rows_);
    const auto at = dropped_ + row;
    const auto bit = std::uint64_t{1} << (at % bits);
    auto& word = words_[at / bits];
    word = ended ? word | bit : word & ~bit;
  }

  /// Drops the rows before the first unfinished row. Returns the number of dropped rows.
  std::size_t drop_ended() {
    std::size_t gone = 0;
    while (rows_ > 0) {
      const auto ended = std::min<std::size_t>(
          static_cast<std::size_t>(std::countr_one(words_.front() >> dropped_)), rows_);
      if (ended == 0) break;
      gone += ended;
      rows_ -= ended;
      dropped_ += ended;
      if (dropped_ < bits) break;
      words_.pop_front();
      dropped_ = 0;
    }
    return gone;
  }

  [[nodiscard]] std::size_t size() const { return rows_; }

private:
  static constexpr std::size_t bits = 64;
  std::deque<std::uint64_t> words_;
  std::size_t dropped_ = 0;  ///< Bits of the first word that belong to dropped rows.
  std::size_t rows_ = 0;
};

}  // namespace greenroom::machine
