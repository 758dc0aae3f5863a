// How many open files a node needs, and how many connections it may take with those it has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace greenroom::runtime {

/// What takes descriptors.
struct file_needs {
  std::size_t own = 0;           ///< The journal, loops, listeners, logs, and a reserve.
  std::size_t workers = 0;       ///< Of those that are up at once as the node is configured.
  std::size_t workers_most = 0;  ///< While a rollout keeps a second pool.
  std::size_t connections = 0;   ///< As configured.
};

struct file_budget {
  std::size_t connections = 0;  ///< To be taken: what was configured, or fewer.
  std::uint64_t wanted = 0;     ///< The limit of open files at which nothing has to be less.
  bool workers_fit = true;      ///< False: some workers cannot be started.
};

/// Workers come first, then connections; there are always a few.
[[nodiscard]] file_budget budget_files(std::uint64_t limit, const file_needs& needs);

/// What an operator should be told, or nothing when all fits.
[[nodiscard]] std::string scarce_files_warning(std::uint64_t limit, const file_needs& needs,
                                               const file_budget& found);

}  // namespace greenroom::runtime
