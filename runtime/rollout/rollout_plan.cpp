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

/// The judge looks again when the evidence has grown by a fifth, so there are few looks.
constexpr double growth_between_looks = 1.2;
constexpr std::uint64_t first_look_tasks = 8;
/// Minimum time between renewals of the evidence, however short a hold is.
constexpr double renewal_least_s = 60;
/// Outputs to compare first in a stage after shadow, and then one in this many tasks.
constexpr std::uint64_t compared_first = 50;
constexpr std::uint64_t tasks_for_one_comparison = 20;
/// Prefix of a hold's cause where a rollback is due but not automatic.
constexpr std::string_view fails_cause = "fails";

std::string percent(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g %%", value);
  return text;
}

answer refuse(refusal why, std::string text) { return {std::nullopt, why, std::move(text)}; }

answer did(decision done) {
  auto text = done.reason;
  return {std::move(done), std::nullopt, std::move(text)};
}

std::string by(std::string_view who, std::string_view text) {
  return std::string(text) + " by " + std::string(who.empty() ? "an operator" : who);
}

/// Why the plan cannot leave preparation.
std::string unprepared(const std::string& cause) {
  return cause.empty() ? "preparation has only just begun" : "preparation is not done: " + cause;
}

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

answer rollout_plan::start(std::string_view who, double now_s) {
  if (active()) return refuse(refusal::already_running, "a rollout is running");
  begin_run();
  prepared_ = false;
  phase_ = phase::preparation;
  percentage_ = 0;
  standing_ = standing::running;
  entered_at_s_ = last_tick_s_ = now_s;
  held_s_ = 0;
  forget_evidence();
  return did(record(decision_kind::started, by(who, "started"), now_s));
}

answer rollout_plan::pause(std::string_view who, double now_s) {
  if (!active() || standing_ == standing::paused) {
    return refuse(refusal::not_running, "no rollout is running");
  }
  standing_ = standing::paused;
  return did(record(decision_kind::paused, by(who, "paused"), now_s));
}

answer rollout_plan::resume(std::string_view who, double now_s) {
  if (standing_ != standing::paused) return refuse(refusal::not_paused, "it is not paused");
  standing_ = standing::running;
  last_tick_s_ = now_s;
  hold_cause_.clear();
  return did(record(decision_kind::resumed, by(who, "resumed"), now_s));
}

answer rollout_plan::advance(std::string_view who, bool force, double now_s) {
  if (standing_ == standing::rolled_back) {
    return refuse(refusal::rolled_back, "it was rolled back; start again from shadow");
  }
  if (!active()) return refuse(refusal::not_running, "no rollout is running");
  if (phase_ == phase::preparation) {
    if (!prepared_) return refuse(refusal::not_ready, unprepared(hold_cause_));
    return did(go_on(by(who, "advanced"), now_s));
  }
  const auto outcome = last_judgement_ ? last_judgement_->outcome : verdict::insufficient_data;
  if (outcome == verdict::fail) {
    return refuse(refusal::failing, "the judge fails it: " + last_judgement_->summary());
  }
  if (outcome != verdict::pass && !force) {
    return refuse(refusal::not_passed,
                  std::string(name_of(outcome)) + ": "
                      + (last_judgement_ ? last_judgement_->summary() : "nothing was judged yet"));
  }
  return did(go_on(by(who, outcome == verdict::pass ? "advanced" : "forced on"), now_s));
}

answer rollout_plan::abort(std::string_view who, std::string_view reason, double now_s) {
  if (!active()) return refuse(refusal::not_running, "no rollout is running");
  auto text = by(who, "aborted");
  if (!reason.empty()) text += ": " + std::string(reason);
  if (!returns_to_intelligent_ || !settings_.intelligent_node) {
    return did(go_back(decision_kind::aborted, std::move(text), now_s));
  }
  standing_ = standing::idle;
  phase_ = phase::idle;
  fallback_ = false;
  percentage_ = 0;
  text += "; the intelligent pool answers as before the trial";
  auto made = record(decision_kind::aborted, std::move(text), now_s);
  forget_evidence();
  return did(std::move(made));
}

answer rollout_plan::reset(std::string_view who, double now_s) {
  if (active()) {
    return refuse(refusal::already_running,
                  "a rollout is running; `greenroom rollout abort` ends it");
  }
  if (standing_ == standing::idle) {
    return refuse(refusal::not_running, "there is no rollout or rollback to reset");
  }
  standing_ = standing::idle;
  phase_ = phase::idle;
  fallback_ = false;
  percentage_ = 0;
  forget_evidence();
  return did(record(decision_kind::reset, by(who, "reset"), now_s));
}

answer rollout_plan::route(std::string_view who, double percentage, double now_s) {
  if (!std::isfinite(percentage) || percentage < 0 || percentage > 100) {
    return refuse(refusal::bad_percentage, "a percentage is a number from 0 to 100");
  }
  if (standing_ == standing::rolled_back && !settings_.intelligent_node) {
    return refuse(refusal::rolled_back, "it was rolled back; " + way_back());
  }
  if (phase_ == phase::preparation && standing_ != standing::rolled_back) {
    return refuse(refusal::not_ready, unprepared(hold_cause_));
  }
  if (!active()) begin_run();
  enter(phase::partial_rollout, percentage, by(who, "routed to " + percent(percentage)), now_s);
  decisions_.back().kind = decision_kind::routed;
  return did(decisions_.back());
}

std::optional<decision> rollout_plan::fall_back(std::string_view reason, double now_s) {
  if (standing_ == standing::rolled_back) return std::nullopt;
  if (phase_ == phase::idle) ++run_;
  return go_back(decision_kind::fell_back, std::string(reason), now_s);
}

void rollout_plan::observe(pool_kind side, const arm& batch, double now_s) {
  // Preparation and the time after a rollback are not judged.
  if (!active() || phase_ == phase::preparation || batch.tasks == 0) return;
  if (side == pool_kind::baseline) {
    control_.merge(batch);
    newer_control_.merge(batch);
  } else {
    canary_.merge(batch);
    newer_canary_.merge(batch);
    last_canary_task_s_ = std::max(last_canary_task_s_.value_or(now_s), now_s);
  }
}

std::optional<decision> rollout_plan::hold(std::string cause, std::string reason, double now_s) {
  if (cause == hold_cause_) return std::nullopt;
  hold_cause_ = std::move(cause);
  return record(decision_kind::held, std::move(reason), now_s);
}

std::vector<decision> rollout_plan::tick_preparation(const circumstances& seen, double now_s) {
  const std::array<std::pair<bool, const char*>, 5> wanted{{
      {seen.ready.baseline_warm, "the baseline pool is not warm"},
      {seen.ready.intelligent_up, "the intelligent pool is not up"},
      {seen.ready.journal_ok, "the journal does not answer"},
      {seen.ready.monitor_ok, "the monitor does not answer"},
      {seen.ready.commands_ok, "not every command is answered"},
  }};
  std::string missing;
  for (const auto& [there, text] : wanted) {
    if (there) continue;
    if (!missing.empty()) missing += ", ";
    missing += text;
  }
  prepared_ = missing.empty();
  std::vector<decision> made;
  if (!prepared_) {
    auto reason = missing;
    if (!seen.ready.detail.empty()) reason += " (" + seen.ready.detail + ")";
    if (auto held = hold(missing, std::move(reason), now_s)) made.push_back(std::move(*held));
  } else if (standing_ != standing::paused) {
    made.push_back(go_on("everything is ready", now_s));
  }
  return made;
}

const arm& rollout_plan::compared_with() const {
  const bool own_control = phase_ == phase::shadow_mode
                           || control_.tasks >= settings_.wanted.min_control
                           || reference_.tasks < control_.tasks;
  return own_control ? control_ : reference_;
}

judgement rollout_plan::judge_now(const circumstances& seen, double now_s) {
  evidence all;
  all.control = compared_with();
  all.canary = canary_;
  all.memory_efficiency = seen.memory_efficiency;
  outputs_told_ = {seen.commands_compared, seen.commands_differing};
  // A restarted comparison has smaller counts than at the stage's begin.
  if (outputs_told_.compared < outputs_from_.compared) outputs_from_ = {};
  outputs_ = {outputs_before_.compared + outputs_told_.compared - outputs_from_.compared,
              outputs_before_.differing + outputs_told_.differing
                  - std::min(outputs_told_.differing, outputs_from_.differing)};
  all.commands_compared = outputs_.compared;
  all.commands_differing = outputs_.differing;
  all.last_canary_task_s = last_canary_task_s_;
  auto wanted = settings_.wanted;
  wanted.only_compared = phase_ == phase::shadow_mode;
  // Shadow starts cold and no caller waits, so latency is judged only at the end of the hold.
  if (phase_ == phase::shadow_mode && held_s_ < hold_wanted_s()) {
    wanted.min_latency_samples = std::numeric_limits<std::uint64_t>::max();
  }

  const auto look_now = [&] {
    looked_at_ = canary_.tasks;
    return judge(all, wanted, ++look_, now_s);
  };
  const auto next_look = std::max(
      first_look_tasks, static_cast<std::uint64_t>(
                            std::ceil(static_cast<double>(looked_at_) * growth_between_looks)));
  if (canary_.tasks >= next_look) return look_now();
  auto found = judge(all, wanted, 0, now_s);
  // A stage passes only after a look at all of its evidence.
  const bool decides = found.outcome == verdict::pass && held_s_ >= hold_wanted_s();
  if (decides && canary_.tasks > looked_at_) return look_now();
  return found;
}

std::vector<decision> rollout_plan::tick(const circumstances& seen, double now_s) {
  if (!active()) return {};
  // A clock jump or a suspended node does not shorten a hold.
  const double elapsed = std::clamp(now_s - last_tick_s_, 0.0, 2 * settings_.check_interval_s);
  last_tick_s_ = now_s;
  if (standing_ != standing::paused) held_s_ += elapsed;
  stage_s_ += elapsed;
  if (phase_ == phase::preparation) return tick_preparation(seen, now_s);
  roll_evidence();

  std::vector<decision> made;
  last_judgement_ = judge_now(seen, now_s);
  const auto outcome = last_judgement_->outcome;
  // Checked first: a failing canary ends even a pause or a wait for confirmation.
  const auto fails = [&](std::string reason) {
    if (settings_.automatic == automation::on) {
      made.push_back(go_back(decision_kind::failed, std::move(reason), now_s));
      return;
    }
    reason += settings_.automatic == automation::ask
                  ? "; rollback.automatic is ask: confirm with `greenroom rollback --confirm`"
                  : "; rollback.automatic is false: nothing is rolled back by itself";
    const bool failing = hold_cause_.starts_with(fails_cause);
    std::string cause{fails_cause};
    for (const auto& each : last_judgement_->findings) {
      if (each.outcome == verdict::fail) cause += ' ' + each.name;
    }
    if (auto held = hold(std::move(cause), std::move(reason), now_s)) {
      held->ask = settings_.automatic == automation::ask && !failing;
      made.push_back(std::move(*held));
    }
  };
  if (outcome == verdict::fail) {
    if (standing_ == standing::awaiting_confirmation) standing_ = standing::running;
    fails(last_judgement_->summary());
    return made;
  }
  if (standing_ == standing::paused) return made;
  if (outcome != verdict::pass) {
    // Between two looks there is no failure; an earlier failure stands until the stage passes.
    if (hold_cause_.starts_with(fails_cause)) return made;
    if (settings_.hold_limit_s > 0 && held_s_ >= settings_.hold_limit_s) {
      fails("never passed within its limit; " + last_judgement_->summary());
      return made;
    }
    if (standing_ == standing::awaiting_confirmation) {
      standing_ = standing::running;
      made.push_back(record(decision_kind::withdrawn, last_judgement_->summary(), now_s));
    }
    std::string cause{name_of(outcome)};
    for (const auto& each : last_judgement_->findings) {
      if (each.outcome == outcome) cause += ' ' + each.name;
    }
    auto reason = std::string(name_of(outcome)) + ": " + last_judgement_->summary();
    if (auto held = hold(std::move(cause), std::move(reason), now_s)) {
      made.push_back(std::move(*held));
    }
    return made;
  }
  if (held_s_ < hold_wanted_s()) {
    if (auto held = hold("time", "passes; the hold is not over", now_s)) {
      made.push_back(std::move(*held));
    }
    return made;
  }
  // A tuner that never finishes does not block the phase for ever.
  if (phase_ == phase::optimization && seen.tuning && held_s_ < 2 * hold_wanted_s()) {
    if (auto held = hold("tuning", "passes; a tuning step is being watched", now_s)) {
      made.push_back(std::move(*held));
    }
    return made;
  }
  if (confirmation_wanted()) {
    if (standing_ == standing::running) {
      standing_ = standing::awaiting_confirmation;
      hold_cause_.clear();
      made.push_back(record(decision_kind::offered, "passed; awaits confirmation", now_s));
    }
    return made;
  }
  made.push_back(go_on("passed: " + last_judgement_->summary(), now_s));
  return made;
}

std::optional<decision> rollout_plan::restored(double now_s) {
  last_tick_s_ = now_s;
  outputs_before_ = outputs_;
  outputs_told_ = outputs_from_ = {};
  if (!active()) return std::nullopt;
  return record(decision_kind::restored, "read back after a restart", now_s);
}

}  // namespace greenroom::runtime::rollout
