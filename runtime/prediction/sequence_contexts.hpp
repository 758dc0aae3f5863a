// The kinds of context of the sequence model, and the keys of contexts.
#pragma once

#include "protocols/base/hash.hpp"
#include "runtime/prediction/sequence_model.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace greenroom::runtime::sequence_contexts {

// The kinds of context. Each kind comes after the one it backs off to.
enum context_kind : std::uint8_t {
  order_0,
  order_1,
  order_2,
  order_3,
  order_4,
  order_6,
  whole_case,
  skip_last,
  after_other,
  with_seen,
  with_length,
  with_gap,
  order_2_gap,
  with_hour,
  with_month,
  with_week,
  with_day,
  with_this_hour,
  own_habit,
  own_match,
};

/// Contexts of a calendar period, in which the distribution may be unusual.
constexpr bool is_period(std::size_t expert) {
  return expert >= with_month && expert <= with_this_hour;
}
constexpr std::size_t periods_size = with_this_hour - with_month + 1;
// A key kind beside the experts: the steps of a week.
constexpr std::uint8_t week_seen = 77;
constexpr double week_s = 7 * 86400.0;
constexpr float week_limit = 1e6F;  ///< Halved at this count; far above real rates.

// Loops over candidates run in whole groups of this size, so that the compiler vectorises them;
// values beyond the last candidate are computed and not used.
constexpr std::size_t lanes = 8;
static_assert(sequence_model::candidates_max % lanes == 0);
constexpr std::uint8_t nowhere = 255;

inline std::uint64_t key_of(std::uint8_t what, std::uint64_t a, std::uint64_t b = 0,
                            std::uint64_t c = 0) {
  const std::uint64_t key = base::mixed(base::mixed(base::mixed(what + 1ULL, a), b), c);
  return key == 0 ? 1 : key;
}

inline std::uint64_t period(double now_s, double length_s) {
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(std::floor(now_s / length_s)));
}

}  // namespace greenroom::runtime::sequence_contexts
