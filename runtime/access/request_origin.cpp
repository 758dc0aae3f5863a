#include "runtime/access/request_origin.hpp"

#include <algorithm>

namespace greenroom::runtime::access {

request_origin::request_origin(const std::vector<std::string>& hosts,
                               const std::vector<std::string>& origins) {
  for (const auto& text : hosts) {
    // IPv6 addresses are allowed with and without brackets here.
    if (const auto bare = base::parse_ip_address(text))
      hosts_.push_back({{}, bare, {}});
    else if (auto one = base::parse_authority(text))
      hosts_.push_back(std::move(*one));
  }
  for (const auto& text : origins)
    if (auto one = base::parse_origin(text)) origins_.push_back(std::move(*one));
}

bool request_origin::is_ours(const base::authority& host, const door_facts& door) const {
  const auto listed = std::any_of(hosts_.begin(), hosts_.end(),
                                  [&](const auto& one) { return one.same_host(host); });
  if (listed) return true;
  if (!host.address) return host.name == "localhost";
  if (host.address->is_loopback()) return true;
  const auto own = base::parse_ip_address(door.address);
  if (!own) return false;
  if (own->is_unspecified())
    return !host.address->is_unspecified() && door.is_own && door.is_own(*host.address);
  return *own == *host.address;
}

entry request_origin::judge(const request_facts& asked, const door_facts& door) const {
  std::optional<base::authority> host;
  if (asked.host) {
    auto named = base::parse_authority(*asked.host);
    if (!named) return entry::bad_host;
    host = *std::move(named);
    if (!is_ours(*host, door)) return entry::foreign_host;
  }
  if (!asked.origin && !asked.fetch_site) return entry::welcome;
  if (asked.repeated) return entry::repeated_fields;
  bool listed = false;
  if (asked.origin) {
    const auto from = base::parse_origin(*asked.origin);
    if (!from) return entry::foreign_origin;
    listed = std::find(origins_.begin(), origins_.end(), *from) != origins_.end();
    const bool same = host && from->where.same_host(*host)
                      && from->port() == base::web_origin{from->scheme, *host}.port();
    const bool our_port = door.port != 0 && from->port() == door.port && is_ours(from->where, door);
    const bool own = (from->scheme == "http" || from->scheme == "https") && (same || our_port);
    if (!own && !listed) return entry::foreign_origin;
  }
  // A page in `origins` is of another site, so its browser reports `cross-site`.
  if (!listed && asked.fetch_site && *asked.fetch_site != "same-origin"
      && *asked.fetch_site != "none")
    return entry::foreign_site;
  if (asked.changes && (asked.has_body || asked.content_type)
      && !is_json_type(asked.content_type.value_or("")))
    return entry::body_not_json;
  return listed ? entry::welcome_page : entry::welcome;
}

bool is_json_type(std::string_view content_type) {
  auto type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  const auto same = [](std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
      return (x >= 'A' && x <= 'Z' ? static_cast<char>(x - 'A' + 'a') : x) == y;
    });
  };
  constexpr std::string_view before = "application/", after = "+json";
  if (same(type, "application/json")) return true;
  return type.size() > before.size() + after.size() && same(type.substr(0, before.size()), before)
         && same(type.substr(type.size() - after.size()), after);
}

}  // namespace greenroom::runtime::access
