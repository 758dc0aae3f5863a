// Files that build on files, casts that are cut or repeated, and values that override them: all of
// it happens on the tree, before anything is read.
#pragma once

#include "config/schema.hpp"
#include "config/tree.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::config {

/// Lays `over` on `base`. Sections merge key by key, named lists by name; every other list, and
/// each value of a table, is replaced as a whole.
void merge(tree& base, tree over, const schema& shape);

/// Carries out `only` and `drop`, and takes them out of the tree. Departments that become empty go,
/// and workflows and commands that lose somebody they name.
void cut_cast(tree& whole, std::vector<problem>& problems);

/// Carries out `cast_size`: the cast is repeated in order, as name-2, name-3 …, until it has so
/// many specialists.
void repeat_cast(tree& whole, std::vector<problem>& problems);

/// Fills every specialist from `defaults`, and every department's `restart` from `supervision`.
void fill_defaults(tree& whole);

/// Which overrides a pass carries out: those that decide on the cast, or all others.
enum class override_pass { cast, values };

/// Carries out `key.path=value`, in order.
void apply_sets(tree& whole, const std::vector<std::string>& sets, override_pass pass,
                std::vector<problem>& problems);

/// Carries out `GREENROOM_KEY_PATH=value`.
void apply_environment(tree& whole, const std::map<std::string, std::string>& environment,
                       override_pass pass, std::vector<problem>& problems);

}  // namespace greenroom::config
