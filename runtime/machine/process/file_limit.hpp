// The limit on this process's open files (RLIMIT_NOFILE).
#pragma once

#include <cstdint>

namespace greenroom::machine {

/// Returns the current soft limit.
[[nodiscard]] std::uint64_t file_limit();

/// Raises the soft limit to the hard limit and returns it. Children that `launch` starts keep the
/// old soft limit, because a program that uses select(2) must not get descriptors above 1023. Call
/// once, before threads start; a library must not change its host's limits.
std::uint64_t raise_file_limit();

/// Reserves this many descriptors from workers, so that an operator can still connect and see the
/// error when descriptors run out.
void keep_files_from_workers(std::uint64_t count);
/// Whether a worker may use this descriptor number: the kernel gives out the lowest free number.
[[nodiscard]] bool may_be_a_workers(int number);

/// The soft limit for children; 0: this process's own.
[[nodiscard]] std::uint64_t file_limit_of_children();

}  // namespace greenroom::machine
