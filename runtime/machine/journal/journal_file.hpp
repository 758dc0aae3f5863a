// The journal's file and directory: created with tight permissions, flushed, and locked so that two
// nodes never share a journal.
#pragma once

#include "protocols/base/expected.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace greenroom::machine {

/// Held while the journal is open. The kernel releases the lock when the process dies, so nobody
/// has to remove a lock by hand.
class journal_lock {
public:
  journal_lock() = default;
  ~journal_lock();
  journal_lock(journal_lock&& other) noexcept : fd_{other.fd_} { other.fd_ = -1; }
  journal_lock& operator=(journal_lock&& other) noexcept;

  /// Locks `path`-lock and writes this process's id into the file. A problem: another process holds
  /// the lock (the text names that process) or the file is not writable.
  base::expected<void> take(const std::string& path);
  /// True when the path still names the locked file.
  [[nodiscard]] bool in_place(const std::string& path) const;

private:
  int fd_ = -1;
};

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
