#include "tests/integration/support/live_node.hpp"

#include "tests/machine/http/raw_client.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace greenroom::tests {
namespace {

namespace fs = std::filesystem;

// Not a stream: reading /proc of a process that just ended is an error, and streams throw at it.
std::string read_all(const fs::path& file) {
  std::string result;
  const int opened = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (opened < 0) return result;
  char piece[16384];
  for (auto got = ::read(opened, piece, sizeof piece); got > 0;
       got = ::read(opened, piece, sizeof piece))
    result.append(piece, static_cast<std::size_t>(got));
  ::close(opened);
  return result;
}

/// In a mount namespace of its own, without any cgroup2 file system.
bool hide_groups() {
  if (::unshare(CLONE_NEWNS) != 0) return false;
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  std::istringstream mounts{read_all("/proc/self/mounts")};
  std::string line;
  while (std::getline(mounts, line)) {
    std::istringstream fields{line};
    std::string from, at, type;
    fields >> from >> at >> type;
    if (type == "cgroup2" && ::umount2(at.c_str(), MNT_DETACH) != 0) return false;
  }
  return true;
}

std::string indented(const std::string& lines, const std::string& by) {
  std::string result, line;
  std::istringstream from{lines};
  while (std::getline(from, line)) result += by + line + "\n";
  return result;
}

/// The process's state as one letter: R, S, D, Z …; 0 when there is no such process.
char process_state(int pid) {
  const auto text = read_all("/proc/" + std::to_string(pid) + "/stat");
  const auto name_end = text.rfind(')');
  return name_end == std::string::npos || name_end + 2 >= text.size() ? '\0' : text[name_end + 2];
}

}  // namespace

std::string answer::header(std::string_view name) const {
  const auto at = head.find("\r\n" + std::string{name} + ": ");
  if (at == std::string::npos) return {};
  const auto begin = at + name.size() + 4;
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

// The real interpreter: a version manager's wrapper starts processes of its own, and tests count
// processes.
std::string live_node::python() {
  const std::string usual = "/usr/bin/python3";
  return fs::exists(usual) ? usual : "python3";
}

void live_node::write_file(const std::string& name, std::string_view text) const {
  std::ofstream{folder_ / name, std::ios::binary} << text;
}

live_node::live_node(const std::string& settings, const std::vector<player>& cast,
                     const std::string& workflows) {
  auto pattern = (fs::temp_directory_path() / "greenroom-node-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"no temporary folder"};
  folder_ = pattern;
  configure(settings, cast, workflows);
}

live_node::~live_node() {
  kill();
  for (const auto& line : log())
    if (line.size() > 2 && line[0] == "grandchild") ::kill(std::atoi(line[2].c_str()), SIGKILL);
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string live_node::department(const std::string& name, const std::vector<player>& cast) const {
  const auto script = fs::path{GREENROOM_SOURCE_DIR} / "tests/integration/support/told_worker.py";
  std::string yaml = "  - name: " + name + "\n    specialists:\n";
  for (const auto& one : cast) {
    std::string command = python() + ", -S, -E, " + script.string() + ", " + folder_.string();
    std::istringstream words{one.options};
    for (std::string word; words >> word;) command += ", \"" + word + "\"";
    yaml += "      - name: " + one.name + "\n" + indented(one.more, "        ")
            + "        backend:\n          kind: process\n          protocol: jsonl\n"
            + "          command: [" + command + "]\n" + indented(one.backend, "          ");
  }
  return yaml;
}

void live_node::configure(const std::string& settings, const std::vector<player>& cast,
                          const std::string& workflows) {
  write_configuration("version: 1\n" + settings + "\ndepartments:\n" + department("STAGE", cast)
                      + workflows);
}

bool live_node::hide_control_groups() {
  groups_hidden_ = ::geteuid() == 0;
  return groups_hidden_;
}

void live_node::write_configuration(const std::string& yaml) const {
  std::ofstream{folder_ / "node.yaml", std::ios::binary} << yaml;
}

bool live_node::start(const std::string& data) {
  const auto program = (fs::path{GREENROOM_BINARY_DIR} / "bin" / "greenroom").string();
  const auto config = (folder_ / "node.yaml").string();
  const auto where = data.empty() ? (folder_ / "data").string() : data;
  const auto errors_file = (folder_ / "errors").string();
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) throw std::runtime_error{"no pipe"};
  const int child = ::fork();
  if (child < 0) throw std::runtime_error{"cannot fork"};
  if (child == 0) {
    const int nothing = ::open("/dev/null", O_RDONLY);
    const int errors = ::open(errors_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (::dup2(nothing, 0) < 0 || ::dup2(pipe[1], 1) < 0 || ::dup2(errors, 2) < 0) ::_exit(126);
    if (groups_hidden_ && !hide_groups()) ::_exit(125);
    for (const auto& [name, value] : environment_) ::setenv(name.c_str(), value.c_str(), 1);
    const rlimit files{files_.first, files_.second};
    if (files.rlim_cur > 0 && ::setrlimit(RLIMIT_NOFILE, &files) != 0) ::_exit(126);
    ::execl(program.c_str(), program.c_str(), "serve", "--config", config.c_str(), "--listen",
            "127.0.0.1:0", "--data", where.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::close(pipe[1]);
  pid_ = child;
  std::string output;
  char piece[256];
  while (!output.ends_with('\n')) {
    pollfd waiting{pipe[0], POLLIN, 0};
    if (::poll(&waiting, 1, 15'000) <= 0) break;
    const auto got = ::read(pipe[0], piece, sizeof piece);
    if (got <= 0) break;
    output.append(piece, static_cast<std::size_t>(got));
  }
  ::close(pipe[0]);
  const auto colon = output.rfind(':');
  if (output.find("listening on http://") == std::string::npos) {
    wait();
    return false;
  }
  port_ = static_cast<std::uint16_t>(std::atoi(output.c_str() + colon + 1));
  return true;
}

void live_node::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

int live_node::wait(std::chrono::milliseconds within) {
  if (pid_ <= 0) return exit_code_;
  int status = 0;
  if (!eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }, within)) return -1;
  pid_ = 0;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return exit_code_;
}

bool live_node::gone() {
  if (pid_ <= 0) return true;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
  pid_ = 0;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return true;
}

void live_node::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

std::string live_node::errors() const { return read_all(folder_ / "errors"); }

answer live_node::ask(std::string_view method, std::string_view path,
                      const std::string& body) const {
  raw_client client{port_};
  answer result;
  if (!client.ok()) return result;
  client.send(std::string{method} + " " + std::string{path}
              + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
              + std::to_string(body.size()) + "\r\n\r\n" + body);
  const auto all = client.answer();
  result.status = tests::status_of(all);
  result.head = all.substr(
      0, all.find("\r\n\r\n") == std::string::npos ? all.size() : all.find("\r\n\r\n") + 2);
  result.text = body_of(all);
  result.body = json::parse(result.text, nullptr, false);
  if (!result.body.is_object()) result.body = json::object();
  return result;
}

std::future<answer> live_node::begin(json body) const {
  return std::async(std::launch::async, [this, body = std::move(body)] { return task(body); });
}

std::string live_node::state_of(const std::string& specialist) const {
  return get("/v1/specialists/" + specialist).state();
}

answer live_node::ended(const std::string& id, std::chrono::milliseconds within) const {
  answer last;
  eventually(
      [&] {
        last = get("/v1/tasks/" + id);
        return last.status == 200 && last.state() != "queued" && last.state() != "running";
      },
      within);
  return last;
}

std::vector<std::vector<std::string>> live_node::log() const {
  std::vector<std::vector<std::string>> result;
  std::ifstream stream{folder_ / "log"};
  for (std::string line; std::getline(stream, line);) {
    std::istringstream words{line};
    result.emplace_back(std::istream_iterator<std::string>{words},
                        std::istream_iterator<std::string>{});
  }
  return result;
}

std::size_t live_node::count(const std::string& what, const std::string& name,
                             const std::string& third, const std::string& token) const {
  const auto lines = log();
  return static_cast<std::size_t>(std::ranges::count_if(lines, [&](const auto& line) {
    return line.size() > 2 && line[0] == what && (name.empty() || line[1] == name)
           && (third.empty() || line[2] == third)
           && (token.empty() || (line.size() > 3 && line[3] == token));
  }));
}

std::vector<int> live_node::pids(const std::string& what, const std::string& name) const {
  std::vector<int> result;
  for (const auto& line : log())
    if (line.size() > 2 && line[0] == what && line[1] == name)
      result.push_back(std::atoi(line[2].c_str()));
  return result;
}

void live_node::release(const std::string& file) const { std::ofstream{folder_ / file}; }

std::set<int> live_node::workers() const {
  std::set<int> result;
  const auto mark =
      "told_worker.py" + std::string(1, '\0') + folder_.string() + std::string(1, '\0');
  const auto is_ours = [&](int pid) {
    return read_all("/proc/" + std::to_string(pid) + "/cmdline").find(mark) != std::string::npos;
  };
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator{"/proc", ignored}) {
    const auto name = entry.path().filename().string();
    if (!std::isdigit(static_cast<unsigned char>(name[0]))) continue;
    if (const int pid = std::atoi(name.c_str()); is_ours(pid)) result.insert(pid);
  }
  // While the list is read, some processes end and others begin. The processes that exist
  // afterwards all existed at one instant: at the end of the list.
  std::erase_if(result, [&](int pid) { return !is_ours(pid); });
  return result;
}

bool is_alive(int pid) {
  const char state = process_state(pid);
  return state != '\0' && state != 'Z' && state != 'X';
}

std::size_t resident_kib(int pid) {
  const auto text = read_all("/proc/" + std::to_string(pid) + "/status");
  const auto at = text.find("VmRSS:");
  return at == std::string::npos ? 0 : std::strtoul(text.c_str() + at + 6, nullptr, 10);
}

std::vector<player> many(std::size_t count, const player& like) {
  std::vector<player> result(count, like);
  for (std::size_t i = 0; i < count; ++i) result[i].name = "s" + std::to_string(i);
  return result;
}

}  // namespace greenroom::tests
