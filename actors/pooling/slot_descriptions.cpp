#include "actors/pooling/slot_descriptions.hpp"

#include "actors/state/units.hpp"

#include <chrono>
#include <cstdint>

namespace greenroom::actors {

namespace {

double weight_of(config::priority priority) {
  switch (priority) {
    case config::priority::high: return 1.5;
    case config::priority::normal: return 1.0;
    case config::priority::low: break;
  }
  return 1 / 1.5;
}

}  // namespace

runtime::pool_limits limits_of(const config::pool& from, std::size_t specialists,
                               protocols::pool_kind pool, bool baseline_warm) {
  return {.max_warm = pool == protocols::pool_kind::baseline ? specialists : from.max_warm,
          .memory_budget_mb = baseline_warm ? 0 : from.memory_budget_mb,
          .target_memory = baseline_warm ? 0 : from.target_memory,
          .min_residency_s =
              from.min_residency ? seconds_of(*from.min_residency) : runtime::automatic_residency,
          .cooldown_s = baseline_warm ? runtime::never_s : seconds_of(from.cooldown),
          .warm_threshold = from.warm_threshold,
          .adaptive = from.adaptive,
          .warming_concurrency = from.warming_concurrency};
}

std::vector<runtime::slot_description> describe_slots(const catalog& current,
                                                      const pool_record& records,
                                                      bool baseline_warm) {
  std::vector<runtime::slot_description> result(current.members.size());
  for (std::uint32_t who = 0; who < result.size(); ++who) {
    const auto& member = current.members[who];
    const auto& gauge = records.specialists[who].gauge;
    // A callable costs nothing to keep, so it is always warm.
    const bool callable = member.config.backend.kind == config::backend_kind::function;
    result[who] = {.department = member.department,
                   .priority_weight = weight_of(member.config.priority),
                   .pinned = !member.gone && (member.config.pin || baseline_warm || callable),
                   .memory_mb = memory_mb_of(gauge, member.config.memory_mb),
                   .starts_at_once = callable,
                   .measured_start_s = static_cast<double>(gauge.start_ns.load()) * 1e-9};
  }
  return result;
}

}  // namespace greenroom::actors
