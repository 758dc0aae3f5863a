// No department holds every slot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/pooling/warm_policy.hpp"

namespace greenroom::runtime {

/// Slots taken by department. Prewarming stops at half of the slots; tasks may take a department
/// further, but the last slot is left to the others, as soon as more than one department has had
/// tasks. With one department, or one slot, there is nothing to balance.
class department_balance {
public:
  void employ(std::uint32_t department);
  /// A task came for it.
  void active(std::uint32_t department);
  void count(std::span<const seat> seats, std::span<const specialist_facts> facts);
  void add(std::uint32_t department) { ++held_[department]; }
  void remove(std::uint32_t department) {
    if (held_[department] > 0) --held_[department];
  }

  bool may_prewarm(std::uint32_t department, std::size_t slots) const;
  /// True when one more for this department would leave the others nothing: it may then only take
  /// the place of its own.
  bool exhausted(std::uint32_t department, std::size_t slots) const;
  /// How much of its worth one of this department keeps when a place is sought for another one.
  double standing(std::uint32_t department, std::size_t slots) const;

private:
  bool applies(std::size_t slots) const;

  std::vector<std::size_t> held_;
  std::vector<std::uint8_t> employed_;
  std::vector<std::uint8_t> active_;
  std::size_t departments_ = 0;
  std::size_t active_count_ = 0;
};

}  // namespace greenroom::runtime
