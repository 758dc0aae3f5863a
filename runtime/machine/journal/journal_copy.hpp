// Backups: the checks that a copy of a journal has to pass, and the sum that says that it is whole.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <variant>

namespace greenroom::machine {

/// 64 hexadecimal digits, or nothing when the file cannot be read or it is asked to stop.
[[nodiscard]] std::string sha256_of_file(const std::string& path, const std::stop_token& stop = {});

struct copied_journal {
  std::int64_t format = 0;
  std::string identity;
  std::uint64_t tasks = 0, ends = 0, unfinished = 0;
};
/// Looks at every page of a copy that nobody has open, and counts. A string says what is wrong.
/// Also when it is asked to stop, which it does soon.
[[nodiscard]] std::variant<copied_journal, std::string> check_journal_copy(
    const std::string& path, const std::stop_token& stop = {});

}  // namespace greenroom::machine
