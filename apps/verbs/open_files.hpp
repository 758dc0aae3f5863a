// The open files that a node needs, and how the configuration is fitted to the limit.
#pragma once

#include "config/node.hpp"
#include "protocols/base/expected.hpp"

#include <string>

namespace greenroom::apps {

/// Checks that the node can start: with too few open files it cannot read its journal.
[[nodiscard]] base::expected<void> check_open_files(const config::node& configuration);

/// Raises the process's limit of open files to the hard limit, then lowers `limits.connections` to
/// what the workers leave. Returns a warning, or an empty text when all fits. Call before any
/// thread is started.
[[nodiscard]] std::string fit_to_open_files(config::node& configuration);

}  // namespace greenroom::apps
