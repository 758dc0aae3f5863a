// Checks and checksums of backups.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <variant>

namespace greenroom::machine {

/// Returns 64 hexadecimal digits, or "" when the file cannot be read or `stop` is requested.
[[nodiscard]] std::string sha256_of_file(const std::string& path, const std::stop_token& stop = {});

struct copied_journal {
  std::int64_t format = 0;
  std::string identity;
  std::uint64_t tasks = 0, ends = 0, unfinished = 0;
};
/// Checks every page of a copy that is not open elsewhere, and counts rows. A string is an error
/// message, also soon after `stop` is requested.
[[nodiscard]] std::variant<copied_journal, std::string> check_journal_copy(
    const std::string& path, const std::stop_token& stop = {});

}  // namespace greenroom::machine
