// The root: the one actor that nobody replaces. Everything else hangs below it.
#pragma once

#include "actors/monitoring/monitor.hpp"
#include "actors/pooling/director.hpp"
#include "actors/pooling/memory_sampler.hpp"
#include "actors/rollout/command_probe.hpp"
#include "actors/state/root_children.hpp"
#include "actors/supervision/node_state.hpp"
#include "actors/tasks/journal_actor.hpp"
#include "runtime/resilience/restart_budget.hpp"

#include <caf/all.hpp>

#include <array>
#include <cstdint>

namespace greenroom::actors {

/// What the root builds its tree from.
struct root_plan {
  std::array<policy_factory, pools> policies;  ///< A pool without a policy is not opened.
  journal_factory open_journal;                ///< Empty: no journal.
  usage_gauge measure;                         ///< Empty: nobody is measured.
  std::chrono::milliseconds survey_period{1000};
  std::array<bool, pools> later{};  ///< Opened only by `(open_atom, kind)`.
  bool watched = false;             ///< With a monitor, a rollout and a rollback.
  bool predicted = false;           ///< With a predictor, which tells the pools who comes next.
  bool predictor_apart = false;     ///< On a thread of its own, because it writes files.
  command_probe probe;              ///< Runs a command when a rollback is verified. Empty: not run.
  alert_post post;                  ///< Delivers alerts to webhooks. Empty: nowhere.
};

/// Supervises the journal actor, the dispatcher, the memory sampler and the pools: each that dies
/// is replaced after a delay. When one dies too often the root calls `node_state::collapse` and
/// ends. Passes on `reload_atom`, `check_atom`, and `(warm_up_atom | cool_atom, index)`;
/// `(cool_atom, pool, index)` starts one worker of one pool again. `(open_atom, kind)` opens a pool
/// that is not open yet, `(switch_atom, kind, fence)` has a pool hand its tasks over, `(steer_atom,
/// child)` wakes a journaled actor, and `report_atom` goes to the journal.
struct root_state : root_children {
  static constexpr const char* name = "greenroom.root";

  caf::event_based_actor* self = nullptr;
  node_state* where = nullptr;
  root_plan plan;
  std::array<caf::actor, children> actors;
  std::array<runtime::restart_budget, children> budgets;

  void open();
  void hire(std::uint32_t which);
  void introduce();
  void lose(const caf::exit_msg& message);
};

using root_actor = caf::stateful_actor<root_state>;

caf::behavior root(root_actor* self, node_state* where, root_plan plan);

}  // namespace greenroom::actors
