// Accepted = answered + pending at every moment: shows that no task is lost or answered twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

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
/// Also checks that no monotonic counter decreased since `before` (a lost journal).
ledger_verdict balance(const ledger_counts& before, const ledger_counts& now);

enum class ending : std::uint8_t { completed, failed, cancelled, unknown };

/// The same invariant per task: which attempt may answer. An attempt has a token; fencing a task (a
/// requeue, a rollback, a worker given up) invalidates all older tokens, so that the answer of a
/// fenced attempt is recognised and never delivered. Holds one entry per pending task, so it is
/// bounded by admission.
class task_ledger {
public:
  using token = std::uint64_t;  ///< 0 is never issued.

  /// False when the task is pending already.
  bool accept(std::uint64_t task);
  /// The task starts to run; earlier attempts are fenced. Nothing when the task is not pending.
  std::optional<token> start(std::uint64_t task);
  /// Back into a queue; a running attempt is fenced. False when the task is not pending.
  bool requeue(std::uint64_t task);
  enum class answer : std::uint8_t {
    deliver,  ///< The one answer of this task.
    fenced,   ///< From a fenced attempt: drop it.
    unheard,  ///< The task is not pending (answered before, or never accepted): drop it.
  };
  /// `from` is the token of the attempt that answers; 0 for a task that never started.
  answer end(std::uint64_t task, token from, ending how);

  const ledger_counts& counts() const { return counts_; }
  std::uint64_t fenced_answers() const { return fenced_; }
  std::uint64_t unheard_answers() const { return unheard_; }

private:
  std::unordered_map<std::uint64_t, token> pending_;  ///< 0: queued.
  ledger_counts counts_;
  token next_ = 1;
  std::uint64_t fenced_ = 0;
  std::uint64_t unheard_ = 0;
};

}  // namespace greenroom::runtime::rollout
