// Runs the program on a pseudo-terminal of a given width, as a person does.
#pragma once

#include <string>
#include <vector>

namespace greenroom::tests {

struct shown {
  int code = -1;     ///< Exit code; 128 + number when a signal ended it.
  std::string text;  ///< What the terminal got, control sequences included.
  /// Without colours and cursor movements, line by line.
  [[nodiscard]] std::vector<std::string> lines() const;
};

shown run_on_terminal(const std::vector<std::string>& arguments, unsigned short columns);

/// How many columns the text takes (one for each code point).
std::size_t columns_of(const std::string& text);

}  // namespace greenroom::tests
