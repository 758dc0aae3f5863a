// The circuit breakers of a department's specialists, and what the door and operators see of them.
#pragma once

#include "actors/tasks/department_context.hpp"

#include <cstddef>
#include <cstdint>

namespace greenroom::actors {

class department_circuits {
public:
  explicit department_circuits(department_context& of) : context_{of} {}

  void on_success(specialist_entry& entry);
  /// True when the circuit has just opened. `own_fault` is false for a failure that the caller
  /// caused, through a deadline shorter than the specialist's.
  [[nodiscard]] bool on_failure(specialist_entry& entry, bool own_fault = true);
  /// The next start of a worker or attempt must wait. Steady time.
  [[nodiscard]] bool is_open(const specialist_entry& entry, std::int64_t now_ns) const;
  /// One more task may be dispatched; reserves a probe of a half-open circuit.
  [[nodiscard]] bool admits(specialist_entry& entry) const;
  /// The number of tasks that may be dispatched now.
  [[nodiscard]] std::size_t room(const specialist_entry& entry) const;

private:
  [[nodiscard]] runtime::breaker::settings settings() const;

  department_context& context_;
};

}  // namespace greenroom::actors
