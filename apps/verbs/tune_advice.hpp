// What `greenroom tune` proposes besides pool settings: queues and workflows.
#pragma once

#include "apps/client/asking.hpp"
#include "runtime/simulation/trace.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace greenroom::apps {

/// Queues that were nearly full, and call chains that could be workflows.
struct tune_advice {
  struct line {
    std::string specialist;
    std::size_t longest = 0, concurrency = 1;
  };
  std::size_t queue_limit = 0;
  std::vector<line> lines;                                     ///< The longest queue first.
  std::vector<std::pair<std::string, std::size_t>> workflows;  ///< Configured: sessions.
  struct chain {
    std::vector<std::string> steps;
    std::size_t cases = 0;
    double certainty = 0;
  };
  std::vector<chain> chains;  ///< Chains that are not configured as workflows.
  std::uint64_t detected = 0;
};

/// Advice from the recorded traffic and the node's answer to GET /v1/tuning (`tuning`). Prints to
/// stderr and returns nothing when the node did not answer.
std::optional<tune_advice> advise(node_client& client, const runtime::trace& traffic,
                                  const nlohmann::json& tuning);
nlohmann::json advice_json(const tune_advice& from);
void print_advice(const tune_advice& from);

}  // namespace greenroom::apps
