// Files and directories that survive a power cut: created with tight permissions, and flushed.
#pragma once

#include "protocols/base/expected.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace greenroom::machine {

/// A file's identity, valid while a descriptor of the file is open.
struct file_number {
  std::uint64_t device = 0, inode = 0;
  std::uint64_t bytes = 0;  ///< Size; not part of the identity.
  friend bool operator==(const file_number& a, const file_number& b) {
    return a.device == b.device && a.inode == b.inode;
  }
};
/// Returns nothing when there is no such file.
[[nodiscard]] std::optional<file_number> number_of_file(const std::string& path);

[[nodiscard]] std::string parent_directory(const std::string& path);
/// Flushes the directory, so that new names survive a power cut.
base::expected<void> flush_directory(const std::string& path);
/// Flushes the file.
base::expected<void> flush_file(const std::string& path);
/// `20261129T235501Z`: names sort by time.
[[nodiscard]] std::string time_for_names();

/// Creates the journal's directory (0700) if missing.
base::expected<void> create_journal_directory(const std::string& path);

/// Creates missing directories (0700) and the empty file (0600), and flushes the directories, so
/// that the file survives a power cut.
base::expected<void> create_journal_file(const std::string& path);

}  // namespace greenroom::machine
