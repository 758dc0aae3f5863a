#include "config/http_url.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

namespace greenroom::config {

namespace {

bool is_host_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'
         || c == '.' || c == '_' || c == '~';
}

/// Consumes the host, possibly in brackets, from `authority`. Returns an error message, or "".
std::string take_host(std::string_view& authority, std::string& host) {
  if (!authority.starts_with('[')) {
    const auto colon = std::min(authority.find(':'), authority.size());
    host = std::string{authority.substr(0, colon)};
    authority.remove_prefix(colon);
    if (host.empty()) return "has no host";
    if (!std::ranges::all_of(host, is_host_letter))
      return "has a host with letters that no host has: \"" + host + '"';
    return {};
  }
  const auto bracket = authority.find(']');
  if (bracket == std::string_view::npos) return "has a [ without its ]";
  host = std::string{authority.substr(1, bracket - 1)};
  authority.remove_prefix(bracket + 1);
  std::array<unsigned char, sizeof(in6_addr)> room{};
  if (::inet_pton(AF_INET6, host.c_str(), room.data()) != 1)
    return "has no IPv6 address between [ and ]";
  if (!authority.empty() && !authority.starts_with(':')) return "has letters after its ]";
  return {};
}

}  // namespace

std::string read_http_url(std::string_view text, http_url& result) {
  result = {};
  constexpr std::string_view plain = "http://", tls = "https://";
  result.secure = text.starts_with(tls);
  if (!result.secure && !text.starts_with(plain)) {
    const auto scheme = text.find("://");
    if (scheme == std::string_view::npos) return "does not begin with http:// or https://";
    return "begins with " + std::string{text.substr(0, scheme + 3)}
           + "; only http:// and https:// are spoken";
  }
  if (std::ranges::any_of(text, [](unsigned char c) { return c <= 0x20 || c == 0x7f; }))
    return "has a blank or a control character in it";
  auto rest = text.substr(result.secure ? tls.size() : plain.size());
  if (rest.find('#') != std::string_view::npos)
    return "has a fragment (#), which is never sent to a server";
  auto authority = rest.substr(0, rest.find_first_of("/?"));
  rest.remove_prefix(authority.size());
  if (authority.find('@') != std::string_view::npos)
    return "has a user or password in it, which is not sent; write the key headers instead "
           "(Authorization: Basic …)";
  result.authority = std::string{authority};
  if (auto fault = take_host(authority, result.host); !fault.empty()) return fault;
  result.port = result.secure ? 443 : 80;
  if (!authority.empty()) {
    const auto digits = authority.substr(1);
    unsigned port = 0;
    const auto* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, port);
    if (error != std::errc{} || stop != end || port == 0 || port > 65535)
      return "has the port \"" + std::string{digits} + "\"; a port is a number from 1 to 65535";
    result.port = static_cast<std::uint16_t>(port);
  }
  const auto mark = std::min(rest.find('?'), rest.size());
  result.base = std::string{rest.substr(0, mark)};
  if (mark < rest.size()) result.query = std::string{rest.substr(mark + 1)};
  return {};
}

std::string fault_of_http_url(std::string_view text) {
  http_url ignored;
  return read_http_url(text, ignored);
}

bool is_http_url(std::string_view text) { return fault_of_http_url(text).empty(); }

std::string fault_of_url_path(std::string_view text) {
  if (!text.starts_with('/')) return "a path begins with /";
  if (std::ranges::any_of(text, [](unsigned char c) { return c <= 0x20 || c >= 0x7f; }))
    return "a path has no blank, no control character and nothing but ASCII; write %20 for a blank";
  if (text.find('#') != std::string_view::npos) return "a path has no fragment (#)";
  return {};
}

std::string joined_path(std::string_view base, std::string_view path) {
  if (path == "/" && !base.empty()) return std::string{base};
  while (base.ends_with('/')) base.remove_suffix(1);
  std::string result{base};
  if (!path.starts_with('/')) result += '/';
  result += path;
  return result;
}

std::string with_port(std::string_view text, std::uint16_t port) {
  std::string result;
  for (auto at = text.find(port_mark); at != std::string_view::npos; at = text.find(port_mark)) {
    result += text.substr(0, at);
    result += std::to_string(port);
    text.remove_prefix(at + port_mark.size());
  }
  return result += text;
}

}  // namespace greenroom::config
