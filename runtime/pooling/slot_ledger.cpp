#include "runtime/pooling/slot_ledger.hpp"

namespace greenroom::runtime {

void slot_ledger::hold(specialist_index who, const specialist_facts& facts) {
  auto& mine = holdings_[who];
  if (mine.held) return;
  mine.held = true;
  mine.counted_mb = facts.pinned ? -1 : facts.memory_mb;
  if (mine.counted_mb < 0) return;
  ++held_count_;
  held_mb_ += mine.counted_mb;
}

void slot_ledger::release(specialist_index who) {
  auto& mine = holdings_[who];
  if (!mine.held) return;
  mine.held = false;
  if (mine.counted_mb < 0) return;
  --held_count_;
  held_mb_ -= mine.counted_mb;
}

void slot_ledger::remeasure(specialist_index who, double megabytes) {
  auto& mine = holdings_[who];
  if (!mine.held || mine.counted_mb < 0) return;
  held_mb_ += megabytes - mine.counted_mb;
  mine.counted_mb = megabytes;
}

bool slot_ledger::has_room_for(const specialist_facts& facts, const pool_limits& limits) const {
  if (facts.pinned) return true;
  return held_count_ < limits.max_warm
         && (limits.memory_budget_mb <= 0 || held_count_ == 0
             || held_mb_ + facts.memory_mb <= limits.memory_budget_mb);
}

}  // namespace greenroom::runtime
