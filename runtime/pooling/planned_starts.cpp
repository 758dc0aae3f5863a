#include "runtime/pooling/planned_starts.hpp"

#include <algorithm>

namespace greenroom::runtime {

planned_starts::planned_starts(slot_allocator& slots, std::size_t ahead_max)
    : slots_{slots}, ahead_max_{std::max<std::size_t>(ahead_max, 1)} {
  for (specialist_index who = 0; who < slots_.size(); ++who) {
    const auto state = slots_.slot_of(who).state;
    if (state == worker_state::warming) ++warming_;
    if (slots_.holding_of(who).held && state == worker_state::cooling) ++ending_;
  }
}

void planned_starts::carry_out(const plan& wanted, double now_s) {
  for (const auto& one : wanted.warm)
    if (consider(one, now_s) == verdict::stop) break;
}

planned_starts::verdict planned_starts::consider(const change& one, double now_s) {
  const auto& mine = slots_.holding_of(one.who);
  if (mine.held || mine.reserved) return verdict::go_on;
  if (now_s < mine.failed_until_s) {
    retry_s_ = std::min(retry_s_, mine.failed_until_s);
    return verdict::go_on;
  }
  const auto width = std::max<std::size_t>(slots_.limits().warming_concurrency, 1);
  if (!slots_.starts_at_once_[one.who] && warming_ >= width) {
    more_ = true;
    return verdict::stop;
  }
  if (is_held_back(one, now_s)) return verdict::go_on;
  if (is_ahead_of_demand(one.why) && ahead_ >= ahead_max_) {
    more_ = true;
    return verdict::stop;
  }
  start(one, now_s);
  return verdict::go_on;
}

bool planned_starts::is_held_back(const change& one, double now_s) {
  const auto cooled_s = slots_.holding_of(one.who).cooled_by_hand_s;
  if (!is_ahead_of_demand(one.why) || cooled_s <= 0) return false;
  const auto until_s = cooled_s + cooled_by_hand_lasts_s();
  if (now_s >= until_s) return false;
  retry_s_ = std::min(retry_s_, until_s);
  return true;
}

void planned_starts::start(const change& one, double now_s) {
  auto& mine = slots_.ledger_[one.who];
  if (!slots_.ledger_.has_room_for(slots_.facts_[one.who], slots_.limits_)) {
    // The plan has made room, which is free only when the other specialist's process has ended.
    if (ending_ <= slots_.reservations_.size()) return;
    slots_.reserve(one.who, now_s);
  }
  mine.why = one.why;
  if (is_ahead_of_demand(one.why)) ++ahead_;
  if (!slots_.starts_at_once_[one.who]) ++warming_;
  if (!mine.reserved) slots_.grant(one.who, now_s);
}

double planned_starts::cooled_by_hand_lasts_s() const {
  const auto& limits = slots_.limits();
  const auto residency_s =
      limits.min_residency_s >= 0 ? limits.min_residency_s : limits.automatic_residency_max_s;
  return std::max(residency_s, limits.cooldown_s);
}

}  // namespace greenroom::runtime
