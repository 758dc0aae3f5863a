#include "runtime/pooling/slot_turns.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace greenroom::runtime {

namespace {

// While others wait, a specialist keeps its slot for its residency, and for so many starts.
constexpr double turn_starts = 4;
constexpr double turn_min_s = 0.1;
constexpr std::size_t tried_max = 4;

}  // namespace

std::vector<specialist_index> slot_turns::over_for(specialist_index who,
                                                   std::span<const slot_state> slots,
                                                   const run_times& run_ns) {
  const auto& mine = ledger_[who];
  if (mine.held || mine.reserved || slots[who].tasks == 0 || mine.waits_since_s <= 0) return {};
  const auto turn_s =
      std::max({limits_.min_residency_s, turn_starts * facts_[who].load_s, turn_min_s});
  if (now_s_ - mine.waits_since_s < turn_s) return {};
  over_s_ = std::max(over_s_, turn_s);
  std::vector<std::pair<std::int64_t, specialist_index>> found;
  for (specialist_index other = 0; other < slots.size(); ++other)
    if (ledger_[other].held && !ledger_[other].recalled && !facts_[other].pinned
        && slots[other].state == worker_state::warm && slots[other].tasks > 0
        && now_s_ - slots[other].since_s >= over_s_)
      found.emplace_back(run_ns(other), other);
  std::ranges::sort(found);
  if (found.size() > tried_max) found.resize(tried_max);
  std::vector<specialist_index> result;
  for (const auto& [time, other] : found) result.push_back(other);
  return result;
}

}  // namespace greenroom::runtime
