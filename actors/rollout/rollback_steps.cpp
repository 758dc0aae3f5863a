// The way back, step by step.
#include "actors/monitoring/evidence.hpp"
#include "actors/rollout/readiness.hpp"
#include "actors/rollout/rollback.hpp"
#include "actors/state/rollout_settings.hpp"
#include "actors/state/text.hpp"
#include "runtime/rollout/deployment_report.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

using protocols::pool_kind;
using runtime::rollout::mode, runtime::rollout::order, runtime::rollout::rollback_kind;
using runtime::rollout::rollback_plan, runtime::rollout::rollback_state;

namespace {

constexpr std::chrono::milliseconds work_period{50};
constexpr double journal_patience_s = 0.5;  // A journal that hangs does not hold up a rollback.
constexpr double command_again_s = 0.5;     // The rollout may have died with the command.

}  // namespace

void rollback_actor_state::begin(rollback_kind kind, runtime::rollout::trigger cause,
                                 const std::string& reason, double now) {
  const auto rules = parts->routes.now();
  const auto share =
      rules.routes == mode::hybrid ? rules.percentage
      : rules.routes == mode::full
              || (rules.routes == mode::idle && parts->routes.configured == pool_kind::intelligent)
          ? 100.0
          : 0.0;
  // First of all new tasks go to the baseline; everything else can follow.
  if (kind == rollback_kind::emergency) switch_over();
  const auto id = parts->board.write([&](status_board::content& board) {
    ++board.rollbacks_by_trigger[std::string{name_of(cause)}];
    return ++board.rollbacks_begun;
  });
  plan = rollback_plan::begin(id, kind, cause, reason, share, now,
                              way_back_of(parts->catalogs.now().config));
  waiting_at_start = running_at_start = 0;
  parts->board.write([&](status_board::content& board) {
    board.rollbacks.push_back({*plan, {}});
    if (board.rollbacks.size() > status_board::rollbacks_max) board.rollbacks.pop_front();
  });
  checklist->ask_anew();
  parts->events.publish("rollback.begun", json_object{{"id", id}, {"trigger", name_of(cause)}});
  record_aside(rollback_count_record, std::to_string(id));
  // Records that are not read at the next start are removed.
  if (id > status_board::rollbacks_max) {
    const auto old = rollback_record(id - status_board::rollbacks_max);
    record_aside(old, {});
    record_aside(old + ".analysis", {});
  }
  find_cause();
  keep();
}

void rollback_actor_state::find_cause() {
  analysis = runtime::rollout::cause_json(cause_of(parts->evidence, *plan, watch->health()));
  record_aside(rollback_record(plan->id()) + ".analysis", analysis);
}

void rollback_actor_state::switch_over() {
  parts->routes.rolling_back.store(true, std::memory_order_release);
  parts->routes.force({mode::fallback, 0});
  parts->routes.leaving[index_of(protocols::pool_kind::baseline)].store(false,
                                                                        std::memory_order_release);
  parts->routes.leaving[index_of(protocols::pool_kind::intelligent)].store(
      true, std::memory_order_release);
  open_pool(pool_kind::baseline);
  keep_baseline_warm(true);
  checklist->count_from_here();
}

void rollback_actor_state::lower(double percentage) {
  parts->routes.rolling_back.store(true, std::memory_order_release);
  parts->routes.force({mode::hybrid, percentage});
  open_pool(pool_kind::baseline);
  keep_baseline_warm(true);
}

void rollback_actor_state::work() {
  if (!plan) return;
  const auto now = now_s();
  const auto before = plan->steps().size();
  if (plan->tick(now) || plan->steps().size() != before) keep();
  // What comes next waits until what was done is written, unless the journal hangs or cannot be
  // written at all.
  for (int steps = 0; steps < 8 && !plan->finished(); ++steps) {
    const bool writes = parts->gauge.journal_ok.load(std::memory_order_relaxed);
    if (unwritten() && writes && now - saved_at_s < journal_patience_s) break;
    const auto count = plan->steps().size();
    carry_out(now);
    if (plan->steps().size() == count) break;
    keep();
  }
  if (plan->finished())
    finish();
  else
    arm_work();
}

void rollback_actor_state::arm_work() {
  self->delayed_send(self, work_period, work_atom::value, ++work_generation);
}

bool rollback_actor_state::rollout_knows() const {
  return parts->board.read([](const status_board::content& board) {
    return !board.rollout || board.rollout->stands() == runtime::rollout::standing::rolled_back;
  });
}

void rollback_actor_state::command_rollout(double now) {
  if (now - commanded_s < command_again_s) return;
  commanded_s = now;
  rollout_command command;
  command.what = rollout_command::kind::fall_back;
  command.reason = "rollback " + std::to_string(plan->id()) + ": " + plan->reason();
  send_command(protocols::commanded_actor::rollout, std::move(command));
}

void rollback_actor_state::carry_out(double now) {
  const auto wanted = plan->next();
  const auto hand_over = [this](bool fence) {
    self->send(root, protocols::hand_over_pool{pool_kind::intelligent, fence});
  };
  const auto done = [&](std::uint64_t tasks) {
    static_cast<void>(plan->carried_out(wanted.what, tasks, now));
  };
  switch (wanted.what) {
    case order::set_percentage: lower(wanted.percentage); break;
    case order::switch_to_baseline: {
      switch_over();
      command_rollout(now);
      const auto left = held_by_intelligent(parts->verifying.readiness);
      waiting_at_start = left.waiting;
      running_at_start = left.running;
      if (parts->pools.of(pool_kind::baseline).open) done(0);
      break;
    }
    case order::requeue: {
      hand_over(false);
      const auto left = held_by_intelligent(parts->verifying.readiness);
      // Tasks that a specialist holds ahead of a long run come back when it is told; what is still
      // there at the end of the time is left to the draining.
      if (left.waiting == 0 || now > wanted.by_s)
        done(waiting_at_start - std::min(waiting_at_start, left.waiting));
      break;
    }
    case order::drain: {
      hand_over(false);
      if (held_by_intelligent(parts->verifying.readiness).all() == 0) done(running_at_start);
      break;
    }
    case order::fence: {
      const auto left = held_by_intelligent(parts->verifying.readiness);
      if (left.all() == 0) {
        done(running_at_start);
      } else {
        running_at_start = std::max(left.running, std::uint64_t{1});
        hand_over(true);
      }
      break;
    }
    case order::verify: verify(now); break;
    case order::await_confirmation:
    case order::none: break;
  }
}

void rollback_actor_state::verify(double now) {
  // It ends only when the rollout has written down that it is over: after a crash in between, it
  // would go on with the percentage that was just taken back.
  if (!rollout_knows()) return command_rollout(now);
  checklist->go_through(*plan, watch->sample_baseline(now), watch->baseline_mean_ms(), now);
}

void rollback_actor_state::keep() {
  parts->board.write([this](status_board::content& board) {
    for (auto& one : board.rollbacks)
      if (one.plan.id() == plan->id()) one = {*plan, analysis};
  });
  saved_at_s = now_s();
  record(rollback_record(plan->id()), plan->encode());
}

void rollback_actor_state::finish() {
  keep();
  const bool called_off = plan->state() == rollback_state::cancelled;
  parts->events.publish("rollback." + std::string{name_of(plan->state())},
                        runtime::rollout::rollback_json(*plan, {}));
  plan.reset();
  analysis.clear();
  if (called_off) {
    const auto back = parts->board.read([](const status_board::content& board) {
      return board.rollout
                 ? routing_table::setting{board.rollout->routes(), board.rollout->percentage()}
                 : routing_table::setting{};
    });
    parts->routes.force(back);
  }
  // From now on the rollout decides again; it may have commands that had to wait.
  parts->routes.rolling_back.store(false, std::memory_order_release);
  self->send(root, protocols::commands_posted{protocols::commanded_actor::rollout});
}

}  // namespace greenroom::actors
