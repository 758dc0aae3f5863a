#include "runtime/mcp/catalogue.hpp"

#include "protocols/base/hash.hpp"
#include "protocols/base/json_text.hpp"
#include "protocols/base/raw_object.hpp"
#include "runtime/mcp/uri_template.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::runtime::mcp {
namespace {

/// In front of a URI that several servers have.
constexpr std::string_view uri_prefix = "greenroom://";

bool is_named(mcp_list list) { return list == mcp_list::tools || list == mcp_list::prompts; }

/// Characters that stand for themselves in the host of a URI.
std::string host_of(std::string_view server) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string result;
  for (const char c : server) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
                       || c == '-' || c == '_' || c == '.';
    if (plain) {
      result += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      result += {'%', digits[byte >> 4U], digits[byte & 15U]};
    }
  }
  return result;
}

std::string prefixed_uri(std::string_view server, std::string_view uri) {
  return std::string{uri_prefix} + host_of(server) + '/' + std::string{uri};
}

}  // namespace

list_changes catalogue::set_servers(std::vector<catalogue_server> servers) {
  list_changes changes;
  std::vector<entry> next;
  next.reserve(servers.size());
  for (auto& server : servers) {
    auto* const old = find_entry(server.name);
    entry one;
    if (old != nullptr) one = std::move(*old);
    one.who = std::move(server);
    next.push_back(std::move(one));
  }
  // Which names changed is not looked at: a reload is rare, and clients only read the lists again.
  for (const auto list : base::all_mcp_lists) changes.add(list);
  entries_ = std::move(next);
  for (const auto list : base::all_mcp_lists) rename(list);
  return changes;
}

list_changes catalogue::set_offer(std::string_view server, mcp_offer offer, time_point now) {
  list_changes changes;
  auto* const one = find_entry(server);
  if (one == nullptr) return changes;
  for (const auto list : base::all_mcp_lists)
    if (one->offer ? (*one->offer)[list] != offer[list] : !offer[list].empty()) changes.add(list);
  one->offer = std::move(offer);
  one->read_at = now;
  one->last_failure.clear();
  for (const auto list : base::all_mcp_lists)
    if (changes.has(list)) rename(list);
  return changes;
}

void catalogue::note_failure(std::string_view server, std::string why) {
  if (auto* const one = find_entry(server)) one->last_failure = std::move(why);
}

list_changes catalogue::forget_offer(std::string_view server) {
  list_changes changes;
  auto* const one = find_entry(server);
  if (one == nullptr || !one->offer) return changes;
  for (const auto list : base::all_mcp_lists)
    if (!(*one->offer)[list].empty()) changes.add(list);
  one->offer.reset();
  for (const auto list : base::all_mcp_lists)
    if (changes.has(list)) rename(list);
  return changes;
}

const mcp_offer* catalogue::offer_of(std::string_view server) const {
  const auto* const one = find_entry(server);
  return one != nullptr && one->offer ? &*one->offer : nullptr;
}

freshness catalogue::freshness_of(std::string_view server) const {
  const auto* const one = find_entry(server);
  if (one == nullptr) return {};
  return {one->offer.has_value(), one->read_at, one->last_failure};
}

std::optional<endpoint> catalogue::endpoint_of(std::string_view segment) const {
  if (segment.empty()) return endpoint{};
  if (find_entry(segment) != nullptr) return endpoint{endpoint::kind::server, std::string{segment}};
  const bool is_department = std::any_of(entries_.begin(), entries_.end(), [&](const entry& one) {
    return one.who.department == segment;
  });
  if (!is_department) return std::nullopt;
  return endpoint{endpoint::kind::department, std::string{segment}};
}

std::vector<std::string> catalogue::unknown_at(const endpoint& at, const filter& may) const {
  std::vector<std::string> result;
  for (const auto& one : entries_)
    if (!one.offer && is_at(one, at, may)) result.push_back(one.who.name);
  return result;
}

std::vector<std::string> catalogue::servers_at(const endpoint& at, const filter& may) const {
  std::vector<std::string> result;
  for (const auto& one : entries_)
    if (is_at(one, at, may)) result.push_back(one.who.name);
  return result;
}

std::optional<list_page> catalogue::page(const endpoint& at, mcp_list list, std::string_view server,
                                         std::uint32_t index, std::size_t count,
                                         const filter& may) const {
  auto from = entries_.begin();
  if (!server.empty()) {
    from = std::find_if(from, entries_.end(),
                        [&](const entry& one) { return one.who.name == server; });
    if (from == entries_.end()) return std::nullopt;
  }
  list_page result;
  for (; from != entries_.end(); ++from, index = 0) {
    if (!from->offer || !is_at(*from, at, may)) continue;
    const auto& items = (*from->offer)[list];
    for (; index < items.size(); ++index) {
      if (result.items.size() == count) {
        result.next = {from->who.name, index};
        return result;
      }
      result.items.push_back(shown(at, list, *from, items[index]));
    }
  }
  return result;
}

std::optional<own_name> catalogue::find(const endpoint& at, mcp_list list, std::string_view name,
                                        const filter& may) const {
  if (at.part == endpoint::kind::server) {
    const auto* const one = find_entry(at.name);
    if (one == nullptr || !is_at(*one, at, may)) return std::nullopt;
    return own_name{at.name, std::string{name}};
  }
  const auto* const own = names_[static_cast<std::size_t>(list)].find(name);
  const auto* const one = own == nullptr ? nullptr : find_entry(own->server);
  if (one == nullptr || !is_at(*one, at, may)) return std::nullopt;
  return *own;
}

std::optional<own_name> catalogue::find_resource(const endpoint& at, std::string_view uri,
                                                 const filter& may) const {
  if (at.part == endpoint::kind::server) return find(at, mcp_list::resources, uri, may);
  const bool is_listed = uris_[static_cast<std::size_t>(mcp_list::resources)].contains(uri);
  for (const auto& one : entries_) {
    if (!one.offer || !is_at(one, at, may)) continue;
    const auto begin = prefixed_uri(one.who.name, {});
    if (uri.starts_with(begin))
      return own_name{one.who.name, std::string{uri.substr(begin.size())}};
    if (!is_listed) continue;
    for (const auto& item : (*one.offer)[mcp_list::resources])
      if (item.key == uri) return own_name{one.who.name, std::string{uri}};
  }
  uri_matcher matcher{uri};
  for (const auto& one : entries_) {
    if (!one.offer || !is_at(one, at, may)) continue;
    for (const auto& item : (*one.offer)[mcp_list::templates])
      if (matcher.may_match(item.key)) return own_name{one.who.name, std::string{uri}};
  }
  return std::nullopt;
}

std::string catalogue::shown_name(const endpoint& at, mcp_list list, const own_name& own) const {
  if (at.part == endpoint::kind::server) return own.name;
  return std::string{names_[static_cast<std::size_t>(list)].outside_of(own)};
}

std::string catalogue::shown_uri(const endpoint& at, const own_name& own) const {
  if (at.part == endpoint::kind::server) return own.name;
  for (const auto list : {mcp_list::resources, mcp_list::templates}) {
    const auto& known = uris_[static_cast<std::size_t>(list)];
    const auto found = known.find(own.name);
    if (found != known.end() && found->second > 1) return prefixed_uri(own.server, own.name);
  }
  return own.name;
}

const catalogue::entry* catalogue::find_entry(std::string_view server) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const entry& one) { return one.who.name == server; });
  return found == entries_.end() ? nullptr : &*found;
}

catalogue::entry* catalogue::find_entry(std::string_view server) {
  return const_cast<entry*>(std::as_const(*this).find_entry(server));
}

bool catalogue::is_at(const entry& one, const endpoint& at, const filter& may) {
  if (at.part == endpoint::kind::department && one.who.department != at.name) return false;
  if (at.part == endpoint::kind::server && one.who.name != at.name) return false;
  return !may || may(one.who.name);
}

std::string catalogue::shown(const endpoint& at, mcp_list list, const entry& one,
                             const mcp_item& item) const {
  const own_name own{one.who.name, item.key};
  const auto key = is_named(list) ? shown_name(at, list, own) : shown_uri(at, own);
  if (key == item.key) return item.json;
  return base::with_raw_member(item.json, base::key_member(list), base::json_string(key));
}

void catalogue::rename(mcp_list list) {
  const auto at = static_cast<std::size_t>(list);
  uris_[at].clear();
  std::vector<name_source> sources;
  for (const auto& one : entries_) {
    if (!one.offer) continue;
    for (const auto& item : (*one.offer)[list])
      if (is_named(list))
        sources.push_back({{one.who.name, item.key}, one.who.prefix});
      else
        ++uris_[at][item.key];
  }
  if (is_named(list)) names_[at] = outside_names{sources};
}

std::uint64_t hash_of(const endpoint& at) {
  return base::mixed(static_cast<std::uint64_t>(at.part), base::stable_hash(at.name));
}

}  // namespace greenroom::runtime::mcp
