#include "actors/state/text.hpp"

#include <array>
#include <charconv>

namespace greenroom::actors {

std::string decimal(double value) {
  if (!(value > -1e15 && value < 1e15)) return "0";
  std::array<char, 48> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, 6).ptr;
  std::string result{text.data(), end};
  while (result.ends_with('0')) result.pop_back();
  if (result.ends_with('.')) result.pop_back();
  return result == "-0" ? "0" : result;
}

}  // namespace greenroom::actors
