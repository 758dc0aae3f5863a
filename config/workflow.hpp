// Chains of specialists, and the words that users type.
#pragma once

#include <string>
#include <vector>

namespace greenroom::config {

/// Each step's output is the next one's input. Steps are names of specialists.
struct workflow {
  std::string name;
  std::vector<std::string> steps;

  friend bool operator==(const workflow&, const workflow&) = default;
};

/// Who answers a word: exactly one of the two is set.
struct route {
  std::string department;
  std::string specialist;
  std::string probe{};  ///< JSON text that verifying a rollback sends; empty: see command_probe.

  friend bool operator==(const route&, const route&) = default;
};

}  // namespace greenroom::config
