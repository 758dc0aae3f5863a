// The verbs of the command line.
#pragma once

#include "apps/client/verb.hpp"

#include <span>

namespace greenroom::apps {

struct verb_entry {
  const char* name;
  const char* group;  ///< The heading in `greenroom --help`.
  /// Defines description, options, help and action of the subcommand `verb`.
  void (*define)(CLI::App& verb, outcome& result);
};

/// All verbs in the order of `greenroom --help`.
std::span<const verb_entry> verb_table();

}  // namespace greenroom::apps
