#include "apps/chaos/lease_board.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <new>

namespace greenroom::apps {

static_assert(std::atomic<std::int64_t>::is_always_lock_free);

lease_board::~lease_board() {
  if (leases_ != nullptr) ::munmap(leases_, size_ * sizeof(wire_lease));
}

bool lease_board::map(int file, std::size_t bytes, bool writable) {
  auto* where =
      ::mmap(nullptr, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, file, 0);
  if (where == MAP_FAILED) return false;
  leases_ = static_cast<wire_lease*>(where);
  size_ = bytes / sizeof(wire_lease);
  return true;
}

bool lease_board::create(const std::string& name, std::size_t slots) {
  const int file = ::open(name.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return false;
  const auto bytes = slots * sizeof(wire_lease);
  const bool good =
      slots > 0 && ::ftruncate(file, static_cast<off_t>(bytes)) == 0 && map(file, bytes, true);
  ::close(file);
  if (good)
    for (std::size_t i = 0; i < size_; ++i) new (&leases_[i]) wire_lease{};
  return good;
}

bool lease_board::open(const std::string& name) {
  const int file = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  struct stat about {};
  const bool good = ::fstat(file, &about) == 0 && about.st_size > 0
                    && map(file, static_cast<std::size_t>(about.st_size), false);
  ::close(file);
  return good;
}

std::int64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

}  // namespace greenroom::apps
