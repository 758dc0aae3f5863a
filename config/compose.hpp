// Inheritance between files, cuts and repetitions of casts, and overrides: all on the tree, before
// it is read.
#pragma once

#include "config/schema.hpp"
#include "config/tree.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::config {

/// Merges `over` into `base`. Sections merge key by key, named lists by name; every other list, and
/// each value of a table, is replaced as a whole.
void merge(tree& base, tree over, const schema& shape);

/// Applies `only` and `drop`, and removes these keys from the tree. Also removes empty departments,
/// and workflows and commands that name a removed specialist.
void cut_cast(tree& whole, std::vector<problem>& problems);

/// Applies `cast_size`: repeats the cast in order, as name-2, name-3 …, up to that many
/// specialists.
void repeat_cast(tree& whole, std::vector<problem>& problems);

/// Fills in every specialist from `defaults`, and every department's `restart` from `supervision`.
void fill_defaults(tree& whole);

/// The overrides that a pass applies: those that change the cast, or all others.
enum class override_pass { cast, values };

/// Applies `key.path=value`, in order.
void apply_sets(tree& whole, const std::vector<std::string>& sets, override_pass pass,
                std::vector<problem>& problems);

/// Applies `GREENROOM_KEY_PATH=value`.
void apply_environment(tree& whole, const std::map<std::string, std::string>& environment,
                       override_pass pass, std::vector<problem>& problems);

}  // namespace greenroom::config
