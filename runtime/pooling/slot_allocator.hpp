// Who holds the slots of one pool: the conversation of a director with its departments, as
// decisions.
#pragma once

#include "protocols/base/slot_event.hpp"
#include "runtime/pooling/slot_facts.hpp"
#include "runtime/pooling/slot_ledger.hpp"
#include "runtime/pooling/slot_turns.hpp"
#include "runtime/pooling/warm_policy.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

namespace greenroom::runtime {

/// A start for no task yet that is scored: a pin and an operator's wish are no predictions.
[[nodiscard]] constexpr bool is_ahead_of_demand(reason why) {
  return why == reason::predicted || why == reason::workflow;
}

/// A message to a department.
struct slot_order {
  enum class kind : std::uint8_t { grant, recall };
  kind what = kind::grant;
  specialist_index who = 0;
  reason why = reason::demand;
  std::uint64_t lease = 0;  ///< With grant.
  bool turn = false;        ///< With recall: also when it is in use.
};

/// What has happened since the last look, to be counted.
struct slot_tally {
  std::uint64_t prewarms = 0, prewarm_hits = 0, prewarm_wastes = 0, prewarm_wasted_ms = 0;
  std::uint64_t evictions = 0, cooldowns = 0;
};

/// Holds the slots of one pool. A slot is held from its grant until the worker's process has ended;
/// a specialist that a task waits for has a slot reserved while another specialist gives it up.
/// Every report may be repeated and says how things are, so that what one side has forgotten is
/// reported by the other side. The number of a grant (its lease) tells an answer to that grant from
/// an older report.
///
/// After each call the owner carries out `take_orders`, adds up `take_tally` and calls `review` no
/// later than `take_review_due_s`.
class slot_allocator {
public:
  /// `policy` must outlive the allocator. `last_lease`: the last lease of a predecessor.
  slot_allocator(warm_policy& policy, std::uint64_t last_lease);

  // -- the catalog --
  void adopt(const pool_limits& limits, const std::vector<slot_description>& all);
  /// The index belongs to another specialist from now on.
  void forget(specialist_index who);

  // -- reports --
  /// The department is new: it has not received the grants that its predecessor did not answer.
  void department_joined(std::uint32_t department, double now_s);
  void on_need(specialist_index who, std::uint64_t lease, double now_s);
  /// `load_s`: with warm, how long the start took; 0: not measured.
  void on_event(specialist_index who, base::slot_event what, double load_s, std::uint64_t lease,
                double now_s);
  void on_arrival(specialist_index who, std::uint64_t case_key, double arrived_s);
  void on_usage(specialist_index who, std::uint32_t tasks, double idle_since_s, double now_s);
  /// After a batch of arrivals and usage.
  void on_batch_end(double now_s);
  void on_memory(specialist_index who, double megabytes);
  void warm_by_hand(specialist_index who, double now_s);
  void cool_by_hand(specialist_index who, double now_s);

  // -- reviews --
  /// Starts at most `ahead_max` specialists ahead of demand. Returns true when more starts were
  /// wanted than may run at once: review again soon.
  [[nodiscard]] bool review(std::size_t ahead_max, const run_times& run_ns, double now_s);

  [[nodiscard]] std::vector<slot_order> take_orders() { return std::exchange(orders_, {}); }
  [[nodiscard]] slot_tally take_tally() { return std::exchange(tally_, {}); }
  /// Earliest review that was asked for since the last call; `never_s`: none.
  [[nodiscard]] double take_review_due_s() { return std::exchange(review_due_s_, never_s); }
  /// A review that finds nothing to do needs at least this pause: a large cast takes longer.
  [[nodiscard]] double review_pause_s() const;

  [[nodiscard]] std::uint64_t last_lease() const { return last_lease_; }
  [[nodiscard]] std::size_t size() const { return slots_.size(); }
  [[nodiscard]] const pool_limits& limits() const { return limits_; }
  [[nodiscard]] const slot_holding& holding_of(specialist_index who) const { return ledger_[who]; }
  [[nodiscard]] const slot_state& slot_of(specialist_index who) const { return slots_[who]; }
  [[nodiscard]] const slot_ledger& ledger() const { return ledger_; }

private:
  friend class planned_starts;

  void find_slot(specialist_index who, reason why, double now_s);
  void reserve(specialist_index who, double now_s);
  void wait(specialist_index who, double now_s);
  [[nodiscard]] bool is_waiting(specialist_index who) const;
  void vacate(specialist_index who, double now_s);
  void note_failure(specialist_index who, std::uint32_t before, double now_s);
  void repeat_grants(double now_s);
  void keep_promises(double now_s);
  void take_turns(const run_times& run_ns, double now_s);
  void serve_waiting(double now_s);
  void grant_reserved(double now_s);
  void grant(specialist_index who, double now_s);
  void recall(specialist_index who, reason why, double now_s, bool turn = false);
  void review_at(double due_s);

  warm_policy& policy_;
  pool_limits limits_;
  slot_facts facts_;
  slot_ledger ledger_;
  std::vector<slot_state> slots_;
  std::vector<bool> starts_at_once_;
  std::deque<specialist_index> waiting_;        ///< Wanted, without a slot so far; each once.
  std::vector<specialist_index> reservations_;  ///< In the order of the promises.
  std::uint64_t last_lease_;
  double review_due_s_ = never_s;
  std::vector<slot_order> orders_;
  slot_tally tally_;
};

}  // namespace greenroom::runtime
