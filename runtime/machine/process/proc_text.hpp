// Reads the small text files of /proc and /sys/fs/cgroup.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace greenroom::machine {

/// Returns a whole file, or the first `bytes_max` bytes. Empty when the file cannot be read.
[[nodiscard]] std::string proc_text(const std::string& path,
                                    std::size_t bytes_max = std::size_t{8} << 20);

/// Returns `variable`'s value in the text of an /proc/PID/environ. Empty when it is not set.
[[nodiscard]] std::string variable_in(std::string_view environment, std::string_view variable);

}  // namespace greenroom::machine
