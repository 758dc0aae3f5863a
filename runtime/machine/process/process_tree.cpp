#include "runtime/machine/process/process_tree.hpp"

#include "runtime/machine/process/proc_text.hpp"

#include <dirent.h>
#include <unistd.h>

#include <charconv>
#include <memory>
#include <string>
#include <string_view>

namespace greenroom::machine {
namespace {

constexpr std::size_t descendants_max = 4096;

}  // namespace

process_stat stat_of_process(int pid) {
  process_stat result;
  const auto whole = proc_text("/proc/" + std::to_string(pid) + "/stat");
  // The second field is the program's name in parentheses, which may hold anything.
  const auto name_end = whole.rfind(')');
  const auto name_begin = whole.find('(');
  if (name_begin == std::string::npos || name_end == std::string::npos) return result;
  result.program = whole.substr(name_begin + 1, name_end - name_begin - 1);
  std::string_view rest{whole};
  rest.remove_prefix(name_end + 1);
  for (int field = 3; !rest.empty(); ++field) {
    const auto begin = rest.find_first_not_of(' ');
    if (begin == std::string_view::npos) break;
    rest.remove_prefix(begin);
    const auto end = std::min(rest.find(' '), rest.size());
    const auto* const last = rest.data() + end;
    if (field == 3) result.state = rest.front();
    if (field == 4) std::from_chars(rest.data(), last, result.parent);
    if (field == 5) std::from_chars(rest.data(), last, result.group);
    if (field == 22) {
      std::from_chars(rest.data(), last, result.started);
      break;
    }
    rest.remove_prefix(end);
  }
  return result;
}

std::vector<int> children_of(int pid) {
  std::vector<int> result;
  const auto folder = "/proc/" + std::to_string(pid) + "/task";
  const std::unique_ptr<DIR, int (*)(DIR*)> threads{::opendir(folder.c_str()), &::closedir};
  if (!threads) return result;
  while (const auto* const entry = ::readdir(threads.get())) {
    if (entry->d_name[0] == '.') continue;
    const auto text = proc_text(folder + "/" + entry->d_name + "/children");
    for (std::size_t at = 0; at < text.size();) {
      int child = 0;
      const auto read = std::from_chars(text.data() + at, text.data() + text.size(), child);
      if (read.ec != std::errc{}) break;
      result.push_back(child);
      at = static_cast<std::size_t>(read.ptr - text.data()) + 1;
    }
  }
  return result;
}

std::vector<int> descendants_of(int pid) {
  std::vector<int> result = children_of(pid);
  for (std::size_t i = 0; i < result.size() && result.size() < descendants_max; ++i) {
    const auto more = children_of(result[i]);
    result.insert(result.end(), more.begin(), more.end());
  }
  return result;
}

}  // namespace greenroom::machine
