// Whether every task that was accepted was answered, and answered once: the caller's own book, and
// a reading of the node's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace greenroom::runtime::chaos {

/// Kept by who asks, from what it was told alone; the node's counters have no part in it. A ticket
/// is opened before the task is submitted, because its end may be heard before `submit` returns.
class answer_book {
public:
  using ticket = std::size_t;

  ticket open();
  void accepted(ticket which);
  void refused(ticket which);
  /// False when the ticket had been answered before.
  bool answered(ticket which);

  [[nodiscard]] std::uint64_t accepted() const { return accepted_; }
  [[nodiscard]] std::uint64_t answered() const { return answered_; }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }
  /// Answered more than once, or answered although refused.
  [[nodiscard]] std::uint64_t doubled() const { return doubled_; }
  /// Accepted and not answered.
  [[nodiscard]] std::uint64_t pending() const;

private:
  struct entry {
    bool accepted = false, refused = false, answered = false;
  };
  std::vector<entry> entries_;
  std::uint64_t accepted_ = 0, answered_ = 0, refused_ = 0, doubled_ = 0;
};

/// Two counters that only grow, read before and after the tasks that are alive were looked through.
struct ledger_reading {
  std::uint64_t accepted_before = 0, ended_before = 0;
  std::uint64_t alive = 0;  ///< Found, and not ended.
  std::uint64_t accepted_after = 0, ended_after = 0;
};

/// The picture moves while it is taken. What was accepted before and had not ended afterwards must
/// have been found; what was found must have been accepted by then and not ended before.
struct ledger_bounds {
  std::uint64_t lost = 0;     ///< Surely accepted, surely not ended, and not found: at least.
  std::uint64_t surplus = 0;  ///< Found, but ended before or never accepted: at least.
  [[nodiscard]] bool balanced() const { return lost == 0 && surplus == 0; }
};
ledger_bounds judge(const ledger_reading& seen);

}  // namespace greenroom::runtime::chaos
