// A CAF actor system with a scheduler and a clock that the test controls.
#pragma once

#include "protocols/node_messages.hpp"

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <utility>

namespace greenroom::tests {

class deterministic_system {
public:
  deterministic_system() : system{configured(config_)} {
    // CAF reads time point zero as "not set", so start well past it.
    scheduler().clock().current_time += std::chrono::hours{1};
  }

  // The destructor of an actor system waits for every actor, and no actor runs unless this class
  // runs it. What a test leaves behind must not hang the suite.
  ~deterministic_system() {
    scheduler().clock().cancel_all();
    dispatch();
    system.await_actors_before_shutdown(false);
  }

  deterministic_system(const deterministic_system&) = delete;
  deterministic_system& operator=(const deterministic_system&) = delete;

  [[nodiscard]] std::int64_t now_ns() {
    return scheduler().clock().now().time_since_epoch().count();
  }

  /// Runs ready actors, oldest first, until none is ready. Time does not advance. Returns the
  /// number of turns.
  std::size_t dispatch() {
    std::size_t steps = 0;
    for (; scheduler().try_run_once(); ++steps) check(steps);
    return steps;
  }

  /// The same in random order. A seed is one legal interleaving and replays exactly.
  void dispatch(std::mt19937_64& chance) {
    auto& jobs = scheduler().jobs;
    for (std::size_t steps = 0; !jobs.empty(); ++steps) {
      check(steps);
      std::swap(jobs.front(), jobs[chance() % jobs.size()]);
      scheduler().run_once();
    }
  }

  /// Runs at most `turns` ready actors in random order; others may stay ready.
  void dispatch_some(std::mt19937_64& chance, std::size_t turns) {
    auto& jobs = scheduler().jobs;
    for (; turns > 0 && !jobs.empty(); --turns) {
      std::swap(jobs.front(), jobs[chance() % jobs.size()]);
      scheduler().run_once();
    }
  }

  /// Runs at most `turns` ready actors, oldest first; others may stay ready.
  void dispatch_some(std::size_t turns) {
    while (turns > 0 && scheduler().try_run_once()) --turns;
  }

  /// Advances time by `amount` at once and runs no actor: each timer that is due fires once.
  void skip(std::chrono::nanoseconds amount) { scheduler().clock().advance_time(amount); }

  /// Advances time by `amount`, stopping at every deadline. CAF's own advance_time jumps, so a
  /// timer that re-arms would lose ticks.
  void advance(std::chrono::nanoseconds amount) {
    auto& clock = scheduler().clock();
    const auto target = clock.now() + amount;
    dispatch();
    while (!clock.schedule().empty() && clock.schedule().begin()->first <= target) {
      const auto due = std::max(clock.schedule().begin()->first, clock.now());
      clock.advance_time(due - clock.now());
      dispatch();
    }
    clock.advance_time(target - clock.now());
  }

  /// Number of pending timers.
  [[nodiscard]] std::size_t timers() { return scheduler().clock().schedule().size(); }

private:
  static constexpr std::size_t steps_max = 1'000'000;

  static void check(std::size_t steps) {
    if (steps < steps_max) return;
    std::fputs("livelock: a million steps and the actors still talk\n", stderr);
    std::abort();
  }

  static caf::actor_system_config& configured(caf::actor_system_config& config) {
    config.add_message_types<caf::id_block::greenroom>();
    config.set("scheduler.policy", caf::atom("testing"));
    return config;
  }

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  }

  caf::actor_system_config config_;

public:
  caf::actor_system system;  ///< Declared after its configuration, which it refers to.
};

}  // namespace greenroom::tests
