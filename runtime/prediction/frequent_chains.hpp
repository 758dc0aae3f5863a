// Chains of specialists that many sessions go through, from recorded traffic: what could be a
// workflow.
#pragma once

#include "runtime/simulation/trace.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace greenroom::runtime {

struct frequent_chain {
  std::vector<std::uint32_t> steps;  ///< Indices into the specialists of the trace.
  std::size_t cases = 0;             ///< Sessions that went through all of it.
  double certainty = 0;              ///< Of the sessions that went through all steps but the last.
};

struct chain_settings {
  std::size_t steps_min = 3, steps_max = 6;
  std::size_t cases_min = 5;
  double certainty_min = 0.7;         ///< Of every step after the first.
  std::size_t chains_max = 10;        ///< That are returned, the most frequent first.
  std::size_t counted_max = 200'000;  ///< Different chains that are counted; later ones are not.
};

/// Consecutive calls of one session (requests with the same case), a repeated call counted once. A
/// chain that is part of a longer one of the result, and hardly more frequent, is left out. After
/// the idea of frequent episodes (Mannila et al. 1997), without gaps.
[[nodiscard]] std::vector<frequent_chain> frequent_chains(const trace& traffic,
                                                          const chain_settings& settings = {});

/// In how many sessions the steps come one after the other, whatever comes between them.
[[nodiscard]] std::size_t cases_with(const trace& traffic, const std::vector<std::uint32_t>& steps);

}  // namespace greenroom::runtime
