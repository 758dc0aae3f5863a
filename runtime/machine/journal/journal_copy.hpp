// Checks and checksums of backups.
#pragma once

#include "protocols/base/expected.hpp"

#include <cstdint>
#include <stop_token>
#include <string>

namespace greenroom::machine {

/// Returns 64 hexadecimal digits; a problem when the file cannot be read or `stop` is requested.
base::expected<std::string> sha256_of_file(const std::string& path,
                                           const std::stop_token& stop = {});

struct copied_journal {
  std::int64_t format = 0;
  std::string identity;
  std::uint64_t tasks = 0, ends = 0, unfinished = 0;
};
/// Checks every page of a copy that is not open elsewhere, and counts rows. A problem also soon
/// after `stop` is requested.
base::expected<copied_journal> check_journal_copy(const std::string& path,
                                                  const std::stop_token& stop = {});

}  // namespace greenroom::machine
