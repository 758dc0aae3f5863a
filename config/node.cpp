#include "config/node.hpp"

#include <algorithm>
#include <charconv>

namespace greenroom::config {

std::size_t count_specialists(const node& whole) {
  std::size_t count = 0;
  for (const auto& group : whole.departments) count += group.specialists.size();
  return count;
}

namespace {

bool answers_to(const specialist& one, std::string_view name) {
  return one.name == name || std::ranges::find(one.aliases, name) != one.aliases.end();
}

}  // namespace

const specialist* find_specialist(const node& whole, std::string_view name) {
  for (const auto& group : whole.departments) {
    for (const auto& one : group.specialists) {
      if (answers_to(one, name)) return &one;
    }
  }
  return nullptr;
}

const department* find_department(const node& whole, std::string_view name) {
  const auto found = std::ranges::find(whole.departments, name, &department::name);
  return found == whole.departments.end() ? nullptr : &*found;
}

const department* department_of(const node& whole, std::string_view name) {
  for (const auto& group : whole.departments) {
    for (const auto& one : group.specialists) {
      if (answers_to(one, name)) return &group;
    }
  }
  return nullptr;
}

std::optional<route> resolve_command(const node& whole, std::string_view word) {
  if (word.starts_with('/')) word.remove_prefix(1);
  if (word.starts_with("bumba:")) word.remove_prefix(6);
  const auto found = whole.commands.find(std::string{word});
  if (found == whole.commands.end()) return std::nullopt;
  return found->second;
}

std::optional<endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  auto address = text.substr(0, colon);
  const auto digits = text.substr(colon + 1);
  endpoint parsed;
  const auto* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, parsed.port);
  if (error != std::errc{} || stop != end || digits.empty()) return std::nullopt;
  const bool bracketed = address.starts_with('[') && address.ends_with(']');
  if (bracketed) {
    address = address.substr(1, address.size() - 2);
  } else if (address.find(':') != std::string_view::npos) {
    return std::nullopt;  // An IPv6 address needs brackets, or its end is taken for the port.
  }
  if (address.empty() || address.find_first_of(" /[]") != std::string_view::npos) {
    return std::nullopt;
  }
  parsed.address = address;
  return parsed;
}

}  // namespace greenroom::config
