#include "tests/integration/support/terminal_program.hpp"

#include "tests/integration/cli_program.hpp"

#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace greenroom::tests {

std::size_t columns_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char letter) {
    return (static_cast<unsigned char>(letter) & 0xC0U) != 0x80U;
  }));
}

std::vector<std::string> shown::lines() const {
  std::vector<std::string> result{""};
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\x1b') {
      // CSI sequences end with a letter.
      while (at < text.size() && std::isalpha(static_cast<unsigned char>(text[at])) == 0) ++at;
    } else if (text[at] == '\n') {
      result.emplace_back();
    } else if (text[at] != '\r') {
      result.back() += text[at];
    }
  }
  return result;
}

shown run_on_terminal(const std::vector<std::string>& arguments, unsigned short columns) {
  const auto path = program().string();
  std::vector<char*> words{const_cast<char*>(path.c_str())};
  for (const auto& one : arguments) words.push_back(const_cast<char*>(one.c_str()));
  words.push_back(nullptr);
  winsize size{};
  size.ws_col = columns;
  size.ws_row = 40;
  int master = -1;
  const int pid = ::forkpty(&master, nullptr, nullptr, &size);
  if (pid == 0) {
    ::setenv("TERM", "xterm", 1);
    ::unsetenv("NO_COLOR");
    ::execv(path.c_str(), words.data());
    ::_exit(127);
  }
  shown result;
  std::array<char, 4096> piece{};
  // Reading fails with EIO once the program has ended.
  for (ssize_t count = 0; (count = ::read(master, piece.data(), piece.size())) > 0;)
    result.text.append(piece.data(), static_cast<std::size_t>(count));
  ::close(master);
  int status = 0;
  ::waitpid(pid, &status, 0);
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace greenroom::tests
