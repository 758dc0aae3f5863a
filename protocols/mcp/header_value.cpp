#include "protocols/mcp/header_value.hpp"

#include "protocols/base/base64.hpp"
#include "protocols/base/utf8.hpp"

#include <algorithm>

namespace greenroom::protocols::mcp {
namespace {

constexpr std::string_view opening = "=?base64?";
constexpr std::string_view closing = "?=";

bool is_marked(std::string_view value) {
  return value.size() >= opening.size() + closing.size() && value.starts_with(opening)
         && value.ends_with(closing);
}

bool is_plain(std::string_view value) {
  return std::all_of(value.begin(), value.end(),
                     [](char c) { return (c >= 0x20 && c <= 0x7e) || c == '\t'; });
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::string_view trimmed(std::string_view value) {
  constexpr std::string_view blanks = " \t";
  const auto begin = value.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return value.substr(begin, value.find_last_not_of(blanks) - begin + 1);
}

std::optional<std::string> decoded_header(std::string_view value) {
  value = trimmed(value);
  if (!is_plain(value)) return std::nullopt;
  if (!is_marked(value)) return std::string{value};
  value.remove_prefix(opening.size());
  value.remove_suffix(closing.size());
  auto result = base::from_base64(value);
  return result && base::is_utf8(*result) ? result : std::nullopt;
}

std::string encoded_header(std::string_view text) {
  if (is_plain(text) && !is_marked(text) && trimmed(text).size() == text.size())
    return std::string{text};
  return std::string{opening} + base::to_base64(text) + std::string{closing};
}

bool same_name(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

}  // namespace greenroom::protocols::mcp
