#include "runtime/mcp/leases.hpp"

namespace greenroom::runtime::mcp {

leases::opened leases::open(std::string_view key, std::size_t bytes, time_point now) {
  if (use(key, now)) return {true, {}};
  opened result;
  const auto full = [&] {
    return entries_.size() >= set_.count_max || bytes_ + bytes > set_.bytes_max;
  };
  if (bytes > set_.bytes_max) return result;
  while (full() && set_.beyond == when_full::end_longest && !idle_.empty()) {
    result.ended.push_back(idle_.begin()->second);
    erase(entries_.find(idle_.begin()->second));
  }
  if (full()) return result;
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
  const auto others = bytes_ - found->second.bytes;
  if (others + bytes > set_.bytes_max && bytes > found->second.bytes) return false;
  bytes_ = others + bytes;
  found->second.bytes = bytes;
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

void leases::erase(table::iterator at) {
  busy(*at);
  bytes_ -= at->second.bytes;
  entries_.erase(at);
}

}  // namespace greenroom::runtime::mcp
