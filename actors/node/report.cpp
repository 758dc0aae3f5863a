// The figures of the deployment report, from what a node has measured.
#include "actors/monitoring/pool_sampler.hpp"
#include "actors/node/parts.hpp"
#include "actors/rollout/readiness.hpp"
#include "actors/state/units.hpp"
#include "actors/supervision/hand_out.hpp"
#include "runtime/rollout/deployment_report.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>
#include <utility>

namespace greenroom {

using protocols::pool_kind;

namespace {

// With fewer points or tasks the report says that there is too little data.
constexpr std::size_t points_min = 4;
constexpr std::uint64_t tasks_min = 20;

struct pool_means {
  std::optional<double> memory_mb, warm;
};

// Means over the samples in which the baseline pool was completely warm, or the intelligent pool
// had a warm specialist.
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

runtime::rollout::pool_figures figures_of(const actors::node_state& state, pool_kind kind,
                                          const runtime::rollout::evidence_recorder& evidence,
                                          std::size_t specialists) {
  const auto& pool = state.pools.of(kind);
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
  for (std::size_t e = 0; e < machine::task_outcome_count; ++e) tasks += pool.gauge.ends(e);
  const auto ended = [&](machine::task_outcome how) {
    return pool.gauge.ends(static_cast<std::size_t>(how));
  };
  using enum machine::task_outcome;
  auto bad = ended(failed) + ended(timeout) + ended(unknown);
  bad -= std::min(bad, state.ends.refused(kind));
  result.tasks = tasks;
  // A task that an open circuit kept from the pool has not ended there, but counts as an error.
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

// Decisions and rollbacks as short labels for the charts.
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

/// Keeps the evidence from `from_s` on.
runtime::rollout::evidence_recorder since(const runtime::rollout::evidence_recorder& all,
                                          double from_s) {
  runtime::rollout::evidence_recorder result;
  for (const auto& [key, points] : all.series())
    for (const auto& one : points)
      if (one.at_s >= from_s)
        static_cast<void>(result.add(key.subject, key.what, one.value, one.at_s));
  return result;
}

struct chart_kind {
  const char* title;
  const char* unit;
  runtime::monitoring::metric what;
  double scale;
};

runtime::rollout::line_chart chart_of(const runtime::rollout::evidence_recorder& evidence,
                                      const chart_kind& kind) {
  runtime::rollout::line_chart result;
  result.title = kind.title;
  result.unit = kind.unit;
  for (const auto pool : {pool_kind::baseline, pool_kind::intelligent}) {
    const std::string name{protocols::to_string(pool)};
    const auto found = evidence.series().find({"pool:" + name, kind.what});
    if (found == evidence.series().end()) continue;
    auto& line = result.lines.emplace_back();
    line.name = name;
    line.dashed = pool == pool_kind::baseline;
    for (const auto& one : found->second) line.points.push_back({one.at_s, one.value * kind.scale});
  }
  return result;
}

void add_charts(runtime::rollout::deployment_report& to,
                const runtime::rollout::evidence_recorder& evidence) {
  using runtime::monitoring::metric;
  const auto marks = marks_of(to);
  for (const auto& kind : {chart_kind{"Memory of the workers", "MB", metric::memory_mb, 1},
                           chart_kind{"Mean response", "ms", metric::response_mean_ms, 1},
                           chart_kind{"Errors", "%", metric::error_rate, 100},
                           chart_kind{"Warm specialists", "", metric::warm, 1}}) {
    to.charts.push_back(chart_of(evidence, kind));
    to.charts.back().marks = marks;
  }
}

/// What the rollout and the rollbacks did.
void add_history(runtime::rollout::deployment_report& to, const actors::node_state& state,
                 const actors::status_board::content& board) {
  if (board.rollout) {
    to.at = board.rollout->at();
    to.stands = board.rollout->stands();
    to.decisions.assign(board.rollout->decisions().begin(), board.rollout->decisions().end());
  }
  const auto rules = state.routes.now();
  to.routes = rules.routes;
  to.percentage = rules.percentage;
  for (const auto& one : board.rollbacks) to.rollbacks.push_back({one.plan, one.analysis});
  const auto shadow = state.shadow.read();
  if (shadow.mirrored > 0) {
    to.shadow = shadow.summary;
    to.differences = shadow.differences;
  }
  to.alerts = board.history;
  to.alerts.insert(to.alerts.end(), board.firing.begin(), board.firing.end());
}

/// @pre A `catalog_reader::scope` is open.
runtime::rollout::deployment_report report_of(const node& of, const node::parts& in,
                                              std::optional<std::chrono::milliseconds> last) {
  auto& state = *in.state;
  runtime::rollout::deployment_report made;
  auto board = state.board.read([](const actors::status_board::content& all) { return all; });
  const auto& catalog = state.catalogs.now();
  made.made_at_s = made.to_s = state.clock.unix_s(state.clock.now_ns());
  made.from_s = state.clock.unix_s(in.started_ns);
  if (last) {
    made.from_s = std::max(made.from_s, made.to_s - std::chrono::duration<double>{*last}.count());
    board.evidence = since(board.evidence, made.from_s);
  }
  made.node = catalog.config.listen;
  made.version = in.version;
  made.profile = catalog.config.profile;
  for (const auto& one : catalog.members)
    if (!one.gone) ++made.specialists;
  made.before = figures_of(state, pool_kind::baseline, board.evidence, made.specialists);
  made.after = figures_of(state, pool_kind::intelligent, board.evidence, made.specialists);
  // Without a running baseline pool its memory is computed from the measured workers.
  if (!made.before.memory_mb && made.after.memory_mb) {
    const auto memory =
        actors::memory_of(actors::hand_out<actors::sampler_parts>(state), pool_kind::intelligent);
    if (memory.always_mb > 0) made.before.memory_mb = memory.always_mb;
  }
  const auto now = of.status();
  made.quality = {now.availability, now.prediction_accuracy, now.workflow_detection};
  made.usd_per_mb_month = catalog.config.cost.usd_per_mb_month;
  made.ledger = actors::ledger_now(actors::hand_out<actors::readiness_parts>(state));
  add_history(made, state, board);
  add_charts(made, board.evidence);
  return made;
}

}  // namespace

base::expected<std::string> node::report(std::string_view format,
                                         std::optional<std::chrono::milliseconds> last) const {
  const auto write = format == "md"     ? runtime::rollout::report_markdown
                     : format == "html" ? runtime::rollout::report_html
                     : format == "json" ? runtime::rollout::report_json
                                        : nullptr;
  if (write == nullptr) return base::problem{"malformed", "format is md, html or json."};
  const actors::catalog_reader::scope reading;
  return write(report_of(*this, *parts_, last));
}

}  // namespace greenroom
