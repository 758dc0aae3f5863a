// What a node needs of open files, and what is done when it cannot have so many.
#pragma once

#include "config/node.hpp"

#include <string>

namespace greenroom::apps {

/// A node with fewer open files cannot even read its journal. Why it cannot start; empty: it can.
[[nodiscard]] std::string too_few_open_files(const config::node& configuration);

/// Raises this process's limit of open files as far as it may, and lowers `limits.connections` to
/// what is left beside the workers. Returns the one warning that says so; empty when all fits.
/// Before any thread is started.
[[nodiscard]] std::string fit_to_open_files(config::node& configuration);

}  // namespace greenroom::apps
