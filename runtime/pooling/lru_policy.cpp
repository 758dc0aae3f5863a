#include "runtime/pooling/lru_policy.hpp"

#include <algorithm>
#include <cassert>

#include "runtime/pooling/capacity.hpp"
#include "runtime/pooling/eviction_order.hpp"

namespace greenroom::runtime {
namespace {

class lru_policy final : public warm_policy {
public:
  void learn(specialist_index who, const specialist_facts& facts) override {
    assert(who <= facts_.size());
    if (who == facts_.size()) facts_.emplace_back();
    facts_[who] = facts;
  }

  void set_limits(const pool_limits& limits) override { limits_ = limits; }

  // The slot states contain all that this policy needs.
  void observe_arrival(specialist_index, std::uint64_t, double) override {}
  void observe_idle(specialist_index, double) override {}

  room make_room(specialist_index who, std::span<const slot_state> slot_states,
                 double now_s) override {
    assert(who < facts_.size() && slot_states.size() == facts_.size());
    if (facts_[who].pinned || counts(slot_states[who], facts_[who])) return {true, {}};
    return choose_evictions(eviction_order{candidates(slot_states, now_s)}, facts_, limits_,
                            taken(slot_states, facts_), {1, facts_[who].memory_mb});
  }

  plan review(std::span<const slot_state> slot_states, double now_s) override {
    assert(slot_states.size() == facts_.size());
    plan answer;
    for (specialist_index who = 0; who < slot_states.size(); ++who) {
      const slot_state& slot = slot_states[who];
      if (facts_[who].pinned) {
        if (slot.state == worker_state::cold) answer.warm.push_back({who, reason::pinned, 1.0});
        continue;
      }
      if (slot.state != worker_state::warm || slot.tasks > 0) continue;
      const double due_s = std::max(idle_since(slot) + limits_.cooldown_s,
                                    slot.since_s + residency_of(facts_[who], limits_));
      if (due_s <= now_s) {
        answer.cool.push_back({who, reason::cooldown, facts_[who].priority_weight});
      } else {
        answer.next_review_s = std::min(answer.next_review_s, due_s);
      }
    }
    shed(slot_states, now_s, answer);
    return answer;
  }

private:
  std::vector<candidate> candidates(std::span<const slot_state> slot_states, double now_s) const {
    std::vector<candidate> found;
    for (specialist_index who = 0; who < slot_states.size(); ++who) {
      if (!evictable(slot_states[who], facts_[who], residency_of(facts_[who], limits_), now_s))
        continue;
      found.push_back({who, facts_[who].priority_weight, idle_since(slot_states[who])});
    }
    return found;
  }

  // Lowered limits, or workers that grew, leave the pool above its caps.
  void shed(std::span<const slot_state> slot_states, double now_s, plan& answer) const {
    occupancy now = taken(slot_states, facts_);
    std::vector<bool> leaving(slot_states.size(), false);
    for (const change& one : answer.cool) {
      leaving[one.who] = true;
      --now.slots;
      now.memory_mb -= facts_[one.who].memory_mb;
    }
    if (within(limits_, now)) return;
    const bool slots_exceeded = now.slots > limits_.max_warm;
    std::vector<candidate> found = candidates(slot_states, now_s);
    std::sort(found.begin(), found.end(), goes_before);
    for (const candidate& one : found) {
      if (within(limits_, now)) return;
      if (leaving[one.who]) continue;
      answer.cool.push_back(
          {one.who, slots_exceeded ? reason::evicted : reason::memory, one.worth});
      --now.slots;
      now.memory_mb -= facts_[one.who].memory_mb;
    }
    // Still above the caps: the others are busy or within residency. Review when residency ends.
    if (!within(limits_, now)) {
      for (specialist_index who = 0; who < slot_states.size(); ++who) {
        const slot_state& slot = slot_states[who];
        if (!counts(slot, facts_[who]) || slot.tasks > 0 || leaving[who]) continue;
        const double free_s = slot.since_s + residency_of(facts_[who], limits_);
        if (free_s > now_s) answer.next_review_s = std::min(answer.next_review_s, free_s);
      }
    }
  }

  std::vector<specialist_facts> facts_;
  pool_limits limits_;
};

}  // namespace

std::unique_ptr<warm_policy> make_lru_policy() { return std::make_unique<lru_policy>(); }

}  // namespace greenroom::runtime
