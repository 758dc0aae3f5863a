#include "runtime/machine/process/process_memory.hpp"

#include "runtime/machine/process/descriptor.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::machine {
namespace {

/// At most this many processes of a worker are measured.
constexpr std::size_t processes_max = 256;

std::string_view read_small(const std::string& path, char (&room)[8192]) {
  const descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) return {};
  std::size_t have = 0;
  while (have < sizeof room) {
    const auto count = ::read(file.number(), room + have, sizeof room - have);
    if (count <= 0) break;
    have += static_cast<std::size_t>(count);
  }
  return {room, have};
}

std::uint64_t number_after(std::string_view text, std::string_view key) {
  auto at = text.find(key);
  if (at == std::string_view::npos) return 0;
  at = text.find_first_of("0123456789", at + key.size());
  if (at == std::string_view::npos) return 0;
  std::uint64_t value = 0;
  std::from_chars(text.data() + at, text.data() + text.size(), value);
  return value;
}

std::uint64_t memory_of(const std::string& folder, char (&room)[8192]) {
  if (const auto kilobytes = number_after(read_small(folder + "/smaps_rollup", room), "\nPss:"))
    return kilobytes * 1024;
  return number_after(read_small(folder + "/status", room), "\nVmRSS:") * 1024;
}

std::chrono::milliseconds processor_time_of(const std::string& folder, char (&room)[8192]) {
  auto stat = read_small(folder + "/stat", room);
  // The second field is the program's name in parentheses, which may hold anything.
  const auto name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return {};
  stat.remove_prefix(name_end + 1);
  std::uint64_t ticks = 0;
  int field = 2;
  for (std::size_t at = 0; at < stat.size() && field < 15;) {
    at = stat.find_first_not_of(' ', at);
    if (at == std::string_view::npos) break;
    const auto end = std::min(stat.find(' ', at), stat.size());
    ++field;
    if (field >= 14) {  // utime and stime
      std::uint64_t value = 0;
      std::from_chars(stat.data() + at, stat.data() + end, value);
      ticks += value;
    }
    at = end;
  }
  static const auto per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return std::chrono::milliseconds{ticks * 1000 / per_second};
}

void add_children(const std::string& folder, char (&room)[8192], std::vector<int>& all) {
  const std::unique_ptr<DIR, int (*)(DIR*)> threads{::opendir((folder + "/task").c_str()),
                                                    &::closedir};
  if (!threads) return;
  while (const auto* const entry = ::readdir(threads.get())) {
    if (entry->d_name[0] == '.') continue;
    const auto text = read_small(folder + "/task/" + entry->d_name + "/children", room);
    for (std::size_t at = 0; at < text.size() && all.size() < processes_max;) {
      int child = 0;
      const auto read = std::from_chars(text.data() + at, text.data() + text.size(), child);
      if (read.ec != std::errc{}) break;
      all.push_back(child);
      at = static_cast<std::size_t>(read.ptr - text.data()) + 1;
    }
  }
}

}  // namespace

process_usage measure_process(int pid) {
  process_usage result;
  if (pid <= 0) return result;
  char room[8192];
  std::vector<int> all{pid};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto folder = "/proc/" + std::to_string(all[i]);
    const auto memory = memory_of(folder, room);
    if (memory == 0) continue;
    result.memory_bytes += memory;
    result.processor_time += processor_time_of(folder, room);
    ++result.processes;
    add_children(folder, room, all);
  }
  return result;
}

}  // namespace greenroom::machine
