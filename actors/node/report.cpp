// The figures of the deployment report, from what a node has measured.
#include "actors/monitoring/pool_sampler.hpp"
#include "actors/node/parts.hpp"
#include "actors/rollout/readiness.hpp"
#include "actors/state/units.hpp"
#include "runtime/rollout/deployment_report.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>
#include <utility>
#include "actors/supervision/hand_out.hpp"

namespace greenroom {

using protocols::pool_kind;

namespace {

// Fewer points, or tasks, than this are an anecdote: the report says that there is too little.
constexpr std::size_t points_min = 4;
constexpr std::uint64_t tasks_min = 20;

struct pool_means {
  std::optional<double> memory_mb, warm;
};

// Over the looks at which the pool was what it is compared as: the baseline with everybody warm,
// the intelligent one with somebody.
pool_means means_of(const runtime::rollout::evidence_recorder& evidence, pool_kind kind,
                    std::size_t specialists) {
  using runtime::monitoring::metric;
  const auto series = [&](metric what) {
    const auto found =
        evidence.series().find({"pool:" + std::string{protocols::to_string(kind)}, what});
    return found == evidence.series().end() ? std::deque<runtime::rollout::point>{} : found->second;
  };
  const auto memory = series(metric::memory_mb);
  const auto warm = series(metric::warm);
  const auto least = kind == pool_kind::baseline ? static_cast<double>(specialists) : 1.0;
  double memory_sum = 0;
  double warm_sum = 0;
  std::size_t count = 0;
  auto at = memory.begin();
  for (const auto& one : warm) {
    while (at != memory.end() && at->at_s < one.at_s) ++at;
    if (at == memory.end()) break;
    if (at->at_s != one.at_s || one.value < least || at->value <= 0) continue;
    memory_sum += at->value;
    warm_sum += one.value;
    ++count;
  }
  if (count < points_min) return {};
  return {memory_sum / static_cast<double>(count), warm_sum / static_cast<double>(count)};
}

runtime::rollout::pool_figures figures_of(const actors::node_state& shared, pool_kind kind,
                                          const runtime::rollout::evidence_recorder& evidence,
                                          std::size_t specialists) {
  const auto& pool = shared.pools.of(kind);
  runtime::rollout::pool_figures result;
  const auto means = means_of(evidence, kind, specialists);
  result.memory_mb = means.memory_mb;
  result.warm_mean = means.warm;
  if (!pool.open) return result;
  const auto value = [](const machine::counter& of) { return of.load(std::memory_order_relaxed); };
  const auto times = pool.gauge.times();
  std::uint64_t count = 0;
  for (const auto one : times) count += one;
  if (count >= tasks_min) {
    using machine::latency_histogram;
    result.response_mean_ms = static_cast<double>(pool.gauge.time_sum_ns()) * actors::ms_per_ns
                              / static_cast<double>(count);
    result.response_p50_ms = latency_histogram::quantile_ns(times, 0.50) * actors::ms_per_ns;
    result.response_p95_ms = latency_histogram::quantile_ns(times, 0.95) * actors::ms_per_ns;
    result.response_p99_ms = latency_histogram::quantile_ns(times, 0.99) * actors::ms_per_ns;
  }
  std::uint64_t tasks = 0;
  for (std::size_t e = 0; e < machine::task_outcomes; ++e) tasks += pool.gauge.ends(e);
  const auto ended = [&](machine::task_outcome how) {
    return pool.gauge.ends(static_cast<std::size_t>(how));
  };
  using enum machine::task_outcome;
  auto bad = ended(failed) + ended(timeout) + ended(unknown);
  bad -= std::min(bad, shared.ends.refused(kind));
  result.tasks = tasks;
  // What a circuit kept from the pool has not ended there, and is its error all the same.
  const auto shed = value(pool.gauge.shed_open);
  if (tasks + shed >= tasks_min)
    result.error_rate = static_cast<double>(bad + shed) / static_cast<double>(tasks + shed);
  const auto hits = value(pool.gauge.warm_hits);
  result.cold_starts = value(pool.gauge.cold_starts);
  if (hits + result.cold_starts >= tasks_min)
    result.warm_hit_rate =
        static_cast<double>(hits) / static_cast<double>(hits + result.cold_starts);
  return result;
}

// What happened meanwhile, in as few words as fit beside a line.
std::vector<runtime::rollout::chart_mark> marks_of(
    const runtime::rollout::deployment_report& report) {
  using runtime::rollout::decision_kind, runtime::rollout::phase;
  std::vector<runtime::rollout::chart_mark> result;
  const auto percent = [](double value) { return std::to_string(std::lround(value)) + " %"; };
  for (const auto& one : report.decisions) {
    if (one.kind == decision_kind::started) result.push_back({one.at_s, "start"});
    if (one.kind == decision_kind::completed) result.push_back({one.at_s, "complete"});
    if (one.kind == decision_kind::routed)
      result.push_back({one.at_s, percent(one.percentage) + " by hand"});
    if (one.kind != decision_kind::entered) continue;
    std::string text;
    switch (one.where) {
      case phase::shadow_mode: text = "shadow"; break;
      case phase::partial_rollout: text = percent(one.percentage); break;
      case phase::full_deployment: text = "full"; break;
      case phase::optimization: text = "optimization"; break;
      default: text = name_of(one.where);
    }
    result.push_back({one.at_s, std::move(text)});
  }
  for (const auto& one : report.rollbacks)
    result.push_back({one.plan.begun_at_s(), "rollback " + std::to_string(one.plan.id())});
  std::ranges::stable_sort(result, {}, &runtime::rollout::chart_mark::at_s);
  return result;
}

}  // namespace

std::optional<std::string> node::report(std::string_view format,
                                        std::optional<std::chrono::milliseconds> last) const {
  const actors::catalog_reader::scope reading;
  const auto& shared = *parts_->shared;
  runtime::rollout::deployment_report made;
  auto board = shared.board.read([](const actors::status_board::content& of) { return of; });
  const auto& playing = shared.catalogs.now();
  made.made_at_s = made.to_s = shared.clock.unix_s(shared.clock.now_ns());
  made.from_s = shared.clock.unix_s(parts_->started_ns);
  if (last) {
    made.from_s = std::max(made.from_s, made.to_s - std::chrono::duration<double>{*last}.count());
    runtime::rollout::evidence_recorder within;
    for (const auto& [key, points] : board.evidence.series())
      for (const auto& one : points)
        if (one.at_s >= made.from_s)
          static_cast<void>(within.add(key.subject, key.what, one.value, one.at_s));
    board.evidence = std::move(within);
  }
  made.node = playing.config.listen;
  made.version = parts_->version;
  made.profile = playing.config.profile;
  for (const auto& one : playing.members)
    if (!one.gone) ++made.specialists;
  if (board.rollout) {
    made.at = board.rollout->at();
    made.stands = board.rollout->stands();
    made.decisions.assign(board.rollout->decisions().begin(), board.rollout->decisions().end());
  }
  const auto rules = shared.routes.now();
  made.routes = rules.routes;
  made.percentage = rules.percentage;
  made.before = figures_of(shared, pool_kind::baseline, board.evidence, made.specialists);
  made.after = figures_of(shared, pool_kind::intelligent, board.evidence, made.specialists);
  const auto now = status();
  made.quality = {now.availability, now.prediction_accuracy, now.workflow_detection};
  // Where the baseline pool does not run, what it would take is what was measured of each worker.
  if (!made.before.memory_mb && made.after.memory_mb) {
    const auto memory = actors::memory_of(actors::hand_out<actors::sampler_parts>(*parts_->shared),
                                          pool_kind::intelligent);
    if (memory.always_mb > 0) made.before.memory_mb = memory.always_mb;
  }
  made.usd_per_mb_month = playing.config.cost.usd_per_mb_month;
  for (const auto& one : board.rollbacks) made.rollbacks.push_back({one.plan, one.analysis});
  const auto shadow = shared.shadow.read();
  if (shadow.mirrored > 0) {
    made.shadow = shadow.summary;
    made.differences = shadow.differences;
  }
  made.ledger = actors::ledger_now(actors::hand_out<actors::readiness_parts>(*parts_->shared));
  made.alerts = board.history;
  made.alerts.insert(made.alerts.end(), board.firing.begin(), board.firing.end());
  using runtime::monitoring::metric;
  const auto marks = marks_of(made);
  const auto chart = [&](const char* title, const char* unit, metric what, double scale) {
    runtime::rollout::line_chart drawn;
    drawn.title = title;
    drawn.unit = unit;
    for (const auto* pool : {"baseline", "intelligent"}) {
      const auto found = board.evidence.series().find({std::string{"pool:"} + pool, what});
      if (found == board.evidence.series().end()) continue;
      auto& line = drawn.lines.emplace_back();
      line.name = pool;
      line.dashed = std::string_view{pool} == "baseline";
      for (const auto& one : found->second) line.points.push_back({one.at_s, one.value * scale});
    }
    drawn.marks = marks;
    made.charts.push_back(std::move(drawn));
  };
  chart("Memory of the workers", "MB", metric::memory_mb, 1);
  chart("Mean response", "ms", metric::response_mean_ms, 1);
  chart("Errors", "%", metric::error_rate, 100);
  chart("Warm specialists", "", metric::warm, 1);
  if (format == "md") return report_markdown(made);
  if (format == "html") return report_html(made);
  if (format == "json") return report_json(made);
  return std::nullopt;
}

}  // namespace greenroom
