// Preloaded into a node: shifts the wall clock by the number of seconds in a file, which may be
// written while the node runs. The steady clock is not changed. WALL_CLOCK_BOOK names the file: 8
// bytes, a signed number of this machine's byte order.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

using reader = int (*)(clockid_t, timespec*);

reader real_clock() {
  static const auto found = reinterpret_cast<reader>(::dlsym(RTLD_NEXT, "clock_gettime"));
  return found;
}

const std::atomic<std::int64_t>* offset() {
  static const auto* const book = []() -> const std::atomic<std::int64_t>* {
    const char* path = std::getenv("WALL_CLOCK_BOOK");
    const int file = path == nullptr ? -1 : ::open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return nullptr;
    void* at = ::mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, file, 0);
    ::close(file);
    return at == MAP_FAILED ? nullptr : static_cast<const std::atomic<std::int64_t>*>(at);
  }();
  return book;
}

}  // namespace

extern "C" int clock_gettime(clockid_t which, timespec* now) noexcept {
  const int outcome = real_clock()(which, now);
  const auto* const off = offset();
  if (outcome == 0 && which == CLOCK_REALTIME && off != nullptr) now->tv_sec += off->load();
  return outcome;
}
