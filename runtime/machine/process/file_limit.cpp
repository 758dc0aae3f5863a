#include "runtime/machine/process/file_limit.hpp"

#include <sys/resource.h>

#include <atomic>

namespace greenroom::machine {

namespace {

std::atomic<std::uint64_t> soft_before_raise{0};
std::atomic<std::uint64_t> kept_from_workers{0};

}  // namespace

std::uint64_t file_limit() {
  rlimit now{};
  return ::getrlimit(RLIMIT_NOFILE, &now) == 0 ? now.rlim_cur : 1024;
}

std::uint64_t raise_file_limit() {
  rlimit now{};
  if (::getrlimit(RLIMIT_NOFILE, &now) != 0) return 1024;
  if (now.rlim_cur >= now.rlim_max) return now.rlim_cur;
  const auto before = now.rlim_cur;
  now.rlim_cur = now.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &now) != 0) return before;
  soft_before_raise.store(before, std::memory_order_relaxed);
  return now.rlim_cur;
}

void keep_files_from_workers(std::uint64_t count) {
  kept_from_workers.store(count, std::memory_order_relaxed);
}

bool may_be_a_workers(int number) {
  const auto kept = kept_from_workers.load(std::memory_order_relaxed);
  return kept == 0 || static_cast<std::uint64_t>(number) + kept < file_limit();
}

std::uint64_t file_limit_of_children() { return soft_before_raise.load(std::memory_order_relaxed); }

}  // namespace greenroom::machine
