// What happens to a rollout by itself: evidence, judgements, holds.
#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>
#include <utility>

#include "runtime/rollout/rollout_plan.hpp"

namespace greenroom::runtime::rollout {

namespace {

/// The judge looks again when the evidence has grown by a fifth, so there are few looks.
constexpr double growth_between_looks = 1.2;
constexpr std::uint64_t first_look_tasks = 8;
/// Prefix of a hold's cause where a rollback is due but not automatic.
constexpr std::string_view fails_cause = "fails";

}  // namespace

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

/// A stage fails: a rollback, or a hold that says what to do.
std::optional<decision> rollout_plan::fails(std::string reason, double now_s) {
  if (settings_.automatic == automation::on)
    return go_back(decision_kind::failed, std::move(reason), now_s);
  reason += settings_.automatic == automation::ask
                ? "; rollback.automatic is ask: confirm with `greenroom rollback --confirm`"
                : "; rollback.automatic is false: nothing is rolled back by itself";
  const bool failing = hold_cause_.starts_with(fails_cause);
  auto held = hold(cause_of(fails_cause, verdict::fail), std::move(reason), now_s);
  if (held) held->ask = settings_.automatic == automation::ask && !failing;
  return held;
}

/// `begin` and the names of the findings with this outcome.
std::string rollout_plan::cause_of(std::string_view begin, verdict outcome) const {
  std::string cause{begin};
  for (const auto& each : last_judgement_->findings) {
    if (each.outcome == outcome) cause += ' ' + each.name;
  }
  return cause;
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
  const auto add = [&made](std::optional<decision> one) {
    if (one) made.push_back(std::move(*one));
  };
  last_judgement_ = judge_now(seen, now_s);
  const auto outcome = last_judgement_->outcome;
  // Checked first: a failing canary ends even a pause or a wait for confirmation.
  if (outcome == verdict::fail) {
    if (standing_ == standing::awaiting_confirmation) standing_ = standing::running;
    add(fails(last_judgement_->summary(), now_s));
    return made;
  }
  if (standing_ == standing::paused) return made;
  if (outcome == verdict::pass) {
    add(passed(seen, now_s));
    return made;
  }
  // Between two looks there is no failure; an earlier failure stands until the stage passes.
  if (hold_cause_.starts_with(fails_cause)) return made;
  if (settings_.hold_limit_s > 0 && held_s_ >= settings_.hold_limit_s) {
    add(fails("never passed within its limit; " + last_judgement_->summary(), now_s));
    return made;
  }
  if (standing_ == standing::awaiting_confirmation) {
    standing_ = standing::running;
    add(record(decision_kind::withdrawn, last_judgement_->summary(), now_s));
  }
  add(hold(cause_of(name_of(outcome), outcome),
           std::string(name_of(outcome)) + ": " + last_judgement_->summary(), now_s));
  return made;
}

/// The judge lets the stage pass.
std::optional<decision> rollout_plan::passed(const circumstances& seen, double now_s) {
  if (held_s_ < hold_wanted_s()) return hold("time", "passes; the hold is not over", now_s);
  // A tuner that never finishes does not block the phase for ever.
  if (phase_ == phase::optimization && seen.tuning && held_s_ < 2 * hold_wanted_s())
    return hold("tuning", "passes; a tuning step is being watched", now_s);
  if (!confirmation_wanted()) return go_on("passed: " + last_judgement_->summary(), now_s);
  if (standing_ != standing::running) return std::nullopt;
  standing_ = standing::awaiting_confirmation;
  hold_cause_.clear();
  return record(decision_kind::offered, "passed; awaits confirmation", now_s);
}

}  // namespace greenroom::runtime::rollout
