// Whose turn is over when more specialists have tasks than there are slots.
#pragma once

#include "runtime/pooling/slot_facts.hpp"
#include "runtime/pooling/slot_ledger.hpp"
#include "runtime/pooling/warm_policy.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace greenroom::runtime {

/// How long a task of the specialist takes, in nanoseconds.
using run_times = std::function<std::int64_t(specialist_index)>;

/// A turn is as long as the start of the specialist that waits for it. A specialist that starts
/// faster must not always come first, so no turn ends before the turns of those that waited longer:
/// ask in the order of waiting. Lives for one review, and refers to its arguments.
class slot_turns {
public:
  slot_turns(const slot_ledger& ledger, const slot_facts& facts, const pool_limits& limits,
             double now_s)
      : ledger_{ledger}, facts_{facts}, limits_{limits}, now_s_{now_s} {}

  /// The specialists of which one should give up its slot for `who`, best first; empty while `who`
  /// has not waited for a whole turn. They are at work, and the shortest tasks come first.
  [[nodiscard]] std::vector<specialist_index> over_for(specialist_index who,
                                                       std::span<const slot_state> slots,
                                                       const run_times& run_ns);

private:
  const slot_ledger& ledger_;
  const slot_facts& facts_;
  const pool_limits& limits_;
  double now_s_;
  double over_s_ = 0;  ///< The longest turn that was over so far.
};

}  // namespace greenroom::runtime
