// Checks that every accepted task was answered exactly once: the caller's own record, and the
// bounds of a ledger reading.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace greenroom::runtime::chaos {

/// Kept by the caller from its replies alone, independent of the node's counters. Open a ticket
/// before submitting, because the task may end before `submit` returns.
class answer_book {
public:
  using ticket = std::size_t;

  ticket open();
  void accepted(ticket which);
  void refused(ticket which);
  /// False when the ticket was already answered.
  bool answered(ticket which);

  [[nodiscard]] std::uint64_t accepted() const { return accepted_; }
  [[nodiscard]] std::uint64_t answered() const { return answered_; }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }
  /// Answered more than once, or answered although refused.
  [[nodiscard]] std::uint64_t doubled() const { return doubled_; }
  /// Accepted and not yet answered.
  [[nodiscard]] std::uint64_t pending() const;

private:
  struct entry {
    bool accepted = false, refused = false, answered = false;
  };
  std::vector<entry> entries_;
  std::uint64_t accepted_ = 0, answered_ = 0, refused_ = 0, doubled_ = 0;
};

/// Two monotonic counters, read before and after listing the active tasks.
struct ledger_reading {
  std::uint64_t accepted_before = 0, ended_before = 0;
  std::uint64_t alive = 0;  ///< Listed as not ended.
  std::uint64_t accepted_after = 0, ended_after = 0;
};

/// The node keeps running during the reading. A task accepted before it and not ended after it must
/// be listed; a listed task must have been accepted by the end and not ended before the start.
struct ledger_bounds {
  std::uint64_t lost = 0;     ///< Lower bound: accepted, not ended, and not listed.
  std::uint64_t surplus = 0;  ///< Lower bound: listed, but ended before or never accepted.
  [[nodiscard]] bool balanced() const { return lost == 0 && surplus == 0; }
};
ledger_bounds judge(const ledger_reading& seen);

}  // namespace greenroom::runtime::chaos
