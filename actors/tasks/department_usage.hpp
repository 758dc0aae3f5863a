// What a department reports to its director, in batches: arrivals, and which specialists are in
// use.
#pragma once

#include "actors/tasks/department_context.hpp"
#include "protocols/task.hpp"

#include <cstdint>
#include <vector>

namespace greenroom::actors {

/// Bounded: a batch lists at most `arrivals_max` arrivals and counts the others.
class department_usage {
public:
  explicit department_usage(department_context& of);

  void add_arrival(specialist_entry& entry, const protocols::task& job);
  /// The load of the specialist changes: a report follows within a period.
  void mark(specialist_entry& entry);
  void report();
  /// Before a slot is requested, so that the director knows the reason when it decides which
  /// specialist gives up a slot.
  void report_arrivals();

private:
  static constexpr std::size_t arrivals_max = 256;

  department_context& context_;
  std::vector<std::uint32_t> changed_;  // Positions of the entries that are not reported.
  bool report_due_ = false;
  protocols::usage_batch batch_;
};

}  // namespace greenroom::actors
