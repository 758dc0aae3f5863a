#include "tests/integration/cli_program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace greenroom::tests {
namespace {

namespace fs = std::filesystem;

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

int start(const std::vector<std::string>& arguments,
          const std::map<std::string, std::string>& environment, const fs::path& in,
          const fs::path& out, const fs::path& err) {
  const auto name = program().string();
  const int pid = ::fork();
  if (pid < 0) throw std::runtime_error{"cannot fork"};
  if (pid > 0) return pid;
  const auto redirect = [](const fs::path& to, int flags, int number) {
    const int opened = ::open(to.c_str(), flags, 0644);
    if (opened < 0 || ::dup2(opened, number) < 0) ::_exit(126);
  };
  redirect(in, O_RDONLY, STDIN_FILENO);
  redirect(out, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
  redirect(err, O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
  ::unsetenv("GREENROOM_NODE");
  for (const auto& [key, value] : environment) ::setenv(key.c_str(), value.c_str(), 1);
  std::vector<char*> words{const_cast<char*>(name.c_str())};
  for (const auto& one : arguments) words.push_back(const_cast<char*>(one.c_str()));
  words.push_back(nullptr);
  ::execv(name.c_str(), words.data());
  ::_exit(127);
}

}  // namespace

fs::path program() { return fs::path{GREENROOM_BINARY_DIR} / "bin" / "greenroom"; }

fs::path temporary_folder() {
  auto pattern = (fs::temp_directory_path() / "greenroom-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"no temporary folder"};
  return pattern;
}

void write_file(const fs::path& file, const std::string& text) {
  std::ofstream{file, std::ios::binary} << text;
}

std::string read_file(const fs::path& file) {
  std::ifstream stream{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

ran run_program(const std::vector<std::string>& arguments,
                const std::map<std::string, std::string>& environment, const std::string& input) {
  const auto folder = temporary_folder();
  write_file(folder / "in", input);
  const int pid = start(arguments, environment, folder / "in", folder / "out", folder / "err");
  int status = 0;
  ::waitpid(pid, &status, 0);
  ran result{code_of(status), read_file(folder / "out"), read_file(folder / "err")};
  fs::remove_all(folder);
  return result;
}

served_node::served_node(std::vector<std::string> arguments) : folder_{temporary_folder()} {
  arguments.insert(arguments.begin(), "serve");
  if (std::find(arguments.begin(), arguments.end(), "--listen") == arguments.end())
    arguments.insert(arguments.end(), {"--listen", "127.0.0.1:0"});
  arguments.insert(arguments.end(), {"--data", (folder_ / "data").string()});
  // A pipe instead of a file: reading it waits for the line, or for the end of the program.
  const auto line = folder_ / "out";
  if (::mkfifo(line.c_str(), 0600) != 0) throw std::runtime_error{"no pipe"};
  const int reading = ::open(line.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  pid_ = start(arguments, {}, "/dev/null", line, folder_ / "err");
  std::string output;
  char piece[256];
  for (;;) {
    pollfd waiting{reading, POLLIN, 0};
    if (::poll(&waiting, 1, 60'000) <= 0) break;
    const auto got = ::read(reading, piece, sizeof piece);
    if (got <= 0) break;
    output.append(piece, static_cast<std::size_t>(got));
    if (output.ends_with('\n')) break;
  }
  ::close(reading);
  const auto at = output.find("listening on ");
  if (at != std::string::npos) {
    address_ = output.substr(at + 13);
    address_.pop_back();
  }
}

served_node::~served_node() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void served_node::signal(int number) const { ::kill(pid_, number); }

int served_node::wait() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = 0;
  return code_of(status);
}

std::string served_node::err() const { return read_file(folder_ / "err"); }

ran served_node::ask(std::vector<std::string> arguments, const std::string& input) const {
  return run_program(arguments, {{"GREENROOM_NODE", address_}}, input);
}

}  // namespace greenroom::tests
