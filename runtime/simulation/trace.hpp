// Recorded traffic as the simulator sees it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/pooling/warm_policy.hpp"

namespace greenroom::runtime {

struct request {
  double time_s = 0;  ///< Arrival, in the recording's own time.
  double duration_s = 0;
  std::uint64_t case_key = 0;  ///< Hash of the session, 0 for none.
  specialist_index who = 0;
};

/// Requests in order of arrival; specialists are numbered in order of first appearance.
struct trace {
  std::string name;
  std::vector<std::string> specialists;
  std::vector<request> requests;
};

/// What is simulated: the traffic, the load time that each start costs, and the end of time.
/// Memory is integrated from 0 to `horizon_s`; requests after it are left out by the caller.
struct workload {
  const trace* traffic = nullptr;
  double load_s = 0;
  double horizon_s = 0;
};

}  // namespace greenroom::runtime
