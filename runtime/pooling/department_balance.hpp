// Keeps one department from holding every slot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/pooling/warm_policy.hpp"

namespace greenroom::runtime {

/// Slots taken by each department. Prewarming stops at half of the slots. Tasks may take a
/// department further, but the last slot stays for other departments once more than one department
/// has had tasks. Does nothing with one department or one slot.
class department_balance {
public:
  void employ(std::uint32_t department);
  /// A task arrived for the department.
  void active(std::uint32_t department);
  void count(std::span<const slot_state> slot_states, std::span<const specialist_facts> facts);
  void add(std::uint32_t department) { ++held_[department]; }
  void remove(std::uint32_t department) {
    if (held_[department] > 0) --held_[department];
  }

  bool may_prewarm(std::uint32_t department, std::size_t slots) const;
  /// True when one more slot for this department would leave none for the others: the department
  /// may then only evict one of its own specialists.
  bool exhausted(std::uint32_t department, std::size_t slots) const;
  /// Factor on the value of this department's specialists when a slot is needed elsewhere.
  double eviction_weight(std::uint32_t department, std::size_t slots) const;

private:
  bool applies(std::size_t slots) const;

  std::vector<std::size_t> held_;
  std::vector<std::uint8_t> employed_;
  std::vector<std::uint8_t> active_;
  std::size_t departments_ = 0;
  std::size_t active_count_ = 0;
};

}  // namespace greenroom::runtime
