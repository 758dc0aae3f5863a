#include "runtime/pooling/slot_allocator.hpp"

#include "runtime/pooling/planned_starts.hpp"
#include "runtime/pooling/slot_turns.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace greenroom::runtime {

namespace {

// However soon a policy wants to be asked again; a large cast takes longer to look at.
constexpr double review_min_s = 0.02;
constexpr double review_each_s = 1e-5;
constexpr double review_max_s = 1.0;
constexpr double answer_s = 1;  // A grant that was not answered by then is sent again.
// A pinned worker that cannot start is tried again after this, twice this, and so on.
constexpr double failed_base_s = 1;
constexpr double failed_max_s = 60;

}  // namespace

slot_allocator::slot_allocator(warm_policy& policy, std::uint64_t last_lease)
    : policy_{policy}, facts_{policy}, last_lease_{last_lease} {}

// -- the catalog --------------------------------------------------------------

void slot_allocator::adopt(const pool_limits& limits, const std::vector<slot_description>& all) {
  limits_ = limits;
  slots_.resize(all.size());
  ledger_.resize(all.size());
  starts_at_once_.resize(all.size());
  facts_.adopt(all);
  for (specialist_index who = 0; who < all.size(); ++who) {
    starts_at_once_[who] = all[who].starts_at_once;
    // A worker that is up and has been pinned takes no slot any more, and the other way round.
    if (ledger_[who].held && (ledger_[who].counted_mb < 0) != facts_[who].pinned) {
      ledger_.release(who);
      ledger_.hold(who, facts_[who]);
    }
  }
  policy_.set_limits(limits_);
}

void slot_allocator::forget(specialist_index who) {
  ledger_.release(who);
  ledger_[who] = {};
  slots_[who] = {};
  facts_.forget(who);
  std::erase(waiting_, who);
  std::erase(reservations_, who);
}

// -- demand -------------------------------------------------------------------

void slot_allocator::department_joined(std::uint32_t department, double now_s) {
  for (specialist_index who = 0; who < size(); ++who)
    if (facts_[who].department == department && ledger_[who].held && !ledger_[who].answered)
      vacate(who, now_s);
  grant_reserved(now_s);
  serve_waiting(now_s);
}

void slot_allocator::on_need(specialist_index who, std::uint64_t lease, double now_s) {
  if (who >= size()) return;
  auto& mine = ledger_[who];
  slots_[who].tasks = std::max(slots_[who].tasks, 1U);
  mine.cooled_by_hand_s = mine.failed_until_s = 0;
  mine.failures = 0;
  const bool answers = lease == 0 || lease >= mine.lease;
  if (mine.reserved || (mine.held && !answers)) {
    mine.why = reason::demand;  // The slot is on its way.
    return;
  }
  // A department that asks has received every grant, and has no worker for this specialist.
  if (mine.held) vacate(who, now_s);
  if (is_waiting(who))
    review_at(now_s + review_pause_s());
  else
    find_slot(who, reason::demand, now_s);
}

// A slot at once, or as soon as the processes that give it up have ended.
void slot_allocator::find_slot(specialist_index who, reason why, double now_s) {
  const auto room = policy_.make_room(who, slots_, now_s);
  if (!room.fits) {
    wait(who, now_s);
    review_at(now_s + review_pause_s());
    return;
  }
  ledger_[who].waits_since_s = 0;
  ledger_[who].why = why;
  reserve(who, now_s);
  for (const auto& victim : room.evict) recall(victim.who, reason::evicted, now_s);
  grant_reserved(now_s);
}

// To the policy a reserved slot is taken.
void slot_allocator::reserve(specialist_index who, double now_s) {
  ledger_[who].reserved = true;
  reservations_.push_back(who);
  slots_[who].state = worker_state::warming;
  slots_[who].since_s = now_s;
}

void slot_allocator::wait(specialist_index who, double now_s) {
  if (ledger_[who].waits_since_s <= 0) ledger_[who].waits_since_s = now_s;
  if (!is_waiting(who)) waiting_.push_back(who);
}

bool slot_allocator::is_waiting(specialist_index who) const {
  return std::ranges::find(waiting_, who) != waiting_.end();
}

void slot_allocator::serve_waiting(double now_s) {
  for (auto count = waiting_.size(); count-- > 0;) {
    const auto who = waiting_.front();
    waiting_.pop_front();
    auto& mine = ledger_[who];
    if (mine.held && slots_[who].state == worker_state::cooling && slots_[who].tasks > 0) {
      waiting_.push_back(who);
    } else if (mine.held || mine.reserved || slots_[who].tasks == 0) {
      mine.waits_since_s = 0;  // It has a slot, or no task waits for it any more.
    } else {
      find_slot(who, reason::demand, now_s);
    }
  }
}

// -- turns --------------------------------------------------------------------

// No specialist is idle, and one has waited for a whole turn. Another one gives up its slot as soon
// as its running tasks are done, even when more tasks wait for it. It asks for a slot again later.
void slot_allocator::take_turns(const run_times& run_ns, double now_s) {
  auto line = std::vector<specialist_index>(waiting_.begin(), waiting_.end());
  std::ranges::stable_sort(line, {},
                           [&](specialist_index who) { return ledger_[who].waits_since_s; });
  slot_turns turns{ledger_, facts_, limits_, now_s};
  for (const auto who : line)
    for (const auto other : turns.over_for(who, slots_, run_ns)) {
      auto without = slots_;
      without[other].state = worker_state::cooling;
      if (!policy_.make_room(who, without, now_s).fits) continue;
      recall(other, reason::evicted, now_s, true);
      std::erase(waiting_, who);
      find_slot(who, reason::demand, now_s);
      break;
    }
}

// -- grants -------------------------------------------------------------------

void slot_allocator::grant_reserved(double now_s) {
  const auto line = std::exchange(reservations_, {});
  for (const auto who : line) {
    if (!ledger_[who].reserved || ledger_[who].held) continue;
    if (ledger_.has_room_for(facts_[who], limits_))
      grant(who, now_s);
    else
      reservations_.push_back(who);
  }
}

// A promised slot becomes free when another specialist leaves it. When that specialist stays after
// all, the latest promises are taken back, and their specialists wait for the next slot.
void slot_allocator::keep_promises(double now_s) {
  if (reservations_.empty()) return;
  auto places = limits_.max_warm - std::min(limits_.max_warm, ledger_.held_count());
  double staying_mb = ledger_.held_mb();
  bool any_stays = false;
  for (specialist_index who = 0; who < size(); ++who) {
    const auto& one = ledger_[who];
    if (!one.held || one.counted_mb < 0) continue;
    const bool leaves = one.recalled || slots_[who].state == worker_state::cooling;
    any_stays = any_stays || !leaves;
    if (!leaves) continue;
    ++places;
    staying_mb -= one.counted_mb;
  }
  for (const auto who : std::exchange(reservations_, {})) {
    auto& mine = ledger_[who];
    if (!mine.reserved || mine.held) continue;
    const auto needed_mb = facts_[who].memory_mb;
    const bool fits = facts_[who].pinned
                      || (places > 0
                          && (limits_.memory_budget_mb <= 0 || !any_stays
                              || staying_mb + needed_mb <= limits_.memory_budget_mb));
    if (fits) {
      reservations_.push_back(who);
      if (facts_[who].pinned) continue;
      --places;
      staying_mb += needed_mb;
      any_stays = true;
      continue;
    }
    mine.reserved = false;
    slots_[who].state = worker_state::cold;
    if (mine.why == reason::demand || slots_[who].tasks > 0) wait(who, now_s);
  }
}

// A grant is lost only with the department that was to receive it, which is noticed. Sending it
// again costs nothing.
void slot_allocator::repeat_grants(double now_s) {
  for (specialist_index who = 0; who < size(); ++who) {
    auto& mine = ledger_[who];
    if (!mine.held || mine.answered || mine.lease == 0 || now_s < mine.told_s + answer_s) continue;
    mine.told_s = now_s;
    orders_.push_back({slot_order::kind::grant, who, mine.why, mine.lease});
  }
}

void slot_allocator::grant(specialist_index who, double now_s) {
  auto& mine = ledger_[who];
  mine.reserved = mine.recalled = mine.answered = mine.started = false;
  ledger_.hold(who, facts_[who]);
  mine.lease = ++last_lease_;
  mine.told_s = mine.granted_s = now_s;
  mine.prewarmed = mine.why != reason::demand;
  slots_[who].state = worker_state::warming;
  slots_[who].since_s = now_s;
  if (is_ahead_of_demand(mine.why)) ++tally_.prewarms;
  orders_.push_back({slot_order::kind::grant, who, mine.why, mine.lease});
}

void slot_allocator::recall(specialist_index who, reason why, double now_s, bool turn) {
  if (!ledger_[who].held || ledger_[who].recalled) return;
  ledger_[who].recalled = true;
  slots_[who].state = worker_state::cooling;
  slots_[who].since_s = now_s;
  ++(why == reason::evicted ? tally_.evictions : tally_.cooldowns);
  orders_.push_back({slot_order::kind::recall, who, why, 0, turn});
}

// -- reports ------------------------------------------------------------------

void slot_allocator::on_event(specialist_index who, base::slot_event what, double load_s,
                              std::uint64_t lease, double now_s) {
  if (who >= size()) return;
  auto& slot = slots_[who];
  auto& mine = ledger_[who];
  // A report from before the last grant says nothing about that grant, which is answered, too.
  const bool answers = lease == 0 || lease >= mine.lease;
  const bool was_leaving = mine.recalled || slot.state == worker_state::cooling;
  using enum base::slot_event;
  if (what == released || what == failed) {
    if (!mine.reserved && answers) {
      const auto failures = mine.failures;
      const bool again = mine.warm_when_ended;
      vacate(who, now_s);
      if (what == failed) note_failure(who, failures, now_s);
      if (again) warm_by_hand(who, now_s);
    }
  } else {
    ledger_.hold(who, facts_[who]);
    mine.answered = mine.answered || answers;
  }
  switch (what) {
    case warming:
      mine.reserved = mine.recalled = false;
      mine.started = true;
      if (slot.state != worker_state::warming)
        slot = {worker_state::warming, slot.tasks, now_s, now_s};
      break;
    case warm:
      mine.reserved = mine.recalled = false;
      mine.started = true;
      mine.failed_until_s = 0;
      if (slot.state != worker_state::warm) slot.since_s = slot.idle_since_s = now_s;
      slot.state = worker_state::warm;
      if (load_s > 0) facts_.learn_start(who, load_s);
      break;
    case cooling:
      mine.reserved = false;
      slot.state = worker_state::cooling;
      break;
    case kept:
      mine.recalled = mine.reserved = mine.warm_when_ended = false;
      // It has been there since its start, and is not protected anew.
      if (slot.state != worker_state::warm) slot.since_s = mine.granted_s;
      slot.state = worker_state::warm;
      slot.tasks = std::max(slot.tasks, 1U);
      break;
    case released:
    case failed: break;
  }
  if (was_leaving && mine.held && !mine.recalled && slot.state != worker_state::cooling)
    keep_promises(now_s);
  grant_reserved(now_s);
  serve_waiting(now_s);
  review_at(now_s + review_max_s);
}

// The specialist has neither a process nor a slot.
void slot_allocator::vacate(specialist_index who, double now_s) {
  auto& mine = ledger_[who];
  ledger_.release(who);
  if (mine.started && mine.prewarmed && is_ahead_of_demand(mine.why)) {
    ++tally_.prewarm_wastes;
    tally_.prewarm_wasted_ms +=
        static_cast<std::uint64_t>(std::max(now_s - mine.granted_s, 0.0) * 1e3);
  }
  mine = {.lease = mine.lease, .cooled_by_hand_s = mine.cooled_by_hand_s > 0 ? now_s : 0};
  slots_[who].state = worker_state::cold;
  slots_[who].since_s = now_s;
}

// A pinned specialist is tried again after a while; any other one when a task needs it.
void slot_allocator::note_failure(specialist_index who, std::uint32_t before, double now_s) {
  auto& mine = ledger_[who];
  constexpr std::uint32_t doublings_max = 16;
  const auto wait_s = std::min(failed_base_s * std::exp2(before), failed_max_s);
  mine.failures = std::min(before + 1, doublings_max);
  mine.failed_until_s = facts_[who].pinned ? now_s + wait_s : never_s;
}

void slot_allocator::on_arrival(specialist_index who, std::uint64_t case_key, double arrived_s) {
  if (who >= size()) return;
  policy_.observe_arrival(who, case_key, arrived_s);
  auto& mine = ledger_[who];
  // An arrival from before the `cool` by hand may be reported after it.
  if (arrived_s > mine.cooled_by_hand_s) mine.cooled_by_hand_s = 0;
  if (std::exchange(mine.prewarmed, false) && mine.held && is_ahead_of_demand(mine.why))
    ++tally_.prewarm_hits;
}

void slot_allocator::on_usage(specialist_index who, std::uint32_t tasks, double idle_since_s,
                              double now_s) {
  if (who >= size()) return;
  auto& slot = slots_[who];
  slot.tasks = tasks;
  if (tasks > 0) return;
  slot.idle_since_s = std::max(idle_since_s, slot.since_s);
  policy_.observe_idle(who, slot.idle_since_s);
  if (ledger_[who].cool_when_idle) recall(who, reason::by_hand, now_s);
}

void slot_allocator::on_batch_end(double now_s) {
  if (!waiting_.empty()) serve_waiting(now_s);
  review_at(now_s + review_max_s);
}

void slot_allocator::on_memory(specialist_index who, double megabytes) {
  if (who >= size()) return;
  facts_.learn_memory(who, megabytes);
  ledger_.remeasure(who, megabytes);
}

// -- by hand ------------------------------------------------------------------

// Now or not at all: no operator waits for a slot.
void slot_allocator::warm_by_hand(specialist_index who, double now_s) {
  if (who >= size()) return;
  auto& mine = ledger_[who];
  mine.cooled_by_hand_s = mine.failed_until_s = 0;
  mine.cool_when_idle = false;
  mine.warm_when_ended = mine.held && slots_[who].state == worker_state::cooling;
  if (mine.held || mine.reserved) return;
  const bool waits = is_waiting(who);
  find_slot(who, reason::by_hand, now_s);
  if (waits) return;
  std::erase(waiting_, who);
  mine.waits_since_s = 0;
}

void slot_allocator::cool_by_hand(specialist_index who, double now_s) {
  if (who >= size()) return;
  auto& mine = ledger_[who];
  mine.cooled_by_hand_s = now_s;
  mine.cool_when_idle = mine.held || mine.reserved;
  mine.warm_when_ended = false;
  recall(who, reason::by_hand, now_s);
}

// -- reviews ------------------------------------------------------------------

double slot_allocator::review_pause_s() const {
  return std::clamp(review_each_s * static_cast<double>(size()), review_min_s, review_max_s);
}

void slot_allocator::review_at(double due_s) { review_due_s_ = std::min(review_due_s_, due_s); }

bool slot_allocator::review(std::size_t ahead_max, const run_times& run_ns, double now_s) {
  repeat_grants(now_s);
  keep_promises(now_s);
  grant_reserved(now_s);
  serve_waiting(now_s);
  take_turns(run_ns, now_s);
  const plan wanted = policy_.review(slots_, now_s);
  for (const auto& one : wanted.cool) recall(one.who, one.why, now_s);
  planned_starts starts{*this, ahead_max};
  starts.carry_out(wanted, now_s);
  review_at(starts.retry_s());
  if (starts.more()) return true;
  if (ledger_.held_count() > 0 || !waiting_.empty() || wanted.next_review_s < never_s)
    review_at(std::clamp(wanted.next_review_s, now_s + review_pause_s(), now_s + review_max_s));
  return false;
}

}  // namespace greenroom::runtime
