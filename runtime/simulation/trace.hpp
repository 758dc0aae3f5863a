// Recorded traffic, the input of the simulator.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/pooling/warm_policy.hpp"

namespace greenroom::runtime {

struct request {
  double time_s = 0;  ///< Arrival, in recorded time.
  double duration_s = 0;
  std::uint64_t case_key = 0;  ///< Hash of the session, 0 for none.
  specialist_index who = 0;
};

/// Requests in arrival order; specialists are numbered by first appearance.
struct trace {
  std::string name;
  std::vector<std::string> specialists;
  std::vector<request> requests;
};

/// Input of a simulation: the traffic, the load time of each start, and the end. Memory is
/// integrated from 0 to `horizon_s`; the caller omits later requests.
struct workload {
  const trace* traffic = nullptr;
  double load_s = 0;
  double horizon_s = 0;
};

}  // namespace greenroom::runtime
