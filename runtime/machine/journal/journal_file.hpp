// The journal's file and directory: made with tight permissions, made durable, and locked so that
// two nodes never share them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace greenroom::machine {

/// Held as long as the journal is open. The kernel lets go of it when the process dies, so a lock
/// never has to be removed by hand.
class journal_lock {
public:
  journal_lock() = default;
  ~journal_lock();
  journal_lock(journal_lock&& other) noexcept : fd_{other.fd_} { other.fd_ = -1; }
  journal_lock& operator=(journal_lock&& other) noexcept;

  /// Locks `path`-lock and writes this process's id into it. Returns what is wrong, or "": held by
  /// another process, whose id is named, or not writable.
  [[nodiscard]] std::string take(const std::string& path);
  /// The file that is locked is still the one of that name.
  [[nodiscard]] bool in_place(const std::string& path) const;

private:
  int fd_ = -1;
};

/// Which file is behind a name, as long as one of its kind is open.
struct file_number {
  std::uint64_t device = 0, inode = 0;
  std::uint64_t bytes = 0;  ///< Not part of what it is.
  friend bool operator==(const file_number& a, const file_number& b) {
    return a.device == b.device && a.inode == b.inode;
  }
};
/// Nothing when there is no such file.
[[nodiscard]] std::optional<file_number> number_of_file(const std::string& path);

[[nodiscard]] std::string parent_directory(const std::string& path);
/// Makes what was done to the names in the directory survive a power cut. Says what is wrong, or
/// "".
[[nodiscard]] std::string flush_directory(const std::string& path);
/// The file itself. Says what is wrong, or "".
[[nodiscard]] std::string flush_file(const std::string& path);
/// `20261129T235501Z`, so that names sort by time.
[[nodiscard]] std::string time_for_names();

/// Creates the directory of the journal's file when it is missing (0700). Returns what is wrong, or
/// "".
[[nodiscard]] std::string create_journal_directory(const std::string& path);

/// Creates missing directories (0700) and the empty file (0600), and flushes the directories, so
/// that the file itself survives a power cut. Returns what is wrong, or "".
[[nodiscard]] std::string create_journal_file(const std::string& path);

}  // namespace greenroom::machine
