// A rollout plan with a clock and a stream of tasks.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "runtime/rollout/rollout_plan.hpp"

namespace greenroom::runtime::rollout {

constexpr double t0 = 1'700'000'000;

inline rollout_settings quick() {
  rollout_settings out;
  out.shadow_hold_s = out.step_hold_s = out.full_hold_s = out.optimization_hold_s = 60;
  out.wanted.min_samples = 100;
  out.wanted.min_control = 20;
  return out;
}

inline circumstances ready() {
  circumstances out;
  out.ready = {true, true, true, true, true, ""};
  out.memory_efficiency = 0.8;
  out.commands_compared = 10;
  return out;
}

/// A plan, a clock and a stream of tasks.
struct rig {
  explicit rig(rollout_settings settings = quick()) : plan(std::move(settings)) {}

  rollout_plan plan;
  double now = t0;
  circumstances seen = ready();
  std::uint64_t canary_per_tick = 50;
  std::uint64_t control_per_tick = 50;
  double canary_ms = 20;
  bool canary_fails = false;

  std::vector<decision> step() {
    now += 15;
    for (std::uint64_t i = 0; i < control_per_tick; ++i) {
      plan.observe(pool_kind::baseline, 20, false, now);
    }
    for (std::uint64_t i = 0; i < canary_per_tick; ++i) {
      plan.observe(pool_kind::intelligent, canary_ms, canary_fails, now);
    }
    return plan.tick(seen, now);
  }
  bool until(phase where, double percentage, int ticks = 100) {
    for (int i = 0; i < ticks; ++i) {
      if (plan.at() == where && plan.percentage() == percentage) return true;
      step();
    }
    return plan.at() == where && plan.percentage() == percentage;
  }
  decision last() const { return plan.decisions().back(); }
};

}  // namespace greenroom::runtime::rollout
