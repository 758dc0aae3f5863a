#include "runtime/mcp/outside_names.hpp"

#include "protocols/base/hash.hpp"
#include "protocols/base/hex.hpp"

#include <algorithm>

namespace greenroom::runtime::mcp {
namespace {

bool is_allowed(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
         || c == '-';
}

std::string plain_name(const name_source& source) {
  return source.prefix.empty() ? source.own.name : source.prefix + "__" + source.own.name;
}

bool is_plain(std::string_view name) {
  return !name.empty() && name.size() <= outside_name_max
         && std::all_of(name.begin(), name.end(), is_allowed);
}

}  // namespace

std::string hashed_name(const name_source& source, std::size_t digits) {
  auto name = plain_name(source);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !is_allowed(c); }, '_');
  name.resize(std::min(name.size(), outside_name_max - digits - 1));
  const auto hash =
      base::mixed(base::stable_hash(source.own.server), base::stable_hash(source.own.name));
  return name + '_' + base::to_hex(hash).substr(0, digits);
}

outside_names::outside_names(const std::vector<name_source>& sources) {
  base::text_map<std::size_t> wanted;
  for (const auto& source : sources) ++wanted[plain_name(source)];
  std::vector<const name_source*> others;
  for (const auto& source : sources) {
    const auto name = plain_name(source);
    if (!is_plain(name) || wanted[name] > 1 || !place(name, source.own)) others.push_back(&source);
  }
  // So that not even two equal hashes make the order of sources matter.
  std::sort(others.begin(), others.end(),
            [](const name_source* a, const name_source* b) { return a->own < b->own; });
  for (const auto* source : others) {
    if (outside_.contains(source->own)) continue;
    for (std::size_t digits = 10;
         digits <= 16 && !place(hashed_name(*source, digits), source->own);)
      ++digits;
  }
}

bool outside_names::place(const std::string& outside, const own_name& own) {
  if (!own_.try_emplace(outside, own).second) return false;
  outside_.emplace(own, outside);
  return true;
}

const own_name* outside_names::find(std::string_view outside) const {
  const auto found = own_.find(outside);
  return found == own_.end() ? nullptr : &found->second;
}

std::string_view outside_names::outside_of(const own_name& own) const {
  const auto found = outside_.find(own);
  return found == outside_.end() ? std::string_view{} : std::string_view{found->second};
}

}  // namespace greenroom::runtime::mcp
