// The journal's file and directory: made with tight permissions, made durable, and locked so that
// two nodes never share them.
#pragma once

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

private:
  int fd_ = -1;
};

/// Creates missing directories (0700) and the empty file (0600), and flushes the directories, so
/// that the file itself survives a power cut. Returns what is wrong, or "".
[[nodiscard]] std::string create_journal_file(const std::string& path);

}  // namespace greenroom::machine
