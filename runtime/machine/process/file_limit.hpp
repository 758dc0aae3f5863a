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

/// So many descriptors are not given to workers, so that somebody can still connect and see what is
/// wrong when there are too few for all.
void keep_files_from_workers(std::uint64_t count);
/// Whether a descriptor of this number may be a worker's: numbers are given out from below.
[[nodiscard]] bool may_be_a_workers(int number);

/// The soft limit that children are to get; 0: this process's own.
[[nodiscard]] std::uint64_t file_limit_of_children();

}  // namespace greenroom::machine
