#include "runtime/pooling/slot_facts.hpp"

#include <cmath>

namespace greenroom::runtime {

namespace {

// Every specialist is updated when the typical start has moved so far (natural logarithm).
constexpr double typical_moved = 0.1;

}  // namespace

void slot_facts::adopt(const std::vector<slot_description>& all) {
  facts_.resize(all.size());
  const auto known = starts_.resize(all.size());
  for (auto i = known; i < all.size(); ++i)
    if (all[i].measured_start_s > 0)
      starts_.record_start(static_cast<specialist_index>(i), all[i].measured_start_s);
  typical_reported_s_ = starts_.typical_s();
  for (specialist_index who = 0; who < all.size(); ++who) {
    auto& fact = facts_[who];
    fact.department = all[who].department;
    fact.priority_weight = all[who].priority_weight;
    fact.pinned = all[who].pinned;
    fact.memory_mb = all[who].memory_mb;
    tell(who);
  }
}

void slot_facts::forget(specialist_index who) {
  facts_[who].load_s = specialist_facts{}.load_s;
  starts_.forget(who);
}

void slot_facts::learn_start(specialist_index who, double seconds) {
  starts_.record_start(who, seconds);
  const auto typical_s = starts_.typical_s();
  const bool moved = typical_reported_s_ <= 0
                     || std::abs(std::log(typical_s / typical_reported_s_)) > typical_moved;
  if (!moved) return tell(who);
  typical_reported_s_ = typical_s;
  for (specialist_index one = 0; one < facts_.size(); ++one) tell(one);
}

void slot_facts::learn_memory(specialist_index who, double megabytes) {
  facts_[who].memory_mb = megabytes;
  policy_.learn(who, facts_[who]);
}

void slot_facts::tell(specialist_index who) {
  facts_[who].load_s = starts_.expected_s(who, facts_[who].load_s);
  policy_.learn(who, facts_[who]);
}

}  // namespace greenroom::runtime
