#include "runtime/mcp/leases.hpp"

namespace greenroom::runtime::mcp {

leases::opened leases::open(std::string_view key, std::size_t bytes, time_point now) {
  if (use(key, now)) return {true, {}};
  opened result;
  const auto fits = [&](std::size_t others, std::size_t their_bytes) {
    return others < set_.count_max && their_bytes <= set_.bytes_max
           && bytes <= set_.bytes_max - their_bytes;
  };
  // Nobody's state is lost for a lease that would not fit even then.
  const bool room = set_.beyond == when_full::end_longest
                        ? fits(entries_.size() - idle_.size(), bytes_ - idle_bytes_)
                        : fits(entries_.size(), bytes_);
  if (!room) return result;
  while (!fits(entries_.size(), bytes_)) {
    const auto longest = entries_.find(idle_.begin()->second);
    result.ended.push_back(longest->first);
    erase(longest);
  }
  const auto at = entries_.try_emplace(std::string{key}, entry{now, bytes, 0}).first;
  bytes_ += bytes;
  idle(*at);
  result.done = true;
  return result;
}

bool leases::use(std::string_view key, time_point now) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return false;
  if (found->second.calls == 0) busy(*found);
  found->second.used = now;
  if (found->second.calls == 0) idle(*found);
  return true;
}

bool leases::resize(std::string_view key, std::size_t bytes) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return false;
  auto& one = found->second;
  const auto others = bytes_ - one.bytes;
  if (bytes > one.bytes && (others > set_.bytes_max || bytes > set_.bytes_max - others))
    return false;
  bytes_ = others + bytes;
  if (one.calls == 0) idle_bytes_ = idle_bytes_ - one.bytes + bytes;
  one.bytes = bytes;
  return true;
}

bool leases::begin_call(std::string_view key, time_point now) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return false;
  if (found->second.calls++ == 0) busy(*found);
  found->second.used = now;
  return true;
}

bool leases::end_call(std::string_view key, time_point now) {
  const auto found = entries_.find(key);
  if (found == entries_.end() || found->second.calls == 0) return false;
  found->second.used = now;
  if (--found->second.calls == 0) idle(*found);
  return true;
}

bool leases::close(std::string_view key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return false;
  erase(found);
  return true;
}

std::vector<std::string> leases::take_ended(time_point now) {
  std::vector<std::string> result;
  while (!idle_.empty() && idle_.begin()->first + set_.lease <= now) {
    result.push_back(idle_.begin()->second);
    erase(entries_.find(idle_.begin()->second));
  }
  return result;
}

std::optional<leases::time_point> leases::next_end() const {
  if (idle_.empty()) return std::nullopt;
  return idle_.begin()->first + set_.lease;
}

std::size_t leases::calls(std::string_view key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? 0 : found->second.calls;
}

void leases::idle(const table::value_type& one) {
  idle_.emplace(one.second.used, one.first);
  idle_bytes_ += one.second.bytes;
}

void leases::busy(const table::value_type& one) {
  if (idle_.erase({one.second.used, one.first}) > 0) idle_bytes_ -= one.second.bytes;
}

void leases::erase(table::iterator at) {
  busy(*at);
  bytes_ -= at->second.bytes;
  entries_.erase(at);
}

}  // namespace greenroom::runtime::mcp
