// Accepted = answered + pending at every moment: shows that no task is lost or answered twice.
#pragma once

#include <cstdint>
#include <string>

namespace greenroom::runtime::rollout {

/// Counters since the journal began, read together.
struct ledger_counts {
  std::uint64_t accepted = 0;
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t unknown = 0;  ///< `unsafe` tasks whose worker died: answered as `unknown`.
  std::uint64_t queued = 0;
  std::uint64_t running = 0;

  std::uint64_t answered() const { return completed + failed + cancelled + unknown; }
  std::uint64_t pending() const { return queued + running; }
};

struct ledger_verdict {
  bool balanced = true;
  std::uint64_t lost = 0;     ///< Accepted, and neither answered nor pending.
  std::uint64_t surplus = 0;  ///< Answered or pending more often than accepted.
  std::string text;           ///< "120 accepted = 110 answered + 10 pending"
};
ledger_verdict balance(const ledger_counts& now);

}  // namespace greenroom::runtime::rollout
