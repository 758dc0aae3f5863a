// Finds chains of specialists that many sessions go through in recorded traffic: candidates for
// workflows.
#pragma once

#include "runtime/simulation/trace.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace greenroom::runtime {

struct frequent_chain {
  std::vector<std::uint32_t> steps;  ///< Indices into the specialists of the trace.
  std::size_t cases = 0;             ///< Sessions that contain the whole chain.
  double certainty = 0;              ///< Share of the sessions with all steps but the last.
};

struct chain_settings {
  std::size_t steps_min = 3, steps_max = 6;
  std::size_t cases_min = 5;
  double certainty_min = 0.7;         ///< Of every step after the first.
  std::size_t chains_max = 10;        ///< Bound of the result, most frequent first.
  std::size_t counted_max = 200'000;  ///< Bound of the distinct chains; later ones are not counted.
};

/// Consecutive calls of one session (requests with the same case); a repeated call counts once. A
/// chain that is part of a longer one in the result and hardly more frequent is omitted. Based on
/// frequent episodes (Mannila et al. 1997), without gaps.
[[nodiscard]] std::vector<frequent_chain> frequent_chains(const trace& traffic,
                                                          const chain_settings& settings = {});

/// The number of sessions that contain the steps in order, with any calls in between.
[[nodiscard]] std::size_t cases_with(const trace& traffic, const std::vector<std::uint32_t>& steps);

}  // namespace greenroom::runtime
