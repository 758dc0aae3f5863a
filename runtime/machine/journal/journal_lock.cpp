#include "runtime/machine/journal/journal_lock.hpp"

#include "runtime/machine/journal/durable_files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace greenroom::machine {

journal_lock::~journal_lock() {
  if (fd_ >= 0) ::close(fd_);
}

journal_lock& journal_lock::operator=(journal_lock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

bool journal_lock::in_place(const std::string& path) const {
  struct stat mine {};
  if (fd_ < 0 || ::fstat(fd_, &mine) != 0) return false;
  const auto named = number_of_file(path + "-lock");
  return named && *named == file_number{mine.st_dev, mine.st_ino, 0};
}

base::expected<void> journal_lock::take(const std::string& path) {
  const std::string name = path + "-lock";
  // Close-on-exec: a worker that outlives the node must not keep the journal locked.
  const int fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return base::problem{"file", name + ": cannot open the lock: " + std::strerror(errno)};
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int why = errno;
    std::string holder(32, '\0');
    const auto got = ::pread(fd, holder.data(), holder.size(), 0);
    ::close(fd);
    if (why != EWOULDBLOCK)
      return base::problem{"file", name + ": cannot lock: " + std::strerror(why)};
    holder.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    if (const auto end = holder.find('\n'); end != std::string::npos) holder.resize(end);
    return base::problem{"locked",
                         path + " is in use by process " + (holder.empty() ? "?" : holder)
                             + ": stop that node, or give this one another --data directory"};
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0
      || ::pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    // The lock is held nevertheless; only the process id is missing (a full disk).
  }
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
  return {};
}

}  // namespace greenroom::machine
