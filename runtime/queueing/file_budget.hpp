// The open files that a node needs, and the connections that the limit allows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace greenroom::runtime {

/// The users of file descriptors.
struct file_needs {
  std::size_t own = 0;           ///< The journal, loops, listeners, logs and a reserve.
  std::size_t workers = 0;       ///< For the workers that run at once, as configured.
  std::size_t workers_most = 0;  ///< With the second pool of a rollout.
  std::size_t connections = 0;   ///< As configured.
};

struct file_budget {
  std::size_t connections = 0;  ///< To be accepted: as configured, or fewer.
  std::uint64_t wanted = 0;     ///< The open-files limit that fits everything.
  bool workers_fit = true;      ///< False: some workers cannot start.
};

/// Workers take precedence over connections; a minimum of connections is always kept.
[[nodiscard]] file_budget budget_files(std::uint64_t limit, const file_needs& needs);

/// A warning for the operator, or nothing when everything fits.
[[nodiscard]] std::string scarce_files_warning(std::uint64_t limit, const file_needs& needs,
                                               const file_budget& found);

}  // namespace greenroom::runtime
