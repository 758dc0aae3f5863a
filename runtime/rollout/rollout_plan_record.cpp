// Saves a rollout plan as a record and restores it.
#include <array>
#include <initializer_list>
#include <limits>
#include <utility>

#include "protocols/base/number.hpp"
#include "runtime/record.hpp"
#include "runtime/rollout/rollout_plan.hpp"

namespace greenroom::runtime::rollout {

namespace {

constexpr std::string_view rollout_record = "greenroom-rollout";
constexpr unsigned rollout_record_version = 1;

constexpr std::array all_phases{phase::idle,
                                phase::preparation,
                                phase::shadow_mode,
                                phase::partial_rollout,
                                phase::full_deployment,
                                phase::optimization,
                                phase::complete};
constexpr std::array all_standings{standing::idle,        standing::running,
                                   standing::paused,      standing::awaiting_confirmation,
                                   standing::rolled_back, standing::complete};
constexpr std::array all_modes{mode::idle, mode::shadow, mode::hybrid, mode::full, mode::fallback};
constexpr std::array all_decision_kinds{
    decision_kind::started, decision_kind::entered,   decision_kind::held,
    decision_kind::offered, decision_kind::withdrawn, decision_kind::paused,
    decision_kind::resumed, decision_kind::routed,    decision_kind::failed,
    decision_kind::aborted, decision_kind::fell_back, decision_kind::completed,
    decision_kind::reset,   decision_kind::restored};
constexpr std::array all_verdicts{verdict::pass, verdict::hold, verdict::insufficient_data,
                                  verdict::fail};

// Upper bound of counters: doubles represent all smaller integers exactly.
constexpr std::uint64_t counted_most = std::uint64_t{1} << 53;

void put_arm(record_writer& out, std::string_view key, const arm& side) {
  out.put(key, std::vector<std::string>{std::to_string(side.tasks), std::to_string(side.errors),
                                        side.latency_ms.encode(), side.run_ms.encode()});
}

std::optional<arm> arm_in(const record_reader& in, std::string_view key) {
  const auto lines = in.fields(key);
  // Records of earlier versions have no run times.
  if (lines.size() != 1 || lines[0].size() < 3 || lines[0].size() > 4) return std::nullopt;
  const auto tasks = base::parse_number<std::uint64_t>(lines[0][0]);
  const auto errors = base::parse_number<std::uint64_t>(lines[0][1]);
  const auto latency = monitoring::log_histogram::decode(lines[0][2]);
  const auto run = lines[0].size() == 4 ? monitoring::log_histogram::decode(lines[0][3])
                                        : monitoring::log_histogram{};
  if (!tasks || !errors || !latency || !run || *errors > *tasks || *tasks > counted_most)
    return std::nullopt;
  return arm{*tasks, *errors, *latency, *run};
}

}  // namespace

std::string_view name_of(phase what) {
  switch (what) {
    case phase::idle: return "IDLE";
    case phase::preparation: return "PREPARATION";
    case phase::shadow_mode: return "SHADOW_MODE";
    case phase::partial_rollout: return "PARTIAL_ROLLOUT";
    case phase::full_deployment: return "FULL_DEPLOYMENT";
    case phase::optimization: return "OPTIMIZATION";
    case phase::complete: return "COMPLETE";
  }
  return "IDLE";
}

std::string_view name_of(standing what) {
  switch (what) {
    case standing::idle: return "idle";
    case standing::running: return "running";
    case standing::paused: return "paused";
    case standing::awaiting_confirmation: return "awaiting_confirmation";
    case standing::rolled_back: return "rolled_back";
    case standing::complete: return "complete";
  }
  return "idle";
}

std::string_view name_of(decision_kind what) {
  switch (what) {
    case decision_kind::started: return "started";
    case decision_kind::entered: return "entered";
    case decision_kind::held: return "held";
    case decision_kind::offered: return "offered";
    case decision_kind::withdrawn: return "withdrawn";
    case decision_kind::paused: return "paused";
    case decision_kind::resumed: return "resumed";
    case decision_kind::routed: return "routed";
    case decision_kind::failed: return "failed";
    case decision_kind::aborted: return "aborted";
    case decision_kind::fell_back: return "fell_back";
    case decision_kind::completed: return "completed";
    case decision_kind::reset: return "reset";
    case decision_kind::restored: return "restored";
  }
  return "held";
}

std::string_view name_of(refusal what) {
  switch (what) {
    case refusal::already_running: return "already_running";
    case refusal::not_running: return "not_running";
    case refusal::not_paused: return "not_paused";
    case refusal::not_ready: return "not_ready";
    case refusal::not_passed: return "not_passed";
    case refusal::failing: return "failing";
    case refusal::rolled_back: return "rolled_back";
    case refusal::bad_percentage: return "bad_percentage";
  }
  return "not_running";
}

std::string rollout_plan::encode() const {
  record_writer out{rollout_record, rollout_record_version};
  out.put("phase", name_of(phase_));
  out.put("standing", name_of(standing_));
  out.put("fallback", fallback_);
  out.put("percentage", percentage_);
  out.put("run", run_);
  out.put("next_number", next_number_);
  out.put("entered_at_s", entered_at_s_);
  out.put("held_s", held_s_);
  out.put("last_tick_s", last_tick_s_);
  out.put("look", std::uint64_t{look_});
  out.put("looked_at", looked_at_);
  out.put("hold_cause", hold_cause_);
  out.put("prepared", prepared_);
  if (last_canary_task_s_) out.put("last_canary_task_s", *last_canary_task_s_);
  put_arm(out, "control", control_);
  put_arm(out, "canary", canary_);
  put_arm(out, "newer_control", newer_control_);
  put_arm(out, "newer_canary", newer_canary_);
  out.put("newer_from_s", newer_from_s_);
  out.put("stage_s", stage_s_);
  put_arm(out, "reference", reference_);
  std::vector<std::string> outputs;
  for (const auto& each : {outputs_, outputs_before_, outputs_from_, outputs_told_}) {
    outputs.push_back(std::to_string(each.compared));
    outputs.push_back(std::to_string(each.differing));
  }
  out.put("outputs", outputs);
  out.put("returns_to_intelligent", returns_to_intelligent_);
  if (last_judgement_) {
    out.put("outcome", name_of(last_judgement_->outcome));
    for (const auto& each : last_judgement_->findings) {
      out.put("finding",
              std::vector<std::string>{each.name, std::string(name_of(each.outcome)), each.text});
    }
  }
  for (const auto& each : decisions_) {
    out.put("decision",
            std::vector<std::string>{
                std::to_string(each.number), std::to_string(each.run), base::exact_text(each.at_s),
                std::string(name_of(each.kind)), std::string(name_of(each.where)),
                std::string(name_of(each.routes)), base::exact_text(each.percentage), each.outcome,
                each.reason, each.evidence, each.roll_back ? "1" : "0"});
  }
  return std::move(out).finish();
}

base::expected<rollout_plan> rollout_plan::decode(std::string_view text,
                                                  rollout_settings settings) {
  const auto in = record_reader::open(text, rollout_record, rollout_record_version);
  if (!in) return in.error();
  rollout_plan out{std::move(settings)};
  if (!out.take_stage(*in) || !out.take_times(*in) || !out.take_arms(*in) || !out.take_outputs(*in)
      || !out.take_judgement(*in) || !out.take_decisions(*in))
    return base::problem{"damaged", "greenroom-rollout has a field that cannot be read"};
  return out;
}

bool rollout_plan::take_stage(const record_reader& in) {
  const auto at = named(all_phases, in.text("phase").value_or(""));
  const auto how = named(all_standings, in.text("standing").value_or(""));
  const auto fallback = in.flag("fallback");
  const auto percentage = in.percentage("percentage");
  const auto run = in.whole("run");
  const auto next_number = in.whole("next_number");
  const auto look = in.whole("look");
  const auto looked_at = in.whole("looked_at");
  auto cause = in.text("hold_cause");
  const auto prepared = in.flag("prepared");
  constexpr auto most_looks = std::numeric_limits<std::uint32_t>::max();
  if (!at || !how || !fallback || !percentage || !run || !next_number || !look || *look > most_looks
      || !looked_at || *looked_at > counted_most || !cause || !prepared) {
    return false;
  }
  phase_ = *at;
  standing_ = *how;
  fallback_ = *fallback;
  percentage_ = *percentage;
  run_ = *run;
  next_number_ = *next_number;
  look_ = static_cast<std::uint32_t>(*look);
  looked_at_ = *looked_at;
  hold_cause_ = std::move(*cause);
  prepared_ = *prepared;
  returns_to_intelligent_ = in.flag("returns_to_intelligent").value_or(false);
  return true;
}

bool rollout_plan::take_times(const record_reader& in) {
  const auto entered = in.finite("entered_at_s");
  const auto held = in.finite("held_s");
  const auto ticked = in.finite("last_tick_s");
  const auto newer_from = in.finite("newer_from_s");
  const auto stage = in.finite("stage_s");
  if (!entered || !held || !ticked || !newer_from || !stage) return false;
  entered_at_s_ = *entered;
  held_s_ = *held;
  last_tick_s_ = *ticked;
  newer_from_s_ = *newer_from;
  stage_s_ = *stage;
  last_canary_task_s_ = in.finite("last_canary_task_s");
  return true;
}

bool rollout_plan::take_arms(const record_reader& in) {
  const std::initializer_list<std::pair<std::string_view, arm*>> arms{
      {"control", &control_},
      {"canary", &canary_},
      {"newer_control", &newer_control_},
      {"newer_canary", &newer_canary_},
      {"reference", &reference_}};
  for (const auto& [key, side] : arms) {
    auto read = arm_in(in, key);
    if (!read) return false;
    *side = std::move(*read);
  }
  return true;
}

bool rollout_plan::take_outputs(const record_reader& in) {
  // Records of earlier versions have no outputs.
  for (const auto& each : in.fields("outputs")) {
    std::array<std::uint64_t, 8> counts{};
    if (each.size() != counts.size() / 2 && each.size() != counts.size()) return false;
    for (std::size_t i = 0; i < each.size(); ++i) {
      const auto count = base::parse_number<std::uint64_t>(each[i]);
      if (!count || *count > counted_most) return false;
      counts[i] = *count;
    }
    outputs_ = {counts[0], counts[1]};
    outputs_before_ = {counts[2], counts[3]};
    outputs_from_ = {counts[4], counts[5]};
    outputs_told_ = {counts[6], counts[7]};
  }
  return true;
}

bool rollout_plan::take_judgement(const record_reader& in) {
  const auto outcome = in.text("outcome");
  if (!outcome) return true;
  const auto known = named(all_verdicts, *outcome);
  if (!known) return false;
  last_judgement_.emplace();
  last_judgement_->outcome = *known;
  for (auto& each : in.fields("finding")) {
    const auto found = each.size() == 3 ? named(all_verdicts, each[1]) : std::nullopt;
    if (!found) return false;
    last_judgement_->findings.push_back({std::move(each[0]), *found, std::move(each[2])});
  }
  return true;
}

bool rollout_plan::take_decisions(const record_reader& in) {
  for (auto& each : in.fields("decision")) {
    if (each.size() != 11) return false;
    const auto number = base::parse_number<std::uint64_t>(each[0]);
    const auto of_run = base::parse_number<std::uint64_t>(each[1]);
    const auto at_s = base::parse_finite(each[2]);
    const auto kind = named(all_decision_kinds, each[3]);
    const auto in_phase = named(all_phases, each[4]);
    const auto routed = named(all_modes, each[5]);
    const auto share = base::parse_finite(each[6]);
    if (!number || !of_run || !at_s || !kind || !in_phase || !routed || !share) return false;
    decisions_.push_back({*number, *of_run, *at_s, *kind, *in_phase, *routed, *share,
                          std::move(each[7]), std::move(each[8]), std::move(each[9]),
                          each[10] == "1"});
  }
  return true;
}

}  // namespace greenroom::runtime::rollout
