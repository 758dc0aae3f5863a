// Nodes with few warm slots, for the tests of the director.
#pragma once

#include "tests/support/stage.hpp"

#include <string>

namespace greenroom::tests {

/// One department of `each` specialists, of which `max_warm` may be warm.
inline config::node slots(std::size_t each, std::size_t max_warm) {
  using namespace std::chrono_literals;
  auto config = small_cast(1, each);
  config.pool.max_warm = max_warm;
  config.pool.min_residency = 2s;
  config.pool.cooldown = 45s;
  return config;
}

/// Starts the specialist's worker and ends one of its tasks.
inline void serve(stage& node, const std::string& name) {
  using namespace std::chrono_literals;
  node.world.dispatch();
  node.worker(name).get_ready();
  node.world.dispatch();
  node.worker(name).finish_one();
  node.world.advance(60ms);  // Departments report every 50 ms.
}

}  // namespace greenroom::tests
