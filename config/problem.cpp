#include "config/problem.hpp"

namespace greenroom::config {

std::string to_string(const problem& what) {
  std::string text = what.source;
  if (what.line != 0) {
    text += ':' + std::to_string(what.line) + ':' + std::to_string(what.column);
  }
  text += ": ";
  if (!what.key.empty()) text += what.key + ": ";
  text += what.message;
  if (!what.suggestion.empty()) text += "; did you mean \"" + what.suggestion + "\"?";
  return text;
}

}  // namespace greenroom::config
