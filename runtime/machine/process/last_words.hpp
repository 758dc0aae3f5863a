// Picks the line of a program's output that explains the program's end.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace greenroom::machine {

/// Keeps the last lines of a program's standard error. Python ends with the line that names the
/// error; Node.js prints a stack and a version after that line, npm the path of a log file.
class last_words {
public:
  void add(std::string_view line);
  /// Returns the last line that names an error, or else npm's first error line, or else the last
  /// line; empty: nothing was printed.
  [[nodiscard]] std::string_view told() const;
  /// "; its last words: …", or "".
  [[nodiscard]] std::string clause() const;

private:
  static constexpr std::size_t lines_max = 20;
  static constexpr std::size_t line_bytes_max = 300;
  std::deque<std::string> lines_;
};

}  // namespace greenroom::machine
