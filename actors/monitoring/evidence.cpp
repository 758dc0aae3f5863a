#include "actors/monitoring/evidence.hpp"

#include "actors/state/rollout_settings.hpp"
#include "actors/state/units.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <utility>

namespace greenroom::actors {

using runtime::monitoring::metric;
using runtime::rollout::recorded_event, runtime::rollout::trigger;

namespace {

struct known_event {
  std::string_view kind;
  std::string_view said;    ///< Before the detail.
  std::string_view detail;  ///< A member of its JSON, or nothing.
};

constexpr std::array known_events{
    known_event{"config.reloaded", "the configuration was changed: ", "change"},
    known_event{"rollout.started", "a rollout began", ""},
    known_event{"rollout.entered", "the rollout entered ", "phase"},
    known_event{"rollout.routed", "an operator set the percentage: ", "reason"},
    known_event{"rollout.resumed", "an operator resumed the rollout", ""},
    known_event{"circuit.open", "it failed so often that its circuit opened", ""},
    known_event{"worker.silent", "its worker did not answer and was ended", ""},
    known_event{"worker.swept", "a worker of an earlier run of the node was ended", ""},
    known_event{"actor.lost", "a supervisor replaced an actor: ", "actor"},
    known_event{"journal.failed", "the journal could not be written: ", "why"},
    known_event{"journal.damaged", "the journal was damaged: ", "what"},
    known_event{"learned.damaged", "what was learnt could not be read: ", "why"},
    known_event{"prediction.off", "prediction switched itself off", ""},
    known_event{"prediction.retried", "prediction was tried again", ""},
    known_event{"tuning.adjusted", "the pool adapted its limits", ""},
    known_event{"node.draining", "the node was asked to stop", ""},
};

// What a measurement of this kind is part of.
std::vector<metric> family_of(std::string_view name) {
  if (name.find("error") != name.npos || name.starts_with("success")) return {metric::error_rate};
  if (name.starts_with("response") || name.starts_with("run") || name.starts_with("latency")
      || name.starts_with("queue"))
    return {metric::response_mean_ms, metric::response_p95_ms, metric::response_p99_ms,
            metric::response_ratio,   metric::queue_depth,     metric::cold_start_rate,
            metric::warm_hit_rate};
  if (name.starts_with("warm_hit") || name.starts_with("cold"))
    return {metric::cold_start_rate, metric::warm_hit_rate, metric::warm};
  if (name.starts_with("memory") || name.starts_with("worker_memory"))
    return {metric::memory_use, metric::memory_mb, metric::memory_efficiency, metric::warm};
  if (name.starts_with("prediction")) return {metric::prediction_accuracy};
  return {};
}

}  // namespace

std::string member_text(std::string_view json, std::string_view name) {
  const auto key = "\"" + std::string{name} + "\":";
  auto at = json.find(key);
  if (at == std::string_view::npos) return {};
  at += key.size();
  if (at >= json.size()) return {};
  if (json[at] != '"') return std::string{json.substr(at, json.find_first_of(",}", at) - at)};
  std::string result;
  for (++at; at < json.size() && json[at] != '"'; ++at) {
    if (json[at] == '\\' && at + 1 < json.size()) ++at;
    result += json[at];
  }
  return result;
}

std::optional<recorded_event> evidence_of(const event& from) {
  const auto known = std::ranges::find(known_events, from.kind, &known_event::kind);
  if (known == known_events.end()) return std::nullopt;
  recorded_event result;
  result.at_s = static_cast<double>(from.unix_ms) * 1e-3;
  result.kind = from.kind;
  result.subject = member_text(from.json, "specialist");
  result.text = known->said;
  if (!known->detail.empty()) result.text += member_text(from.json, known->detail);
  if (from.kind == "rollout.entered" && member_text(from.json, "mode") == "hybrid")
    result.text += " at " + member_text(from.json, "percentage") + " %";
  return result;
}

std::vector<specialist_counts> count_specialists(const evidence_parts& where) {
  using machine::task_outcome;
  std::vector<specialist_counts> result(where.catalogs.now().members.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    const auto& record = where.pools.of(protocols::pool_kind::intelligent).specialists[i];
    const auto ended = [&](task_outcome which) {
      const auto e = static_cast<std::size_t>(which);
      return machine::count_of(record.gauge.ends[e]) + machine::count_of(record.shadow_ends[e]);
    };
    result[i] = {
        ended(task_outcome::completed),
        ended(task_outcome::failed) + ended(task_outcome::timeout) + ended(task_outcome::unknown),
        machine::count_of(record.gauge.cold_starts), machine::count_of(record.gauge.warm_hits)};
  }
  return result;
}

void record_fresh(const evidence_parts& where, double now_s,
                  runtime::rollout::evidence_recorder& page, keep_counts keep) {
  auto last = where.board.read([](const status_board::content& board) {
    return std::pair{board.evidence_counts, board.evidence_seen};
  });
  auto& before = last.first;
  auto& seen = last.second;
  auto counts = count_specialists(where);
  before.resize(counts.size());
  const auto& catalog = where.catalogs.now();
  for (std::uint32_t i = 0; i < counts.size(); ++i) {
    const auto add = [&](metric what, double amount) {
      static_cast<void>(page.add(catalog.name_of(i), what, amount, now_s));
    };
    const auto grown = [&](std::uint64_t specialist_counts::*which) {
      // A number that is used again counts from 0.
      const auto now = counts[i].*which;
      const auto then = before[i].*which;
      return static_cast<double>(now >= then ? now - then : now);
    };
    const auto bad = grown(&specialist_counts::bad);
    const auto tasks = bad + grown(&specialist_counts::completed);
    const auto& gauge = where.pools.of(protocols::pool_kind::intelligent).specialists[i].gauge;
    // Tasks for a specialist whose circuit is open are refused.
    const bool out = gauge.open_until_ns.load(std::memory_order_relaxed) > where.clock.now_ns();
    if (tasks > 0)
      add(metric::error_rate, bad / tasks);
    else if (out)
      add(metric::error_rate, 1);
    const auto colds = grown(&specialist_counts::cold_starts);
    const auto arrived = colds + grown(&specialist_counts::warm_hits);
    if (arrived > 0) add(metric::cold_start_rate, colds / arrived);
    const auto depth = gauge.depth();
    const auto waiting = depth - std::min(depth, gauge.running.load(std::memory_order_relaxed));
    if (tasks > 0 || waiting > 0) add(metric::queue_depth, waiting);
    const auto run_ns = gauge.run_ns.load(std::memory_order_relaxed);
    if (tasks > 0 && run_ns > 0) add(metric::response_mean_ms, static_cast<double>(run_ns) * 1e-6);
  }
  for (const auto& one : where.events.after(seen)) {
    seen = one.number;
    if (auto fresh = evidence_of(one)) page.add(std::move(*fresh));
  }
  if (keep == keep_counts::no) return;
  where.board.write([&](status_board::content& board) {
    board.evidence_counts = std::move(counts);
    board.evidence_seen = seen;
  });
}

runtime::rollout::cause_report cause_of(const evidence_parts& where,
                                        const runtime::rollout::rollback_plan& plan,
                                        const runtime::monitoring::health_report& health) {
  auto record = where.board.read([](const status_board::content& board) { return board.evidence; });
  runtime::rollout::evidence_recorder fresh;
  record_fresh(where, plan.begun_at_s(), fresh, keep_counts::no);
  record.merge(fresh);

  const auto& config = where.catalogs.now().config;
  runtime::rollout::analysis_settings settings;
  settings.allowed = {{metric::error_rate, config.rollout.criteria.error_rate},
                      {metric::response_ratio, config.rollback.response_ratio},
                      {metric::memory_use, config.rollback.memory_use},
                      {metric::memory_efficiency, config.rollback.memory_efficiency}};
  settings.slack_s = std::max(seconds_of(config.health_interval), 1.0);
  // No check holds less than a fifth of the slack against the pool.
  settings.response_floor_ms = std::max(slack_of(config) / 5, settings.response_floor_ms);
  const auto add = [&](std::string_view name) {
    for (const auto one : family_of(name)) settings.explains.push_back(one);
  };
  switch (plan.cause()) {
    case trigger::health:
      // Its factors say what it was made of.
      for (const auto& one : health.factors)
        if (one.factor < 0.95) add(one.name);
      break;
    case trigger::judge:
      // Its summary names the findings that failed: "error_rate: …; latency_p50: …".
      for (std::string_view rest = plan.reason(); !rest.empty();) {
        add(rest.substr(0, rest.find(':')));
        const auto next = rest.find("; ");
        rest = next == rest.npos ? std::string_view{} : rest.substr(next + 2);
      }
      break;
    case trigger::critical_alerts:
    case trigger::by_hand: break;
    default: add(name_of(plan.cause()));
  }
  return runtime::rollout::find_causes(record, plan.begun_at_s(), settings);
}

std::string evidence_record(std::uint64_t page) {
  return "evidence." + std::to_string(page % evidence_pages);
}

std::uint64_t read_evidence(const std::vector<std::string>& pages,
                            runtime::rollout::evidence_recorder& into) {
  struct page_read {
    double at_s = 0;
    std::uint64_t number = 0;
    runtime::rollout::evidence_recorder what;
  };
  std::vector<page_read> read;
  for (std::uint64_t number = 0; number < pages.size(); ++number) {
    auto one = runtime::rollout::evidence_recorder::decode(pages[number], {});
    if (!one) continue;
    double at_s = std::numeric_limits<double>::infinity();
    for (const auto& [key, points] : one->series())
      if (!points.empty()) at_s = std::min(at_s, points.front().at_s);
    read.push_back({at_s, number, std::move(*one)});
  }
  std::ranges::sort(read, {}, &page_read::at_s);
  for (const auto& one : read) into.merge(one.what);
  return read.empty() ? 0 : read.back().number + 1;
}

}  // namespace greenroom::actors
