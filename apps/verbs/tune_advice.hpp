// What `greenroom tune` proposes beside the settings of the pool: queues and workflows.
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

/// A queue that was nearly full, or a chain of calls that could be a workflow.
struct tune_advice {
  struct line {
    std::string specialist;
    std::size_t longest = 0, concurrency = 1;
  };
  std::size_t queue_limit = 0;
  std::vector<line> lines;                                     ///< The longest first.
  std::vector<std::pair<std::string, std::size_t>> workflows;  ///< Configured: sessions with it.
  struct chain {
    std::vector<std::string> steps;
    std::size_t cases = 0;
    double certainty = 0;
  };
  std::vector<chain> chains;  ///< Not configured.
  std::uint64_t detected = 0;
};

/// From the recorded traffic, and from what the node says of its cast. `tuning`: GET /v1/tuning.
/// Nothing when the node did not answer; it has been said on stderr.
std::optional<tune_advice> advise(node_client& client, const runtime::trace& traffic,
                                  const nlohmann::json& tuning);
nlohmann::json advice_json(const tune_advice& from);
void print_advice(const tune_advice& from);

}  // namespace greenroom::apps
