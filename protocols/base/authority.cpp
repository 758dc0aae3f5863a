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

/// The digits behind a colon. RFC 3986 allows an empty port.
expected<std::optional<std::uint16_t>> parse_port(std::string_view digits) {
  if (digits.empty()) return std::optional<std::uint16_t>{};
  const auto port = parse_number<std::uint16_t>(digits);
  if (!port) return problem{"port", "has a port that is no number from 0 to 65535"};
  return std::optional{*port};
}

}  // namespace

expected<authority> parse_authority(std::string_view text) {
  authority result;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return problem{"host", "has a bracket that is not closed"};
    const auto inside = text.substr(1, close - 1);
    if (inside.find(':') != std::string_view::npos) result.address = parse_ip_address(inside);
    if (!result.address) return problem{"host", "has no IPv6 address in its brackets"};
    const auto rest = text.substr(close + 1);
    if (rest.empty()) return result;
    if (rest.front() != ':') return problem{"port", "goes on after the bracket without a colon"};
    const auto port = parse_port(rest.substr(1));
    if (!port) return port.error();
    result.port = *port;
    return result;
  }
  const auto colon = std::min(text.find(':'), text.size());
  auto host = text.substr(0, colon);
  if (colon < text.size()) {
    const auto port = parse_port(text.substr(colon + 1));
    if (!port) return port.error();
    result.port = *port;
  }
  constexpr std::size_t longest = 253;  // Longest DNS name (RFC 1035).
  if (host.ends_with('.')) host.remove_suffix(1);
  const bool named = std::all_of(host.begin(), host.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.';
  });
  if (host.empty()) return problem{"host", "has no host"};
  if (host.size() > longest || !named) return problem{"host", "has a host that is no name"};
  result.address = parse_ip_address(host);
  if (!result.address) result.name = lower(host);
  return result;
}

std::uint16_t web_origin::port() const {
  if (where.port) return *where.port;
  return scheme == "http" ? 80 : scheme == "https" ? 443 : 0;
}

expected<web_origin> parse_origin(std::string_view text) {
  const auto end = text.find("://");
  if (end == std::string_view::npos || end == 0 || !is_letter(text.front()))
    return problem{"scheme", "does not begin with a scheme such as https://"};
  const auto scheme = text.substr(0, end);
  const bool well_formed = std::all_of(scheme.begin(), scheme.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
  });
  auto where = parse_authority(text.substr(end + 3));
  if (!well_formed) return problem{"scheme", "has a scheme with a character that none has"};
  if (!where) return where.error();
  return web_origin{lower(scheme), std::move(*where)};
}

}  // namespace greenroom::base
