#include "protocols/base/http_url.hpp"

#include "protocols/base/ip_address.hpp"
#include "protocols/base/number.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::base {

namespace {

bool is_host_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'
         || c == '.' || c == '_' || c == '~';
}

problem wrong(std::string text) { return {"url", std::move(text)}; }

/// The host at the beginning of `authority`, without brackets, and what follows it.
expected<std::string> take_host(std::string_view& authority) {
  if (!authority.starts_with('[')) {
    const auto colon = std::min(authority.find(':'), authority.size());
    std::string host{authority.substr(0, colon)};
    authority.remove_prefix(colon);
    if (host.empty()) return wrong("has no host");
    if (!std::ranges::all_of(host, is_host_letter))
      return wrong("has a host with letters that no host has: \"" + host + '"');
    return host;
  }
  const auto bracket = authority.find(']');
  if (bracket == std::string_view::npos) return wrong("has a [ without its ]");
  std::string host{authority.substr(1, bracket - 1)};
  authority.remove_prefix(bracket + 1);
  const bool v6 = host.find(':') != std::string::npos && host.find('%') == std::string::npos;
  if (!v6 || !parse_ip_address(host)) return wrong("has no IPv6 address between [ and ]");
  if (!authority.empty() && !authority.starts_with(':')) return wrong("has letters after its ]");
  return host;
}

}  // namespace

expected<http_url> parse_http_url(std::string_view text) {
  http_url result;
  constexpr std::string_view plain = "http://", tls = "https://";
  result.secure = text.starts_with(tls);
  if (!result.secure && !text.starts_with(plain)) {
    const auto scheme = text.find("://");
    if (scheme == std::string_view::npos) return wrong("does not begin with http:// or https://");
    return wrong("begins with " + std::string{text.substr(0, scheme + 3)}
                 + "; only http:// and https:// are spoken");
  }
  if (std::ranges::any_of(text, [](unsigned char c) { return c <= 0x20 || c == 0x7f; }))
    return wrong("has a blank or a control character in it");
  auto rest = text.substr(result.secure ? tls.size() : plain.size());
  if (rest.find('#') != std::string_view::npos)
    return wrong("has a fragment (#), which is never sent to a server");
  auto authority = rest.substr(0, rest.find_first_of("/?"));
  rest.remove_prefix(authority.size());
  if (authority.find('@') != std::string_view::npos)
    return wrong(
        "has a user or password in it, which is not sent; write the key headers instead "
        "(Authorization: Basic …)");
  result.authority = std::string{authority};
  auto host = take_host(authority);
  if (!host) return host.error();
  result.host = *std::move(host);
  result.port = result.secure ? 443 : 80;
  if (!authority.empty()) {
    const auto digits = authority.substr(1);
    const auto port = parse_number<std::uint16_t>(digits);
    if (!port || *port == 0)
      return wrong("has the port \"" + std::string{digits}
                   + "\"; a port is a number from 1 to 65535");
    result.port = *port;
  }
  const auto mark = std::min(rest.find('?'), rest.size());
  result.base = std::string{rest.substr(0, mark)};
  if (mark < rest.size()) result.query = std::string{rest.substr(mark + 1)};
  return result;
}

bool is_http_url(std::string_view text) { return parse_http_url(text).has_value(); }

expected<void> check_url_path(std::string_view text) {
  if (!text.starts_with('/')) return wrong("a path begins with /");
  if (std::ranges::any_of(text, [](unsigned char c) { return c <= 0x20 || c >= 0x7f; }))
    return wrong(
        "a path has no blank, no control character and nothing but ASCII; write %20 for a blank");
  if (text.find('#') != std::string_view::npos) return wrong("a path has no fragment (#)");
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

}  // namespace greenroom::base
