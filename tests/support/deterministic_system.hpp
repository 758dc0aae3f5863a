// A CAF actor system whose scheduler and clock belong to the test.
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

  // The destructor of an actor system waits for every actor, and here nothing runs unless we run
  // it. Whatever a test leaves behind must not hang the suite.
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

  /// Runs ready actors, oldest first, until none is ready. Time stands still. Returns how many
  /// turns they had.
  std::size_t dispatch() {
    std::size_t steps = 0;
    for (; scheduler().try_run_once(); ++steps) check(steps);
    return steps;
  }

  /// The same, but chance picks who runs next. A seed is one legal interleaving and replays
  /// exactly.
  void dispatch(std::mt19937_64& chance) {
    auto& jobs = scheduler().jobs;
    for (std::size_t steps = 0; !jobs.empty(); ++steps) {
      check(steps);
      std::swap(jobs.front(), jobs[chance() % jobs.size()]);
      scheduler().run_once();
    }
  }

  /// At most so many turns, picked by chance; some actors are left in the middle of things.
  void dispatch_some(std::mt19937_64& chance, std::size_t turns) {
    auto& jobs = scheduler().jobs;
    for (; turns > 0 && !jobs.empty(); --turns) {
      std::swap(jobs.front(), jobs[chance() % jobs.size()]);
      scheduler().run_once();
    }
  }

  /// Lets `amount` of time pass, stopping at every deadline on the way: CAF's own advance_time
  /// jumps, and a timer that arms itself again would lose its ticks.
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

  /// Alarms that are set.
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
  caf::actor_system system;  ///< After its configuration, which it refers to.
};

}  // namespace greenroom::tests
