// Chains of specialists, and the commands that users type.
#pragma once

#include <string>
#include <vector>

namespace greenroom::config {

/// Each step's output is the next step's input. Steps are names of specialists.
struct workflow {
  std::string name;
  std::vector<std::string> steps;

  friend bool operator==(const workflow&, const workflow&) = default;
};

/// The target of a command: exactly one of the first two members is set.
struct route {
  std::string department;
  std::string specialist;
  std::string probe{};  ///< JSON text for the check after a rollback; empty: see command_probe.

  friend bool operator==(const route&, const route&) = default;
};

}  // namespace greenroom::config
