#include "runtime/queueing/file_budget.hpp"

#include <algorithm>

namespace greenroom::runtime {

namespace {

/// A minimum, so that an operator can always connect.
constexpr std::size_t connections_least = 8;

}  // namespace

file_budget budget_files(std::uint64_t limit, const file_needs& needs) {
  file_budget result;
  const auto workers_most = std::max(needs.workers, needs.workers_most);
  result.wanted = std::uint64_t{needs.own} + workers_most + needs.connections;
  const auto left_after = [&](std::size_t workers) {
    const auto taken = std::uint64_t{needs.own} + workers;
    return limit > taken ? limit - taken : 0;
  };
  result.workers_fit = limit >= needs.own + connections_least + needs.workers;
  // A second pool may never start, so it does not reduce connections below a minimum.
  auto left = left_after(workers_most);
  if (left < std::min<std::uint64_t>(needs.connections, 256))
    left = std::min<std::uint64_t>(left_after(needs.workers), 256);
  const auto least = std::min(connections_least, needs.connections);
  result.connections =
      static_cast<std::size_t>(std::clamp<std::uint64_t>(left, least, needs.connections));
  return result;
}

std::string scarce_files_warning(std::uint64_t limit, const file_needs& needs,
                                 const file_budget& found) {
  if (found.workers_fit && found.connections == needs.connections) return {};
  std::string text = "this process may have " + std::to_string(limit)
                     + " open files: the node needs " + std::to_string(needs.own) + ", its workers "
                     + std::to_string(needs.workers);
  if (needs.workers_most > needs.workers)
    text += " (" + std::to_string(needs.workers_most) + " during a rollout)";
  text += " and limits.connections " + std::to_string(needs.connections) + "; ";
  text += found.workers_fit ? "so at most " : "not all workers can be up, and at most ";
  text += std::to_string(found.connections) + " connections are taken. Raise the hard limit to "
          + std::to_string(found.wanted)
          + " (ulimit -Hn; LimitNOFILE= in a service), or lower limits.connections";
  return text;
}

}  // namespace greenroom::runtime
