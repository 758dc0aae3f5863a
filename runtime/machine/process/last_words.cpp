#include "runtime/machine/process/last_words.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace greenroom::machine {
namespace {

std::string lower(std::string_view text) {
  std::string result{text};
  std::ranges::transform(result, result.begin(), [](unsigned char letter) {
    return static_cast<char>(std::tolower(letter));
  });
  return result;
}

/// Returns the text after "npm error " or (before npm 10) "npm ERR! "; else the whole line.
/// @pre lower case.
std::string_view behind_npm(std::string_view line) {
  for (const std::string_view start : {"npm error", "npm err!"})
    if (line.starts_with(start)) {
      line.remove_prefix(start.size());
      line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
      break;
    }
  return line;
}

/// @pre lower case.
bool names_an_error(std::string_view line) {
  // An indented line is a stack frame or source text.
  if (line.empty() || line.front() == ' ' || line.front() == '\t') return false;
  if (line.find("complete log of this run") != std::string_view::npos) return false;
  const auto rest = behind_npm(line);
  constexpr std::array<std::string_view, 6> words{
      "error:", "error [", "exception:", "err!", "fatal", "panic:"};
  return std::ranges::any_of(
      words, [rest](std::string_view word) { return rest.find(word) != std::string_view::npos; });
}

/// npm's first sentence names the error; the next ones suggest remedies.
/// @pre lower case.
bool is_sentence_of_npm(std::string_view line) {
  const auto rest = behind_npm(line);
  if (rest.size() == line.size()) return false;
  constexpr std::array<std::string_view, 6> facts{"code ", "errno ", "syscall ",
                                                  "path ", "dest ",  "a complete log"};
  return rest.find(' ') != std::string_view::npos
         && std::ranges::none_of(facts,
                                 [rest](std::string_view fact) { return rest.starts_with(fact); });
}

}  // namespace

void last_words::add(std::string_view line) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
  if (lines_.size() == lines_max) lines_.pop_front();
  lines_.emplace_back(line.substr(0, line_bytes_max));
}

std::string_view last_words::told() const {
  for (auto line = lines_.rbegin(); line != lines_.rend(); ++line)
    if (names_an_error(lower(*line))) return *line;
  for (const auto& line : lines_)
    if (is_sentence_of_npm(lower(line))) return line;
  return lines_.empty() ? std::string_view{} : std::string_view{lines_.back()};
}

std::string last_words::clause() const {
  return lines_.empty() ? std::string{} : "; its last words: " + std::string{told()};
}

}  // namespace greenroom::machine
