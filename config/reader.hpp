// Reads the tree into the struct: types, ranges and unknown keys.
#pragma once

#include "config/node.hpp"
#include "config/tree.hpp"
#include "config/value_reader.hpp"

namespace greenroom::config {

/// Reads the whole tree. A wrong value is reported and keeps its default.
node read_node(const tree& whole, reading& context);

/// Reads the `defaults` of specialists, only to report errors.
void read_defaults(const tree& defaults, reading& context);

}  // namespace greenroom::config
