#include "runtime/machine/process/control_group.hpp"

#include "runtime/machine/process/descriptor.hpp"
#include "runtime/machine/process/proc_text.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <memory>

namespace greenroom::machine {
namespace {

bool write_file(const std::string& path, std::string_view text) {
  const descriptor file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  return file && ::write(file.number(), text.data(), text.size()) >= 0;
}

/// Decodes mountinfo's octal escapes (\040 and the like).
std::string unescaped(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    unsigned code = 0;
    if (text[at] == '\\' && at + 3 < text.size()
        && std::from_chars(text.data() + at + 1, text.data() + at + 4, code, 8).ec == std::errc{}) {
      result.push_back(static_cast<char>(code));
      at += 3;
    } else {
      result.push_back(text[at]);
    }
  }
  return result;
}

/// Calls `take(line)` for each line.
template <class Take>
void each_line(std::string_view text, Take take) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    take(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

/// The directory of this process's group. Empty: none is visible.
std::string own_group() {
  std::string path;
  each_line(proc_text("/proc/self/cgroup"), [&path](std::string_view line) {
    if (line.starts_with("0::")) path = line.substr(3);
  });
  if (path.empty()) return {};
  std::string result;
  // "36 35 0:30 /root /mounted/here rw - cgroup2 source options"
  each_line(proc_text("/proc/self/mountinfo"), [&](std::string_view line) {
    const auto tail = line.find(" - cgroup2 ");
    if (tail == std::string_view::npos || !result.empty()) return;
    std::vector<std::string_view> fields;
    for (auto rest = line.substr(0, tail); !rest.empty();) {
      const auto end = std::min(rest.find(' '), rest.size());
      fields.push_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    if (fields.size() < 5) return;
    const auto root = unescaped(fields[3]), mounted = unescaped(fields[4]);
    // The mount may show only a part of the hierarchy.
    auto inside = path;
    if (root != "/") {
      if (!inside.starts_with(root)) return;
      inside.erase(0, root.size());
    }
    if (inside.starts_with("/..")) return;
    result = mounted + (inside == "/" ? "" : inside);
  });
  return result;
}

template <class Take>
void each_group_beneath(const std::string& directory, Take take) {
  const std::unique_ptr<DIR, int (*)(DIR*)> all{::opendir(directory.c_str()), &::closedir};
  if (!all) return;
  while (const auto* const entry = ::readdir(all.get()))
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.') take(directory + "/" + entry->d_name);
}

}  // namespace

base::expected<std::string> make_own_group(std::string_view name) {
  const auto own = own_group();
  if (own.empty()) return base::problem{"missing", "no cgroup2 hierarchy is mounted"};
  auto made = make_group(own, name);
  if (!made) return made;
  auto& result = *made;
  // Below a threaded group, or if controllers are bound to this group, no process can be added.
  const auto type = proc_text(result + "/cgroup.type");
  if (!type.starts_with("domain") || type.starts_with("domain invalid")) {
    static_cast<void>(remove_group(result));
    return base::problem{"refused", "the control group " + own + " takes no processes beneath it"};
  }
  return made;
}

base::expected<std::string> make_group(const std::string& parent, std::string_view name) {
  auto result = parent + "/" + std::string{name};
  if (::mkdir(result.c_str(), 0755) == 0) return result;
  return base::problem{"refused",
                       "cannot make a control group in " + parent + ": " + std::strerror(errno)};
}

std::vector<std::string> groups_beside(const std::string& directory, std::string_view prefix) {
  std::vector<std::string> result;
  const auto parent = directory.substr(0, directory.rfind('/'));
  each_group_beneath(parent, [&](const std::string& group) {
    if (group != directory && std::string_view{group}.substr(parent.size() + 1).starts_with(prefix))
      result.push_back(group);
  });
  return result;
}

std::vector<int> processes_in_group(const std::string& directory) {
  std::vector<int> result;
  each_line(proc_text(directory + "/cgroup.procs"), [&result](std::string_view line) {
    int pid = 0;
    // 0: a process that is not visible in this pid namespace.
    if (std::from_chars(line.data(), line.data() + line.size(), pid).ec == std::errc{} && pid > 0)
      result.push_back(pid);
  });
  each_group_beneath(directory, [&result](const std::string& below) {
    const auto more = processes_in_group(below);
    result.insert(result.end(), more.begin(), more.end());
  });
  return result;
}

void kill_group(const std::string& directory) {
  if (write_file(directory + "/cgroup.kill", "1")) return;
  // Before Linux 5.14: frozen processes cannot fork, and their pids are not reused.
  write_file(directory + "/cgroup.freeze", "1");
  for (const int pid : processes_in_group(directory)) ::kill(pid, SIGKILL);
  write_file(directory + "/cgroup.freeze", "0");
}

bool remove_group(const std::string& directory) {
  if (::rmdir(directory.c_str()) == 0 || errno == ENOENT) return true;
  bool all = true;
  each_group_beneath(directory,
                     [&all](const std::string& below) { all = remove_group(below) && all; });
  return all && (::rmdir(directory.c_str()) == 0 || errno == ENOENT);
}

}  // namespace greenroom::machine
