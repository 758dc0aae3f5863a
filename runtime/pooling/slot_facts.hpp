// What a pool's policy knows about each specialist.
#pragma once

#include "runtime/pooling/start_times.hpp"
#include "runtime/pooling/warm_policy.hpp"

#include <cstddef>
#include <vector>

namespace greenroom::runtime {

/// A specialist as the catalog describes it.
struct slot_description {
  std::uint32_t department = 0;
  double priority_weight = 1.0;
  bool pinned = false;
  double memory_mb = 0;         ///< Measured, or as configured.
  bool starts_at_once = false;  ///< A start takes no time and no process.
  double measured_start_s = 0;  ///< From a predecessor of the director; 0: none.
};

/// The facts about every specialist. The policy learns each change of them.
class slot_facts {
public:
  /// `policy` must outlive the facts.
  explicit slot_facts(warm_policy& policy) : policy_{policy} {}

  /// Adopts a description of every specialist. Specialists that are new start with their measured
  /// start times.
  void adopt(const std::vector<slot_description>& all);
  /// The index belongs to another specialist from now on.
  void forget(specialist_index who);
  /// A worker of `who` has started. When the typical start of the cast has moved, the policy learns
  /// the new expectation for every specialist, otherwise only for `who`.
  void learn_start(specialist_index who, double seconds);
  void learn_memory(specialist_index who, double megabytes);

  [[nodiscard]] const specialist_facts& operator[](specialist_index who) const {
    return facts_[who];
  }

private:
  void tell(specialist_index who);

  warm_policy& policy_;
  std::vector<specialist_facts> facts_;
  start_times starts_;
  double typical_reported_s_ = 0;  ///< The typical start when every specialist was updated last.
};

}  // namespace greenroom::runtime
