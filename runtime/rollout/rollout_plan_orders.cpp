// What operators and other actors tell a rollout to do.
#include <cassert>
#include <cmath>
#include <cstdio>
#include <utility>

#include "runtime/rollout/rollout_plan.hpp"

namespace greenroom::runtime::rollout {

namespace {

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

}  // namespace greenroom::runtime::rollout
