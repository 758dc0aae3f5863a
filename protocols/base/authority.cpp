#include "protocols/base/authority.hpp"

#include "protocols/base/number.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace greenroom::base {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string lower(std::string_view text) {
  std::string result{text};
  for (auto& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

bool take_port(std::string_view digits, std::optional<std::uint16_t>& port) {
  if (digits.empty()) return true;  // RFC 3986 allows an empty port.
  port = parse_number<std::uint16_t>(digits);
  return port.has_value();
}

}  // namespace

std::optional<authority> parse_authority(std::string_view text) {
  authority result;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    const auto inside = text.substr(1, close - 1);
    if (inside.find(':') != std::string_view::npos) result.address = parse_ip_address(inside);
    if (!result.address) return std::nullopt;
    const auto rest = text.substr(close + 1);
    if (!rest.empty() && (rest.front() != ':' || !take_port(rest.substr(1), result.port)))
      return std::nullopt;
    return result;
  }
  const auto colon = std::min(text.find(':'), text.size());
  auto host = text.substr(0, colon);
  if (colon < text.size() && !take_port(text.substr(colon + 1), result.port)) return std::nullopt;
  constexpr std::size_t longest = 253;  // Longest DNS name (RFC 1035).
  if (host.ends_with('.')) host.remove_suffix(1);
  const bool named = std::all_of(host.begin(), host.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.';
  });
  if (host.empty() || host.size() > longest || !named) return std::nullopt;
  result.address = parse_ip_address(host);
  if (!result.address) result.name = lower(host);
  return result;
}

std::uint16_t web_origin::port() const {
  if (where.port) return *where.port;
  return scheme == "http" ? 80 : scheme == "https" ? 443 : 0;
}

std::optional<web_origin> parse_origin(std::string_view text) {
  const auto end = text.find("://");
  if (end == std::string_view::npos || end == 0 || !is_letter(text.front())) return std::nullopt;
  const auto scheme = text.substr(0, end);
  const bool well_formed = std::all_of(scheme.begin(), scheme.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
  });
  auto where = parse_authority(text.substr(end + 3));
  if (!well_formed || !where) return std::nullopt;
  return web_origin{lower(scheme), std::move(*where)};
}

}  // namespace greenroom::base
