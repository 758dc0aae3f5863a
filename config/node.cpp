#include "config/node.hpp"

#include "protocols/base/authority.hpp"

#include <algorithm>
#include <utility>

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

bool is_name(std::string_view text) {
  constexpr std::string_view inner = "_-.:@+/";
  if (text.empty() || text.size() > 128) return false;
  // A slash separates two words, as in Qwen/Qwen2.5-7B.
  if (text.ends_with('/') || text.find("//") != std::string_view::npos) return false;
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (!plain(text.front()) && text.front() != '_' && text.front() != '@') return false;
  return std::ranges::all_of(
      text, [&](char c) { return plain(c) || inner.find(c) != std::string_view::npos; });
}

base::expected<endpoint> parse_endpoint(std::string_view text) {
  const auto where = base::parse_authority(text);
  auto host = text.substr(0, text.rfind(':'));
  // A final dot belongs to a name in the DNS. The system's parser of addresses refuses it.
  if (!where || !where->port || host.ends_with('.')
      || (!where->address && where->name != "localhost"))
    return base::problem{"endpoint", "is not ADDR:PORT"};
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  auto address = where->address ? std::string{host} : where->name;
  return endpoint{std::move(address), *where->port};
}

}  // namespace greenroom::config
