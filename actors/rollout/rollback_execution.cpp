#include "actors/rollout/rollback_execution.hpp"

#include "actors/monitoring/evidence.hpp"
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

rollback_execution::rollback_execution(rollback_base& actor, intelligent_watch& watch,
                                       command_probe probe)
    : actor_{actor}, watch_{watch}, checklist_{actor.parts->verifying, std::move(probe)} {
  checklist_.count_from_here();
}

void rollback_execution::restore() {
  actor_.parts->board.read([this](const status_board::content& board) {
    if (board.rollbacks.empty() || board.rollbacks.back().plan.finished()) return;
    plan_ = board.rollbacks.back().plan;
    analysis_ = board.rollbacks.back().analysis;
  });
  if (!plan_) return;
  plan_->resumed(actor_.now_s());
  if (analysis_.empty()) find_cause();
}

void rollback_execution::verify_again(rollback_face finished) {
  plan_ = std::move(finished.plan);
  analysis_ = std::move(finished.analysis);
  checklist_.count_from_here();
  checklist_.ask_anew();
  save();
}

void rollback_execution::begin(rollback_kind kind, runtime::rollout::trigger cause,
                               const std::string& reason, double now) {
  const auto rules = actor_.parts->routes.now();
  const auto share = rules.routes == mode::hybrid ? rules.percentage
                     : rules.routes == mode::full
                             || (rules.routes == mode::idle
                                 && actor_.parts->routes.configured == pool_kind::intelligent)
                         ? 100.0
                         : 0.0;
  // First of all new tasks go to the baseline; everything else can follow.
  if (kind == rollback_kind::emergency) switch_over();
  const auto id = actor_.parts->board.write([&](status_board::content& board) {
    ++board.rollbacks_by_trigger[std::string{name_of(cause)}];
    return ++board.rollbacks_begun;
  });
  plan_ = rollback_plan::begin(id, kind, cause, reason, share, now,
                               way_back_of(actor_.parts->catalogs.now().config));
  waiting_at_start_ = running_at_start_ = 0;
  actor_.parts->board.write([&](status_board::content& board) {
    board.rollbacks.push_back({*plan_, {}});
    if (board.rollbacks.size() > status_board::rollbacks_max) board.rollbacks.pop_front();
  });
  checklist_.ask_anew();
  actor_.parts->events.publish("rollback.begun",
                               json_object{{"id", id}, {"trigger", name_of(cause)}});
  actor_.record_aside(rollback_count_record, std::to_string(id));
  // Records that are not read at the next start are removed.
  if (id > status_board::rollbacks_max) {
    const auto old = rollback_record(id - status_board::rollbacks_max);
    actor_.record_aside(old, {});
    actor_.record_aside(old + ".analysis", {});
  }
  find_cause();
  save();
}

void rollback_execution::find_cause() {
  analysis_ =
      runtime::rollout::cause_json(cause_of(actor_.parts->evidence, *plan_, watch_.health()));
  actor_.record_aside(rollback_record(plan_->id()) + ".analysis", analysis_);
}

void rollback_execution::switch_over() {
  actor_.parts->routes.rolling_back.store(true, std::memory_order_release);
  actor_.parts->routes.force({mode::fallback, 0});
  actor_.parts->routes.leaving[index_of(protocols::pool_kind::baseline)].store(
      false, std::memory_order_release);
  actor_.parts->routes.leaving[index_of(protocols::pool_kind::intelligent)].store(
      true, std::memory_order_release);
  actor_.open_pool(pool_kind::baseline);
  actor_.keep_baseline_warm(true);
  checklist_.count_from_here();
}

void rollback_execution::lower(double percentage) {
  actor_.parts->routes.rolling_back.store(true, std::memory_order_release);
  actor_.parts->routes.force({mode::hybrid, percentage});
  actor_.open_pool(pool_kind::baseline);
  actor_.keep_baseline_warm(true);
}

void rollback_execution::work() {
  if (!plan_) return;
  const auto now = actor_.now_s();
  const auto before = plan_->steps().size();
  if (plan_->tick(now) || plan_->steps().size() != before) save();
  // What comes next waits until what was done is written, unless the journal hangs or cannot be
  // written at all.
  for (int steps = 0; steps < 8 && !plan_->finished(); ++steps) {
    const bool writes = actor_.parts->gauge.journal_ok.load(std::memory_order_relaxed);
    if (actor_.unwritten() && writes && now - saved_at_s_ < journal_patience_s) break;
    const auto count = plan_->steps().size();
    carry_out(now);
    if (plan_->steps().size() == count) break;
    save();
  }
  if (plan_->finished())
    finish();
  else
    arm();
}

void rollback_execution::on_work_due(std::uint64_t generation) {
  if (generation == work_generation_) work();
}

void rollback_execution::arm() {
  actor_.self->delayed_send(actor_.self, work_period, work_atom::value, ++work_generation_);
}

bool rollback_execution::rollout_knows() const {
  return actor_.parts->board.read([](const status_board::content& board) {
    return !board.rollout || board.rollout->stands() == runtime::rollout::standing::rolled_back;
  });
}

void rollback_execution::command_rollout(double now) {
  if (now - commanded_s_ < command_again_s) return;
  commanded_s_ = now;
  rollout_command command;
  command.what = rollout_command::kind::fall_back;
  command.reason = "rollback " + std::to_string(plan_->id()) + ": " + plan_->reason();
  actor_.send_command(protocols::commanded_actor::rollout, std::move(command));
}

held_tasks rollback_execution::held() const {
  return held_by_intelligent(actor_.parts->verifying.readiness);
}

void rollback_execution::drain_intelligent_pool(bool fence) {
  actor_.self->send(actor_.root, protocols::hand_over_pool{pool_kind::intelligent, fence});
}

void rollback_execution::carry_out(double now) {
  const auto wanted = plan_->next();
  const auto done = [&](std::uint64_t tasks) {
    static_cast<void>(plan_->carried_out(wanted.what, tasks, now));
  };
  switch (wanted.what) {
    case order::set_percentage: lower(wanted.percentage); break;
    case order::switch_to_baseline: {
      switch_over();
      command_rollout(now);
      const auto remaining = held();
      waiting_at_start_ = remaining.waiting;
      running_at_start_ = remaining.running;
      if (actor_.parts->pools.of(pool_kind::baseline).open) done(0);
      break;
    }
    case order::requeue: {
      drain_intelligent_pool(false);
      const auto remaining = held();
      // Tasks that a specialist holds ahead of a long run come back when it is told; what is still
      // there at the end of the time is left to the draining.
      if (remaining.waiting == 0 || now > wanted.by_s)
        done(waiting_at_start_ - std::min(waiting_at_start_, remaining.waiting));
      break;
    }
    case order::drain: {
      drain_intelligent_pool(false);
      if (held().all() == 0) done(running_at_start_);
      break;
    }
    case order::fence: {
      const auto remaining = held();
      if (remaining.all() == 0) {
        done(running_at_start_);
      } else {
        running_at_start_ = std::max(remaining.running, std::uint64_t{1});
        drain_intelligent_pool(true);
      }
      break;
    }
    case order::verify: verify(now); break;
    case order::await_confirmation:
    case order::none: break;
  }
}

void rollback_execution::verify(double now) {
  // It ends only when the rollout has written down that it is over: after a crash in between, it
  // would go on with the percentage that was just taken back.
  if (!rollout_knows()) return command_rollout(now);
  checklist_.go_through(*plan_, watch_.sample_baseline(now), watch_.baseline_mean_ms(), now);
}

void rollback_execution::save() {
  actor_.parts->board.write([this](status_board::content& board) {
    for (auto& one : board.rollbacks)
      if (one.plan.id() == plan_->id()) one = {*plan_, analysis_};
  });
  saved_at_s_ = actor_.now_s();
  actor_.record(rollback_record(plan_->id()), plan_->encode());
}

void rollback_execution::finish() {
  save();
  const bool called_off = plan_->state() == rollback_state::cancelled;
  actor_.parts->events.publish("rollback." + std::string{name_of(plan_->state())},
                               runtime::rollout::rollback_json(*plan_, {}));
  plan_.reset();
  analysis_.clear();
  if (called_off) {
    const auto back = actor_.parts->board.read([](const status_board::content& board) {
      return board.rollout
                 ? routing_table::setting{board.rollout->routes(), board.rollout->percentage()}
                 : routing_table::setting{};
    });
    actor_.parts->routes.force(back);
  }
  // From now on the rollout decides again; it may have commands that had to wait.
  actor_.parts->routes.rolling_back.store(false, std::memory_order_release);
  actor_.self->send(actor_.root, protocols::commands_posted{protocols::commanded_actor::rollout});
}

}  // namespace greenroom::actors
