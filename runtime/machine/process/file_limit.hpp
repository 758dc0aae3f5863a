// How many files this process may have open at once (RLIMIT_NOFILE).
#pragma once

#include <cstdint>

namespace greenroom::machine {

/// The soft limit now.
[[nodiscard]] std::uint64_t file_limit();

/// Raises the soft limit to the hard one and returns it. Children that `launch` starts get the soft
/// limit of before: a program that uses select(2) must not get descriptors above 1023 by surprise.
/// Once, before threads are started; a library leaves its host's limits alone.
std::uint64_t raise_file_limit();

/// The soft limit that children are to get; 0: this process's own.
[[nodiscard]] std::uint64_t file_limit_of_children();

}  // namespace greenroom::machine
