#include "apps/chaos/chaos_report.hpp"

#include "apps/load/load_report.hpp"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

namespace greenroom::apps {
namespace {

namespace chaos = runtime::chaos;
using nlohmann::json;

constexpr std::size_t recent_shown = 8;

std::string spoken(std::optional<double> seconds) {
  return seconds ? spoken_duration(*seconds * 1e3) : std::string{"-"};
}

json milliseconds(std::optional<double> seconds) {
  if (!seconds) return nullptr;
  return *seconds * 1e3;
}

std::string line_of(const fault_outcome& one) {
  auto text = std::string{to_string(one.what.what)} + "  " + one.happened_to;
  if (!one.omitted.empty()) return text + "  left out: " + one.omitted;
  if (one.what.for_s > 0) text += "  for " + spoken_duration(one.what.for_s * 1e3);
  if (const auto took = one.recovery.recovery_s())
    return text + "  outage " + spoken(one.recovery.outage_s()) + ", recovered "
           + spoken_duration(*took * 1e3) + (one.what.for_s > 0 ? " after its end" : "");
  return text + (one.recovery.over() ? "  recovering" : "  under way");
}

json times_json(const chaos::times& from) {
  return {{"count", from.count},
          {"mean_ms", from.mean * 1e3},
          {"p95_ms", from.p95 * 1e3},
          {"max_ms", from.max * 1e3}};
}

json bounds_json(const config::chaos_thresholds& from) {
  return {{"mean_recovery_ms", from.mean_recovery.count()},
          {"mean_recovery_starts", from.mean_recovery_starts},
          {"max_recovery_ms", from.max_recovery.count()},
          {"recovered", from.recovered},
          {"success", from.success},
          {"lost", from.lost},
          {"over_budget_ms", from.over_budget.count()}};
}

/// One row per kind of fault; kill_actor has one row per role.
struct fault_group {
  std::string name;
  std::size_t done = 0, omitted = 0, open = 0;
  std::vector<double> outages, recoveries;
};

std::vector<fault_group> groups_of(const std::vector<fault_outcome>& faults) {
  std::vector<fault_group> groups;
  for (const auto& one : faults) {
    auto name = std::string{to_string(one.what.what)};
    if (one.what.what == chaos::fault_kind::kill_actor)
      name += " " + std::string{to_string(one.what.who)};
    auto found = std::ranges::find(groups, name, &fault_group::name);
    if (found == groups.end()) {
      groups.push_back({});
      groups.back().name = std::move(name);
      found = groups.end() - 1;
    }
    if (!one.carried_out) {
      ++found->omitted;
      continue;
    }
    ++found->done;
    if (const auto took = one.recovery.outage_s()) found->outages.push_back(*took);
    if (const auto took = one.recovery.recovery_s())
      found->recoveries.push_back(*took);
    else
      ++found->open;
  }
  return groups;
}

void print_faults(const std::vector<fault_outcome>& faults) {
  table rows{{{"FAULT"},
              {"DONE", true},
              {"OUTAGE, MEAN", true},
              {"MAX", true},
              {"RECOVERY, MEAN", true},
              {"P95", true},
              {"MAX", true},
              {"NOT RECOVERED", true}}};
  for (const auto& one : groups_of(faults)) {
    if (one.done == 0) continue;
    const auto felt = chaos::summarize(one.outages);
    const auto took = chaos::summarize(one.recoveries);
    const auto cell = [](const chaos::times& of, double value) {
      return of.count == 0 ? std::string{"-"} : spoken_duration(value * 1e3);
    };
    rows.add({one.name, std::to_string(one.done), cell(felt, felt.mean), cell(felt, felt.max),
              cell(took, took.mean), cell(took, took.p95), cell(took, took.max),
              std::to_string(one.open)},
             7, one.open > 0 ? colour::red : colour::none);
  }
  std::printf("\n%s\n", rows.text().c_str());
  for (const auto& one : faults)
    if (one.carried_out && !one.recovery.recovery_s())
      std::printf("not recovered: %s\n", line_of(one).c_str());
}

void print_tasks(const chaos_result& result) {
  const auto& out = result.outcome;
  const auto ms = [&](double q) {
    return fixed(static_cast<double>(result.latency.quantile(q)) / 1e6, 1) + " ms";
  };
  std::printf("faults        %zu done, %zu recovered from; recovery mean %s, p95 %s, max %s\n",
              out.faults, out.recovery.count, spoken(out.recovery.mean).c_str(),
              spoken(out.recovery.p95).c_str(), spoken(out.recovery.max).c_str());
  std::printf("success       %s of %s tasks (%s refused, %s failed)",
              percent(out.success(), 2).c_str(), grouped(out.asked).c_str(),
              grouped(result.refused).c_str(), grouped(result.failed).c_str());
  std::printf("; p50 %s, p95 %s, p99 %s\n", ms(0.5).c_str(), ms(0.95).c_str(), ms(0.99).c_str());
  if (result.by_fallback > 0)
    std::printf("fallback      %s tasks were answered by another specialist than was asked\n",
                grouped(result.by_fallback).c_str());
  for (const auto& [reason, times] : result.reasons)
    std::printf("              %s × %s\n", grouped(times).c_str(), reason.c_str());
}

void print_node(const chaos_result& result) {
  const auto& out = result.outcome;
  std::printf("node          %s retries, %s cold starts; memory mean %s MB, most %s MB",
              grouped(result.retries).c_str(), grouped(result.cold_starts).c_str(),
              fixed(result.memory_mb, 1).c_str(), fixed(result.memory_max_mb, 1).c_str());
  if (out.over_budget_s > 0)
    std::printf("; above its budget for %s at a stretch",
                spoken_duration(out.over_budget_s * 1e3).c_str());
  else if (result.budget_mb > 0)
    std::printf(", always within %s MB", fixed(result.budget_mb, 0).c_str());
  std::printf("\n");
  std::printf(
      "ledger        %s accepted (%s probes among them), %s pending, %s answered twice; "
      "%s at all of %s checks\n",
      grouped(result.accepted).c_str(), grouped(result.probes).c_str(),
      grouped(out.pending).c_str(), grouped(out.doubled).c_str(),
      out.always_balanced ? "accepted = answered + pending" : "NOT BALANCED",
      grouped(result.ledger_looks).c_str());
  if (result.journaled > 0)
    std::printf("journal       %s of %s journal entries match what the caller was told\n",
                grouped(result.journaled - result.journal_missing).c_str(),
                grouped(result.journaled).c_str());
}

json faults_json(const std::vector<fault_outcome>& of) {
  json faults = json::array();
  for (const auto& one : of) {
    json entry{{"number", one.what.number},
               {"at_ms", one.what.at_s * 1e3},
               {"for_ms", one.what.for_s * 1e3},
               {"kind", to_string(one.what.what)},
               {"carried_out", one.carried_out}};
    if (one.what.what == chaos::fault_kind::kill_actor) entry["role"] = to_string(one.what.who);
    if (one.carried_out) {
      entry["happened_to"] = one.happened_to;
      entry["began_ms"] = one.recovery.began_s * 1e3;
      entry["outage_ms"] = milliseconds(one.recovery.outage_s());
      entry["recovery_ms"] = milliseconds(one.recovery.recovery_s());
      if (one.recovery.contained_s >= 0)
        entry["contained_ms"] = (one.recovery.contained_s - one.recovery.began_s) * 1e3;
    } else {
      entry["omitted"] = one.omitted;
    }
    faults.push_back(std::move(entry));
  }
  return faults;
}

json tasks_json(const chaos_result& result) {
  return {{"asked", result.outcome.asked},     {"completed", result.outcome.completed},
          {"refused", result.refused},         {"failed", result.failed},
          {"by_fallback", result.by_fallback}, {"success", result.outcome.success()},
          {"reasons", result.reasons},         {"latency", latency_json(result.latency)}};
}

json ledger_json(const chaos_result& result) {
  return {{"accepted", result.accepted},
          {"probes", result.probes},
          {"pending", result.outcome.pending},
          {"lost", result.outcome.lost},
          {"doubled", result.outcome.doubled},
          {"looks", result.ledger_looks},
          {"always_balanced", result.outcome.always_balanced},
          {"journaled", result.journaled},
          {"journal_missing", result.journal_missing}};
}

}  // namespace

std::string describe(const chaos::fault& what, const cast_list& cast) {
  auto text = std::string{to_string(what.what)};
  const auto& name = cast.names[what.target];
  if (what.what != chaos::fault_kind::kill_actor)
    return what.what == chaos::fault_kind::lower_budget ? text : text + " " + name;
  text += " " + std::string{to_string(what.who)};
  if (what.who == chaos::role::specialist) text += " " + name;
  if (what.who == chaos::role::department)
    text += " " + cast.departments[cast.shape.department[what.target]];
  return text;
}

void print_schedule(const std::vector<chaos::fault>& schedule, const cast_list& cast) {
  table rows{{{"#", true}, {"AT", true}, {"FOR", true}, {"FAULT"}, {"HOW MUCH", true}}};
  for (const auto& one : schedule) {
    std::string amount;
    if (one.what == chaos::fault_kind::swell_worker) amount = "+" + fixed(one.amount, 0) + " MB";
    if (one.what == chaos::fault_kind::lower_budget) amount = fixed(one.amount, 0) + " MB";
    if (one.what == chaos::fault_kind::slow_worker || one.what == chaos::fault_kind::cloud_slow)
      amount = "+" + spoken_duration(one.amount * 1e3);
    rows.add({std::to_string(one.number), fixed(one.at_s, 3) + " s",
              one.for_s > 0 ? spoken_duration(one.for_s * 1e3) : "", describe(one, cast), amount});
  }
  std::printf("%s", rows.text().c_str());
}

json schedule_json(const std::vector<chaos::fault>& schedule, const cast_list& cast) {
  json result = json::array();
  for (const auto& one : schedule) {
    json entry{{"number", one.number},
               {"at_ms", one.at_s * 1e3},
               {"for_ms", one.for_s * 1e3},
               {"kind", to_string(one.what)},
               {"specialist", cast.names[one.target]},
               {"amount", one.amount}};
    if (one.what == chaos::fault_kind::kill_actor) entry["role"] = to_string(one.who);
    result.push_back(std::move(entry));
  }
  return result;
}

void chaos_display::show(const chaos_progress& now) {
  if (silent_ || !is_terminal()) return;
  constexpr std::size_t bar_width = 40;
  const auto share = std::min(1.0, now.elapsed_s / std::max(now.duration_s, 1e-3));
  const auto full = static_cast<std::size_t>(share * static_cast<double>(bar_width));
  std::string bar;
  for (std::size_t at = 0; at < bar_width; ++at) bar += at < full ? "█" : "░";
  std::vector<std::string> lines{
      paint(title_, colour::bold),
      bar + "  " + fixed(now.elapsed_s, 1) + " of " + fixed(now.duration_s, 0) + " s",
      grouped(now.completed) + " of " + grouped(now.asked) + " tasks completed, "
          + grouped(now.pending) + " pending   " + std::to_string(now.workers_up) + " workers, "
          + fixed(now.memory_mb, 0) + " MB   " + std::to_string(now.begun) + " faults, "
          + std::to_string(now.open) + " open",
      ""};
  if (now.faults != nullptr) {
    std::vector<const fault_outcome*> recent;
    for (const auto& one : *now.faults)
      if (one.carried_out || !one.omitted.empty()) recent.push_back(&one);
    const auto from = recent.size() > recent_shown ? recent.size() - recent_shown : 0;
    for (auto at = from; at < recent.size(); ++at) {
      const auto done = recent[at]->recovery.recovery_s().has_value();
      lines.push_back(paint(done ? "✓ " : "● ", done ? colour::green : colour::yellow)
                      + fixed(recent[at]->what.at_s, 1) + " s  " + line_of(*recent[at]));
    }
  }
  block_.draw(lines);
}

void chaos_display::tell(const fault_outcome& one, double now_s) {
  if (silent_ || is_terminal()) return;
  std::printf("%7s s  %s\n", fixed(now_s, 2).c_str(), line_of(one).c_str());
  std::fflush(stdout);
}

void print_result(const chaos_job& job, const chaos_result& result,
                  const std::vector<std::string>& missed) {
  print_faults(result.faults);
  print_tasks(result);
  print_node(result);
  std::printf("lost          %s\n", grouped(result.outcome.lost).c_str());
  if (missed.empty() && result.problem.empty() && !result.interrupted)
    std::printf("%s %s, seed %llu\n", paint("good:", colour::green).c_str(), job.plan.name.c_str(),
                static_cast<unsigned long long>(job.plan.seed));
  for (const auto& one : missed)
    std::printf("%s %s\n", paint("MISSED", colour::red).c_str(), one.c_str());
}

json result_json(const chaos_job& job, const chaos_result& result,
                 const std::vector<std::string>& missed) {
  const auto& out = result.outcome;
  return {{"plan", job.plan.name},
          {"seed", job.plan.seed},
          {"duration_ms", job.plan.duration.count()},
          {"seconds", result.seconds},
          {"ok", missed.empty() && result.problem.empty() && !result.interrupted},
          {"missed", missed},
          {"problem", result.problem},
          {"interrupted", result.interrupted},
          {"thresholds", bounds_json(job.plan.thresholds)},
          {"faults", faults_json(result.faults)},
          {"faults_done", out.faults},
          {"recovered", out.recovered()},
          {"recovery", times_json(out.recovery)},
          {"outage", times_json(result.outage)},
          {"tasks", tasks_json(result)},
          {"ledger", ledger_json(result)},
          {"memory",
           {{"mean_mb", result.memory_mb},
            {"max_mb", result.memory_max_mb},
            {"budget_mb", result.budget_mb},
            {"over_budget_ms", out.over_budget_s * 1e3}}},
          {"retries", result.retries},
          {"cold_starts", result.cold_starts}};
}

}  // namespace greenroom::apps
