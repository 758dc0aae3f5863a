#include "runtime/pooling/department_balance.hpp"

#include <algorithm>

#include "runtime/pooling/capacity.hpp"

namespace greenroom::runtime {
namespace {

// Above its half, a department's specialists count a quarter of their value.
constexpr double standing_over = 0.25;

std::size_t half_of(std::size_t slots) { return std::max<std::size_t>(1, (slots + 1) / 2); }

}  // namespace

void department_balance::employ(std::uint32_t department) {
  if (department >= held_.size()) {
    held_.resize(department + 1);
    employed_.resize(department + 1);
    active_.resize(department + 1);
  }
  if (employed_[department] == 0) ++departments_;
  employed_[department] = 1;
}

void department_balance::active(std::uint32_t department) {
  if (active_[department] == 0) ++active_count_;
  active_[department] = 1;
}

void department_balance::count(std::span<const slot_state> slot_states,
                               std::span<const specialist_facts> facts) {
  std::fill(held_.begin(), held_.end(), 0);
  for (std::size_t i = 0; i < slot_states.size(); ++i) {
    if (counts(slot_states[i], facts[i])) ++held_[facts[i].department];
  }
}

bool department_balance::applies(std::size_t slots) const { return departments_ > 1 && slots > 1; }

bool department_balance::may_prewarm(std::uint32_t department, std::size_t slots) const {
  return !applies(slots) || held_[department] < half_of(slots);
}

bool department_balance::exhausted(std::uint32_t department, std::size_t slots) const {
  const bool others = active_count_ > 1 || (active_count_ == 1 && active_[department] == 0);
  return applies(slots) && others && held_[department] + 1 >= slots;
}

double department_balance::eviction_weight(std::uint32_t department, std::size_t slots) const {
  return applies(slots) && held_[department] > half_of(slots) ? standing_over : 1.0;
}

}  // namespace greenroom::runtime
