#include "actors/tasks/worker_lines.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

std::size_t worker_lines::share() const {
  return std::clamp(bytes_max / std::max<std::size_t>(tails_.size(), 1), specialist_bytes_min,
                    specialist_bytes);
}

void worker_lines::trim(tail& one, std::size_t most) {
  while (one.bytes > most && !one.lines.empty()) {
    one.bytes -= one.lines.front().text.size() + sizeof(worker_line);
    one.lines.pop_front();
  }
}

void worker_lines::add(std::string_view specialist, std::string_view text, std::int64_t unix_ms) {
  const std::lock_guard lock{mutex_};
  auto found = tails_.find(specialist);
  if (found == tails_.end()) {
    found = tails_.emplace(std::string{specialist}, tail{}).first;
    // The share of every specialist has become smaller.
    for (auto& [name, one] : tails_) trim(one, share());
  }
  auto& mine = found->second;
  const auto most = share();
  std::string kept{text.substr(0, std::min(line_bytes, most / 2))};
  if (kept.size() < text.size()) kept += " [cut]";
  mine.bytes += kept.size() + sizeof(worker_line);
  mine.lines.push_back({++last_, unix_ms, std::move(kept)});
  trim(mine, most);
}

void worker_lines::keep(const std::function<bool(std::string_view)>& is_known) {
  const std::lock_guard lock{mutex_};
  std::erase_if(tails_, [&](const auto& one) { return !is_known(one.first); });
}

std::vector<worker_line> worker_lines::of(std::string_view specialist, std::uint64_t after,
                                          std::size_t most) const {
  const std::lock_guard lock{mutex_};
  const auto found = tails_.find(specialist);
  if (found == tails_.end()) return {};
  const auto& lines = found->second.lines;
  auto from = std::ranges::upper_bound(lines, after, {}, &worker_line::number);
  if (static_cast<std::size_t>(lines.end() - from) > most)
    from = lines.end() - static_cast<std::ptrdiff_t>(most);
  return {from, lines.end()};
}

}  // namespace greenroom::actors
