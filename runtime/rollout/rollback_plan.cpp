#include "runtime/rollout/rollback_plan.hpp"

#include <algorithm>
#include <utility>

#include "protocols/base/number.hpp"
#include "runtime/record.hpp"

namespace greenroom::runtime::rollout {

namespace {

constexpr std::string_view rollback_record = "greenroom-rollback";
constexpr unsigned rollback_record_version = 1;
/// A rollback with many verifications keeps its first and its latest steps.
constexpr std::size_t steps_max = 64;

constexpr std::array all_rollback_kinds{rollback_kind::emergency, rollback_kind::planned};
constexpr std::array all_states{rollback_state::awaiting_confirmation,
                                rollback_state::lowering,
                                rollback_state::switching,
                                rollback_state::requeueing,
                                rollback_state::draining,
                                rollback_state::fencing,
                                rollback_state::verifying,
                                rollback_state::done,
                                rollback_state::unverified,
                                rollback_state::cancelled};
constexpr std::array all_checks{check::commands_answer,     check::errors_at_baseline,
                                check::latency_at_baseline, check::specialists_reachable,
                                check::no_task_lost,        check::monitoring_up};
constexpr std::array all_check_states{check_state::pending, check_state::passed,
                                      check_state::failed};

}  // namespace

std::string_view name_of(rollback_kind what) {
  return what == rollback_kind::emergency ? "emergency" : "planned";
}

std::string_view name_of(rollback_state what) {
  switch (what) {
    case rollback_state::awaiting_confirmation: return "awaiting_confirmation";
    case rollback_state::lowering: return "lowering";
    case rollback_state::switching: return "switching";
    case rollback_state::requeueing: return "requeueing";
    case rollback_state::draining: return "draining";
    case rollback_state::fencing: return "fencing";
    case rollback_state::verifying: return "verifying";
    case rollback_state::done: return "done";
    case rollback_state::unverified: return "unverified";
    case rollback_state::cancelled: return "cancelled";
  }
  return "unverified";
}

std::string_view name_of(check what) {
  switch (what) {
    case check::commands_answer: return "commands_answer";
    case check::errors_at_baseline: return "errors_at_baseline";
    case check::latency_at_baseline: return "latency_at_baseline";
    case check::specialists_reachable: return "specialists_reachable";
    case check::no_task_lost: return "no_task_lost";
    case check::monitoring_up: return "monitoring_up";
  }
  return "monitoring_up";
}

std::string_view name_of(check_state what) {
  switch (what) {
    case check_state::pending: return "pending";
    case check_state::passed: return "passed";
    case check_state::failed: return "failed";
  }
  return "pending";
}

std::string_view name_of(order what) {
  switch (what) {
    case order::none: return "none";
    case order::await_confirmation: return "await_confirmation";
    case order::set_percentage: return "set_percentage";
    case order::switch_to_baseline: return "switch_to_baseline";
    case order::requeue: return "requeue";
    case order::drain: return "drain";
    case order::fence: return "fence";
    case order::verify: return "verify";
  }
  return "none";
}

rollback_plan rollback_plan::begin(std::uint64_t id, rollback_kind kind, trigger cause,
                                   std::string reason, double percentage, double now_s,
                                   rollback_settings settings) {
  rollback_plan out;
  out.settings_ = std::move(settings);
  out.id_ = id;
  out.kind_ = kind;
  out.cause_ = cause;
  out.reason_ = std::move(reason);
  out.percentage_ = percentage;
  out.begun_at_s_ = out.clock_from_s_ = now_s;
  out.enter(kind == rollback_kind::emergency ? rollback_state::switching
                                             : rollback_state::awaiting_confirmation,
            out.reason_, now_s);
  return out;
}

void rollback_plan::enter(rollback_state next, std::string note, double now_s) {
  state_ = next;
  entered_at_s_ = now_s;
  if (steps_.size() == steps_max) steps_.erase(steps_.begin() + steps_max / 2);
  steps_.push_back({next, now_s, std::move(note)});
}

bool rollback_plan::finished() const {
  return state_ == rollback_state::done || state_ == rollback_state::unverified
         || state_ == rollback_state::cancelled;
}

double rollback_plan::drain_by_s() const {
  return clock_from_s_
         + (kind_ == rollback_kind::planned ? settings_.planned_drain_s : settings_.drain_s);
}

double rollback_plan::end_by_s() const {
  // A repeated verification gets as long as the first one.
  const auto own_s = settings_.budget_s - settings_.fence_s;
  if (again_) return std::max(entered_at_s_, resumed_at_s_) + own_s;
  const auto usual_s = drain_by_s() + settings_.budget_s - settings_.drain_s;
  return resumed_at_s_ > 0 ? std::max(usual_s, resumed_at_s_ + own_s) : usual_s;
}

instruction rollback_plan::next() const {
  switch (state_) {
    case rollback_state::awaiting_confirmation: return {order::await_confirmation, 0, 0};
    case rollback_state::lowering: return {order::set_percentage, percentage_, 0};
    case rollback_state::switching:
      return {order::switch_to_baseline, 0, clock_from_s_ + settings_.switch_s};
    case rollback_state::requeueing:
      // The switch may have waited for the journal; the departments still need time to hand over.
      return {order::requeue, 0,
              std::max(clock_from_s_ + settings_.requeue_s,
                       std::max(entered_at_s_, resumed_at_s_) + settings_.requeue_least_s)};
    case rollback_state::draining: return {order::drain, 0, drain_by_s()};
    case rollback_state::fencing:
      return {order::fence, 0, drain_by_s() + settings_.fence_s - settings_.drain_s};
    case rollback_state::verifying: return {order::verify, 0, end_by_s()};
    case rollback_state::done:
    case rollback_state::unverified:
    case rollback_state::cancelled: break;
  }
  return {};
}

bool rollback_plan::confirm(double now_s) {
  if (state_ != rollback_state::awaiting_confirmation) return false;
  const auto lower = std::find_if(settings_.lower_to.begin(), settings_.lower_to.end(),
                                  [this](double each) { return each < percentage_; });
  if (lower == settings_.lower_to.end()) {
    clock_from_s_ = now_s;
    enter(rollback_state::switching, "confirmed", now_s);
  } else {
    percentage_ = *lower;
    enter(rollback_state::lowering, "confirmed; to " + base::exact_text(percentage_) + " %", now_s);
  }
  return true;
}

bool rollback_plan::cancel(double now_s) {
  if (state_ != rollback_state::awaiting_confirmation && state_ != rollback_state::lowering) {
    return false;
  }
  enter(rollback_state::cancelled, "called off", now_s);
  ended_at_s_ = now_s;
  return true;
}

bool rollback_plan::hurry(std::string_view why, double now_s) {
  if (state_ != rollback_state::awaiting_confirmation && state_ != rollback_state::lowering) {
    return false;
  }
  kind_ = rollback_kind::emergency;
  clock_from_s_ = now_s;
  enter(rollback_state::switching, std::string(why), now_s);
  return true;
}

bool rollback_plan::carried_out(order what, std::uint64_t tasks, double now_s) {
  if (what != next().what) return false;
  switch (what) {
    case order::switch_to_baseline:
      switched_at_s_ = now_s;
      percentage_ = 0;
      enter(rollback_state::requeueing, "new tasks go to the baseline", now_s);
      return true;
    case order::requeue:
      requeued_ += tasks;
      enter(rollback_state::draining, std::to_string(tasks) + " waiting tasks moved", now_s);
      return true;
    case order::drain:
      drained_ += tasks;
      enter(rollback_state::verifying, std::to_string(tasks) + " running tasks finished", now_s);
      return true;
    case order::fence:
      fenced_ += tasks;
      enter(rollback_state::verifying, std::to_string(tasks) + " running tasks fenced", now_s);
      return true;
    // The percentage is set again until its hold is over; the checks end a verification.
    case order::set_percentage:
    case order::verify:
    case order::await_confirmation:
    case order::none: return false;
  }
  return false;
}

bool rollback_plan::checked(check what, bool passed, std::string detail, double now_s) {
  if (state_ != rollback_state::verifying) return false;
  checks_[static_cast<std::size_t>(what)] = {passed ? check_state::passed : check_state::failed,
                                             now_s, std::move(detail)};
  const bool all = std::all_of(checks_.begin(), checks_.end(), [](const check_result& each) {
    return each.state == check_state::passed;
  });
  if (all) {
    enter(rollback_state::done, "every check passed", now_s);
    if (!again_) ended_at_s_ = now_s;
  }
  return true;
}

bool rollback_plan::tick(double now_s) {
  switch (state_) {
    case rollback_state::lowering: {
      if (now_s - entered_at_s_ < settings_.lower_hold_s) return false;
      const auto lower = std::find_if(settings_.lower_to.begin(), settings_.lower_to.end(),
                                      [this](double each) { return each < percentage_; });
      if (lower == settings_.lower_to.end()) {
        clock_from_s_ = now_s;
        enter(rollback_state::switching, "lowered", now_s);
      } else {
        percentage_ = *lower;
        enter(rollback_state::lowering, "to " + base::exact_text(percentage_) + " %", now_s);
      }
      return true;
    }
    case rollback_state::draining:
      if (now_s < drain_by_s()) return false;
      enter(rollback_state::fencing, "the time to drain is over", now_s);
      return true;
    case rollback_state::verifying: {
      if (now_s < end_by_s()) return false;
      std::string missing;
      for (const auto each : all_checks) {
        if (checks_[static_cast<std::size_t>(each)].state == check_state::passed) continue;
        if (!missing.empty()) missing += ", ";
        missing += name_of(each);
      }
      enter(rollback_state::unverified, "not passed in time: " + missing, now_s);
      if (!again_) ended_at_s_ = now_s;
      return true;
    }
    // Switching, requeueing and fencing cannot be skipped: the order is repeated until it is done.
    default: return false;
  }
}

bool rollback_plan::verify_again(double now_s) {
  if (state_ != rollback_state::done && state_ != rollback_state::unverified) return false;
  again_ = true;
  checks_ = {};
  enter(rollback_state::verifying, "asked for again", now_s);
  return true;
}

std::optional<double> rollback_plan::switched_after_s() const {
  if (!switched_at_s_) return std::nullopt;
  return *switched_at_s_ - clock_from_s_;
}

std::optional<double> rollback_plan::duration_s() const {
  if (!ended_at_s_) return std::nullopt;
  return *ended_at_s_ - clock_from_s_;
}

bool rollback_plan::within_budget() const {
  const auto took_s = duration_s();
  return took_s && *took_s <= drain_by_s() - clock_from_s_ + settings_.budget_s - settings_.drain_s;
}

std::string rollback_plan::encode() const {
  record_writer out{rollback_record, rollback_record_version};
  out.put("id", id_);
  out.put("kind", name_of(kind_));
  out.put("cause", name_of(cause_));
  out.put("reason", std::string_view{reason_});
  out.put("state", name_of(state_));
  out.put("begun_at_s", begun_at_s_);
  out.put("clock_from_s", clock_from_s_);
  out.put("entered_at_s", entered_at_s_);
  out.put("percentage", percentage_);
  if (switched_at_s_) out.put("switched_at_s", *switched_at_s_);
  if (ended_at_s_) out.put("ended_at_s", *ended_at_s_);
  out.put("requeued", requeued_);
  out.put("drained", drained_);
  out.put("fenced", fenced_);
  out.put("again", again_);
  for (const auto each : all_checks) {
    const auto& result = checks_[static_cast<std::size_t>(each)];
    out.put("check",
            std::vector<std::string>{std::string(name_of(each)), std::string(name_of(result.state)),
                                     base::exact_text(result.at_s), result.detail});
  }
  for (const auto& each : steps_) {
    out.put("step", std::vector<std::string>{std::string(name_of(each.entered)),
                                             base::exact_text(each.at_s), each.note});
  }
  return std::move(out).finish();
}

base::expected<rollback_plan> rollback_plan::decode(std::string_view text,
                                                    rollback_settings settings) {
  const auto in = record_reader::open(text, rollback_record, rollback_record_version);
  if (!in) return in.error();
  rollback_plan out;
  out.settings_ = std::move(settings);
  if (!out.take_course(*in) || !out.take_times(*in) || !out.take_lists(*in))
    return base::problem{"damaged", "greenroom-rollback has a field that cannot be read"};
  return out;
}

bool rollback_plan::take_course(const record_reader& in) {
  const auto id = in.whole("id");
  const auto kind = named(all_rollback_kinds, in.text("kind").value_or(""));
  const auto cause = trigger_named(in.text("cause").value_or(""));
  auto reason = in.text("reason");
  const auto state = named(all_states, in.text("state").value_or(""));
  const auto percentage = in.percentage("percentage");
  const auto requeued = in.whole("requeued");
  const auto drained = in.whole("drained");
  const auto fenced = in.whole("fenced");
  const auto again = in.flag("again");
  if (!id || !kind || !cause || !reason || !state || !percentage || !requeued || !drained || !fenced
      || !again || *id == 0 || *id > most_rollbacks) {
    return false;
  }
  id_ = *id;
  kind_ = *kind;
  cause_ = *cause;
  reason_ = std::move(*reason);
  state_ = *state;
  percentage_ = *percentage;
  requeued_ = *requeued;
  drained_ = *drained;
  fenced_ = *fenced;
  again_ = *again;
  return true;
}

bool rollback_plan::take_times(const record_reader& in) {
  const auto begun = in.finite("begun_at_s");
  const auto clock = in.finite("clock_from_s");
  const auto entered = in.finite("entered_at_s");
  if (!begun || !clock || !entered) return false;
  begun_at_s_ = *begun;
  clock_from_s_ = *clock;
  entered_at_s_ = *entered;
  switched_at_s_ = in.finite("switched_at_s");
  ended_at_s_ = in.finite("ended_at_s");
  return true;
}

bool rollback_plan::take_lists(const record_reader& in) {
  for (auto& each : in.fields("check")) {
    if (each.size() != 4) return false;
    const auto what = named(all_checks, each[0]);
    const auto result = named(all_check_states, each[1]);
    const auto at_s = base::parse_finite(each[2]);
    if (!what || !result || !at_s) return false;
    checks_[static_cast<std::size_t>(*what)] = {*result, *at_s, std::move(each[3])};
  }
  for (auto& each : in.fields("step")) {
    const auto entered_state = each.size() == 3 ? named(all_states, each[0]) : std::nullopt;
    const auto at_s = each.size() == 3 ? base::parse_finite(each[1]) : std::nullopt;
    if (!entered_state || !at_s) return false;
    steps_.push_back({*entered_state, *at_s, std::move(each[2])});
  }
  return true;
}

}  // namespace greenroom::runtime::rollout
