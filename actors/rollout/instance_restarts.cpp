#include "actors/rollout/instance_restarts.hpp"

namespace greenroom::actors {

namespace {

constexpr std::int64_t start_ns_max = 3'000'000'000;
constexpr int attempts_max = 20;
constexpr double pause_s = 2;

}  // namespace

std::optional<std::uint32_t> instance_restarts::next(double now_s) {
  const auto& catalog = catalogs_.now();
  const auto& pool = pools_.of(protocols::pool_kind::baseline);
  for (const auto& suspect : shadow_.instance_suspects()) {
    const auto who = catalog.find(suspect);
    if (who == catalog::nobody) continue;
    const auto& gauge = pool.specialists[who].gauge;
    if (gauge.depth() > 0 || gauge.start_ns.load(std::memory_order_relaxed) > start_ns_max)
      continue;
    auto& mine = tried_[suspect];
    if (mine.made >= attempts_max || (mine.made > 0 && now_s - mine.last_s < pause_s)) continue;
    ++mine.made;
    mine.last_s = now_s;
    return who;
  }
  return std::nullopt;
}

}  // namespace greenroom::actors
