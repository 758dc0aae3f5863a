// The lock of a journal: two nodes never share a journal.
#pragma once

#include "protocols/base/expected.hpp"

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

}  // namespace greenroom::machine
