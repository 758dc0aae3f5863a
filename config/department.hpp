// A group of specialists under one supervisor.
#pragma once

#include "config/resilience.hpp"
#include "config/specialist.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace greenroom::config {

/// A department's restart limits for its specialists. Missing keys are taken from `supervision`.
struct restart {
  restart_strategy strategy = restart_strategy::one_for_one;
  std::size_t intensity = 3;  ///< Restarts within the window; one more escalates to the root.
  std::chrono::milliseconds window{60'000};

  friend bool operator==(const restart&, const restart&) = default;
};

struct department {
  std::string name;
  config::restart restart;
  std::vector<specialist> specialists;

  friend bool operator==(const department&, const department&) = default;
};

}  // namespace greenroom::config
