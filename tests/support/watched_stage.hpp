// A stage with both pools and the journaled actors, for tests of rollouts and rollbacks.
#pragma once

#include "actors/rollout/readiness.hpp"
#include "actors/rollout/rollback.hpp"
#include "actors/rollout/rollout.hpp"
#include "tests/support/stage.hpp"

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>

namespace greenroom::tests {

using namespace std::chrono_literals;
using actors::rollout_command;
using protocols::pool_kind;
using runtime::rollout::mode;
using runtime::rollout::rollback_state;

struct worker_turn {
  std::string_view failing = "nobody";  ///< Workers whose names start so fail their tasks.
  std::string_view only = {};           ///< Workers whose names start so act; empty: all.
};

/// Names every puppet by its pool and specialist.
class watched_stage : public stage {
public:
  explicit watched_stage(config::node config) : stage{std::move(config)} {
    options.policies[1] = options.policies[0];
    options.opens_on_request[1] = true;
    options.with_monitor_and_rollout = true;
    shared->workers.make_worker = [this](const actors::member& who, std::string_view,
                                         pool_kind pool,
                                         std::shared_ptr<machine::worker_events> events) {
      auto fresh = std::make_shared<puppet>(std::move(events));
      names[fresh.get()] = std::string{protocols::to_string(pool)} + "/" + who.config.name;
      workers[names[fresh.get()]] = fresh;
      all.push_back(fresh);
      return fresh;
    };
  }

  std::map<const puppet*, std::string> names;  ///< With the pool, e.g. "baseline/d0-s0".

  int command(rollout_command order) {
    auto status = std::make_shared<int>(0);
    using kind = rollout_command::kind;
    const bool back = order.what == kind::roll_back || order.what == kind::confirm
                      || order.what == kind::cancel || order.what == kind::verify;
    order.reply = [status](int code, const std::string&, const std::string&) { *status = code; };
    const auto to =
        back ? protocols::commanded_actor::rollback : protocols::commanded_actor::rollout;
    shared->board.post(to, std::move(order));
    caf::anon_send(root, protocols::commands_posted{to});
    world.dispatch();
    return *status;
  }
  int command(rollout_command::kind what, double percentage = 0) {
    rollout_command order;
    order.what = what;
    order.percentage = percentage;
    order.reason = "the test says so";
    return command(std::move(order));
  }
  /// Sets the intelligent pool's share, once the baseline is warm enough for a rollback.
  void route(double percentage) {
    for (int i = 0; i < 100 && command(rollout_command::kind::route, percentage) != 200; ++i)
      run_for(50ms);
  }
  /// Workers do what they were asked to do.
  void run_workers(const worker_turn& turn = {}) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      auto one = all[i];
      if (one->gone || !names[one.get()].starts_with(turn.only)) continue;
      if (one->stopping) {
        one->die();
        continue;
      }
      one->get_ready();
      while (!one->held.empty())
        if (names[one.get()].starts_with(turn.failing))
          one->fail_one(true);
        else
          one->finish_one();
    }
  }
  void run_for(std::chrono::milliseconds time, const worker_turn& turn = {}) {
    for (auto passed = 0ms; passed < time; passed += 50ms) {
      run_workers(turn);
      world.advance(50ms);
    }
  }
  [[nodiscard]] std::optional<rollback_state> rollback() const {
    return shared->board.read([](const actors::status_board::content& board) {
      return board.rollbacks.empty() ? std::optional<rollback_state>{}
                                     : board.rollbacks.back().plan.state();
    });
  }
  [[nodiscard]] runtime::rollout::phase phase() const {
    return shared->board.read([](const actors::status_board::content& board) {
      return board.rollout ? board.rollout->at() : runtime::rollout::phase::idle;
    });
  }
  [[nodiscard]] std::uint64_t ended(pool_kind pool) const {
    std::uint64_t sum = 0;
    for (std::size_t e = 0; e < machine::task_outcome_count; ++e)
      sum += shared->pools.of(pool).gauge.ends(e);
    return sum;
  }
};

inline config::node quick_cast() {
  auto config = small_cast(2, 3);
  config.pool.max_warm = 3;
  config.pool.min_residency = 0ms;
  config.health_interval = 1s;
  config.rollout.check_interval = 500ms;
  config.rollout.grace = 2s;
  config.rollout.shadow_hold = 3s;
  config.rollout.step_hold = 3s;
  config.rollout.min_samples = 20;
  config.rollout.criteria.memory_efficiency = 0.1;
  config.rollback.memory_efficiency = 0.01;
  config.supervision.restarts_max = 1000;
  config.supervision.delay = 1ms;
  for (auto& department : config.departments) department.restart.intensity = 1000;
  for (auto& department : config.departments)
    for (auto& one : department.specialists) {
      one.backend.task_timeout = 60s;
      one.backend.stop_timeout = 100ms;
    }
  return config;
}

inline std::string someone(std::mt19937_64& chance) {
  return "d" + std::to_string(chance() % 2) + "-s" + std::to_string(chance() % 3);
}

}  // namespace greenroom::tests
