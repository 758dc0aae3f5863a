#include "config/node.hpp"

#include "protocols/base/number.hpp"

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

std::optional<route> resolve_command(const node& whole, std::string_view word) {
  if (word.starts_with('/')) word.remove_prefix(1);
  if (word.starts_with("bumba:")) word.remove_prefix(6);
  const auto found = whole.commands.find(std::string{word});
  if (found == whole.commands.end()) return std::nullopt;
  return found->second;
}

namespace {

/// Four numbers up to 255, separated by dots.
bool is_ipv4(std::string_view text) {
  for (int parts = 1;; ++parts) {
    const auto point = std::min(text.find('.'), text.size());
    const auto digits = text.substr(0, point);
    if (!base::parse_number<std::uint8_t>(digits)) return false;
    if (point == text.size()) return parts == 4;
    text.remove_prefix(point + 1);
  }
}

/// Checks the characters only, with an optional zone; a wrong order fails when the node listens.
bool looks_like_ipv6(std::string_view text) {
  const auto address = text.substr(0, text.find('%'));
  return address.find(':') != std::string_view::npos
         && address.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

}  // namespace

bool is_host(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']'))
    return looks_like_ipv6(text.substr(1, text.size() - 2));
  if (looks_like_ipv6(text)) return true;
  constexpr std::string_view letters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  return !text.empty() && text != "." && text.find_first_not_of(letters) == std::string_view::npos;
}

bool is_origin(std::string_view text) {
  const auto end = text.find("://");
  if (end == std::string_view::npos || end == 0) return false;
  auto host = text.substr(end + 3);
  if (const auto colon = host.rfind(':'); colon != std::string_view::npos && !host.ends_with(']')) {
    if (!base::parse_number<std::uint16_t>(host.substr(colon + 1))) return false;
    host = host.substr(0, colon);
  }
  return is_host(host) && (host.starts_with('[') || host.find(':') == std::string_view::npos);
}

std::optional<endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  auto address = text.substr(0, colon);
  endpoint parsed;
  const auto port = base::parse_number<std::uint16_t>(text.substr(colon + 1));
  if (!port) return std::nullopt;
  parsed.port = *port;
  const bool bracketed = address.starts_with('[') && address.ends_with(']');
  if (bracketed) {
    address = address.substr(1, address.size() - 2);
  } else if (address.find(':') != std::string_view::npos) {
    return std::nullopt;  // An IPv6 address needs brackets to separate the port.
  }
  if (address.empty() || address.find_first_of(" /[]") != std::string_view::npos) {
    return std::nullopt;
  }
  // A node listens on an address of this machine; a name may have many addresses, also elsewhere.
  if (bracketed ? !looks_like_ipv6(address) : address != "localhost" && !is_ipv4(address)) {
    return std::nullopt;
  }
  parsed.address = address;
  return parsed;
}

}  // namespace greenroom::config
