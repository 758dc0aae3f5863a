#include "runtime/rollout/rollout_plan.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

namespace greenroom::runtime::rollout {

namespace {

/// Minimum time between renewals of the evidence, however short a hold is.
constexpr double renewal_least_s = 60;
/// Outputs to compare first in a stage after shadow, and then one in this many tasks.
constexpr std::uint64_t compared_first = 50;
constexpr std::uint64_t tasks_for_one_comparison = 20;
}  // namespace

rollout_plan::rollout_plan(rollout_settings settings) : settings_(std::move(settings)) {
  assert(!settings_.steps.empty());
  assert(std::is_sorted(settings_.steps.begin(), settings_.steps.end()));
  assert(settings_.steps.front() > 0 && settings_.steps.back() <= 100);
}

mode rollout_plan::routes() const {
  if (fallback_) return mode::fallback;
  switch (phase_) {
    case phase::idle:
    // Preparation changes nothing for callers: after a rollback the fallback stays in force.
    case phase::preparation: return mode::idle;
    case phase::shadow_mode: return mode::shadow;
    case phase::partial_rollout: return mode::hybrid;
    case phase::full_deployment:
    case phase::optimization:
    case phase::complete: return mode::full;
  }
  return mode::fallback;
}

double rollout_plan::hold_wanted_s() const {
  switch (phase_) {
    case phase::shadow_mode: return settings_.shadow_hold_s;
    case phase::partial_rollout: return settings_.step_hold_s;
    case phase::full_deployment: return settings_.full_hold_s;
    case phase::optimization: return settings_.optimization_hold_s;
    default: return 0;
  }
}

bool rollout_plan::baseline_must_be_warm() const {
  return standing_ != standing::idle && standing_ != standing::complete;
}

std::uint64_t rollout_plan::control_missing() const {
  const bool past_shadow = phase_ == phase::partial_rollout || phase_ == phase::full_deployment
                           || phase_ == phase::optimization;
  if (!active() || !past_shadow || percentage_ <= 0) return 0;
  const auto& wanted = settings_.wanted;
  if (reference_.tasks >= wanted.min_control) return 0;
  // Below 100 % the baseline gets its own share, unless that share is very small.
  if (percentage_ < 100
      && (canary_.tasks < wanted.min_samples || control_.tasks >= wanted.min_control)) {
    return 0;
  }
  const auto enough = std::max(wanted.min_samples, wanted.min_control);
  return enough - std::min(enough, control_.tasks);
}

std::uint64_t rollout_plan::comparisons_missing() const {
  const bool past_shadow = phase_ == phase::partial_rollout || phase_ == phase::full_deployment
                           || phase_ == phase::optimization;
  if (!active() || !past_shadow || percentage_ <= 0) return 0;
  const auto enough = std::max(std::min(compared_first, settings_.wanted.min_samples),
                               canary_.tasks / tasks_for_one_comparison);
  return enough - std::min(enough, outputs_.compared);
}

std::string rollout_plan::way_back() const {
  if (active() && returns_to_intelligent_) {
    return "`greenroom rollout abort` ends this trial and returns to the intelligent pool; "
           "`greenroom "
           "rollback --reason TEXT` goes to the baseline";
  }
  if (standing_ != standing::rolled_back) return {};
  if (!settings_.intelligent_node) {
    return "`greenroom rollout start` tries again, beginning with shadow";
  }
  return "`greenroom rollout start` tries again, beginning with shadow; `greenroom routing 100` "
         "sends "
         "everything to the intelligent pool and goes on judging it; `greenroom rollout reset` "
         "returns "
         "at once to `pool.mode: intelligent`, without a judge";
}

bool rollout_plan::active() const {
  return standing_ == standing::running || standing_ == standing::paused
         || standing_ == standing::awaiting_confirmation;
}

bool rollout_plan::confirmation_wanted() const {
  switch (phase_) {
    case phase::shadow_mode: return settings_.confirm.leave_shadow;
    case phase::partial_rollout:
      return percentage_ >= settings_.steps.back() ? settings_.confirm.go_full
                                                   : settings_.confirm.raise_percentage;
    case phase::optimization: return settings_.confirm.complete;
    default: return false;
  }
}

decision rollout_plan::record(decision_kind kind, std::string reason, double now_s) {
  decision made;
  made.number = next_number_++;
  made.run = run_;
  made.at_s = now_s;
  made.kind = kind;
  made.where = phase_;
  made.routes = routes();
  made.percentage = percentage_;
  made.reason = std::move(reason);
  if (last_judgement_) {
    made.outcome = name_of(last_judgement_->outcome);
    for (const auto& each : last_judgement_->findings) {
      if (!made.evidence.empty()) made.evidence += '\n';
      made.evidence += std::string(name_of(each.outcome)) + ' ' + each.name + ": " + each.text;
    }
  }
  decisions_.push_back(made);
  while (decisions_.size() > settings_.decisions_max) decisions_.pop_front();
  return made;
}

decision rollout_plan::enter(phase next, double percentage, std::string reason, double now_s) {
  // The decision records the new phase with the judgement of the old one.
  phase_ = next;
  fallback_ = false;
  percentage_ = percentage;
  standing_ = next == phase::complete ? standing::complete : standing::running;
  entered_at_s_ = now_s;
  last_tick_s_ = now_s;
  held_s_ = 0;
  auto made = record(next == phase::complete ? decision_kind::completed : decision_kind::entered,
                     std::move(reason), now_s);
  if (control_.tasks >= settings_.wanted.min_control) reference_ = std::move(control_);
  forget_evidence();
  return made;
}

void rollout_plan::forget_evidence() {
  control_ = canary_ = newer_control_ = newer_canary_ = {};
  outputs_ = outputs_before_ = {};
  // A new shadow phase starts a new comparison.
  outputs_from_ = phase_ == phase::shadow_mode ? comparisons{} : outputs_told_;
  newer_from_s_ = stage_s_ = 0;
  last_canary_task_s_.reset();
  look_ = 0;
  looked_at_ = 0;
  hold_cause_.clear();
  last_judgement_.reset();
}

void rollout_plan::roll_evidence() {
  const double span = std::max(renewal_least_s, hold_wanted_s());
  if (stage_s_ - newer_from_s_ < span || newer_canary_.tasks < settings_.wanted.min_samples) return;
  newer_from_s_ = stage_s_;
  // At the first renewal both have the same data, so nothing is older than the newer evidence.
  if (control_.tasks >= settings_.wanted.min_control) reference_ = control_;
  control_ = std::exchange(newer_control_, {});
  canary_ = std::exchange(newer_canary_, {});
  // The number of looks is kept: all looks of a stage together may spend alpha once.
  looked_at_ = std::min(looked_at_, canary_.tasks);
}

decision rollout_plan::go_on(std::string reason, double now_s) {
  switch (phase_) {
    case phase::preparation: return enter(phase::shadow_mode, 0, std::move(reason), now_s);
    case phase::shadow_mode:
      return enter(phase::partial_rollout, settings_.steps.front(), std::move(reason), now_s);
    case phase::partial_rollout: {
      const auto next =
          std::upper_bound(settings_.steps.begin(), settings_.steps.end(), percentage_);
      if (next != settings_.steps.end()) {
        return enter(phase::partial_rollout, *next, std::move(reason), now_s);
      }
      return enter(phase::full_deployment, 100, std::move(reason), now_s);
    }
    case phase::full_deployment: return enter(phase::optimization, 100, std::move(reason), now_s);
    default: return enter(phase::complete, 100, std::move(reason), now_s);
  }
}

decision rollout_plan::go_back(decision_kind kind, std::string reason, double now_s) {
  standing_ = standing::rolled_back;
  fallback_ = true;
  percentage_ = 0;
  auto made = record(kind, std::move(reason), now_s);
  made.roll_back = true;
  decisions_.back().roll_back = true;
  return made;
}

void rollout_plan::begin_run() {
  returns_to_intelligent_ = settings_.intelligent_node && standing_ != standing::rolled_back;
  ++run_;
  reference_ = {};
}

std::optional<decision> rollout_plan::restored(double now_s) {
  last_tick_s_ = now_s;
  outputs_before_ = outputs_;
  outputs_told_ = outputs_from_ = {};
  if (!active()) return std::nullopt;
  return record(decision_kind::restored, "read back after a restart", now_s);
}

}  // namespace greenroom::runtime::rollout
