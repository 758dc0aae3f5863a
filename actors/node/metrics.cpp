// The numbers of a node in Prometheus' text format, read from the gauges when asked.
#include "actors/monitoring/pool_sampler.hpp"
#include "actors/node/parts.hpp"
#include "actors/rollout/readiness.hpp"
#include "actors/supervision/hand_out.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <deque>
#include <iterator>
#include <limits>
#include <ranges>
#include <utility>

namespace greenroom {

using protocols::pool_kind;

namespace {

using prometheus::ClientMetric, prometheus::MetricFamily, prometheus::MetricType;
using labels = std::vector<ClientMetric::Label>;

double amount_of(const machine::counter& which) {
  return static_cast<double>(machine::count_of(which));
}

class sheet {
public:
  /// The reference stays good while other families are added.
  MetricFamily& family(std::string name, std::string help, MetricType type) {
    auto& fresh = families_.emplace_back();
    fresh.name = std::move(name);
    fresh.help = std::move(help);
    fresh.type = type;
    return fresh;
  }
  void one(std::string name, std::string help, MetricType type, double amount) {
    add(family(std::move(name), std::move(help), type), {}, amount);
  }
  static void add(MetricFamily& to, labels with, double amount) {
    auto& metric = to.metric.emplace_back();
    metric.label = std::move(with);
    if (to.type == MetricType::Counter)
      metric.counter.value = amount;
    else
      metric.gauge.value = amount;
  }
  [[nodiscard]] std::string text() && {
    return prometheus::TextSerializer{}.Serialize(
        {std::make_move_iterator(families_.begin()), std::make_move_iterator(families_.end())});
  }

private:
  std::deque<MetricFamily> families_;  // A vector would move its elements when it grows.
};

constexpr std::array<std::string_view, 6> state_names{"cold", "warming", "warm",
                                                      "busy", "cooling", "failed"};

constexpr std::array both_pools{pool_kind::intelligent, pool_kind::baseline};

// The sums of both pools.
void write_tasks(sheet& out, const actors::node_state& state) {
  const auto& catalog = state.catalogs.now();
  auto& tasks =
      out.family("greenroom_tasks_total", "Tasks that ended, by how.", MetricType::Counter);
  for (std::size_t i = 0; i < catalog.members.size(); ++i) {
    for (std::size_t outcome = 0; outcome < machine::task_outcome_count; ++outcome) {
      double amount = 0;
      for (const auto kind : both_pools)
        amount += amount_of(state.pools.of(kind).specialists[i].gauge.ends[outcome]);
      // An outcome that never occurred is left out, except `completed`: a rate begins at zero, and
      // no family is without a sample.
      if (amount == 0 && outcome != static_cast<std::size_t>(machine::task_outcome::completed))
        continue;
      sheet::add(tasks,
                 {{"specialist", catalog.members[i].config.name},
                  {"department", catalog.departments[catalog.members[i].department]},
                  {"outcome", std::string{machine::task_outcome_names[outcome]}}},
                 amount);
    }
  }
  auto& durations = out.family("greenroom_task_duration_seconds",
                               "From acceptance to the end of a task.", MetricType::Histogram);
  auto& restarts = out.family("greenroom_actor_restarts_total", "Actors that were replaced.",
                              MetricType::Counter);
  auto& depth = out.family("greenroom_queue_depth", "Tasks that wait.", MetricType::Gauge);
  for (std::size_t d = 0; d < catalog.departments.size(); ++d) {
    const auto sum = [&](auto of) {
      double result = 0;
      for (const auto kind : both_pools)
        result += static_cast<double>(of(state.pools.of(kind).departments[d].gauge));
      return result;
    };
    const labels mine{{"department", catalog.departments[d]}};
    auto& metric = durations.metric.emplace_back();
    metric.label = mine;
    double total = 0;
    for (std::size_t b = 0; b <= machine::duration_bounds_ns.size(); ++b) {
      total += sum([b](const auto& gauge) { return gauge.durations(b); });
      const auto bound = b < machine::duration_bounds_ns.size()
                             ? static_cast<double>(machine::duration_bounds_ns[b]) * 1e-9
                             : std::numeric_limits<double>::infinity();
      metric.histogram.bucket.push_back({static_cast<std::uint64_t>(total), bound});
    }
    metric.histogram.sample_count = static_cast<std::uint64_t>(total);
    metric.histogram.sample_sum = sum([](const auto& gauge) { return gauge.sum_ns(); }) * 1e-9;
    sheet::add(restarts, mine, sum([](const auto& gauge) { return gauge.actor_restarts.load(); }));
    double waiting = 0;
    for (const auto who : catalog.department_members[d])
      for (const auto kind : both_pools) {
        const auto& gauge = state.pools.of(kind).specialists[who].gauge;
        const auto held = gauge.depth();
        waiting += static_cast<double>(
            held - std::min(held, gauge.running.load(std::memory_order_relaxed)));
      }
    sheet::add(depth, mine, waiting);
  }
}

// Counters of workers that are not about tasks.
void write_workers(sheet& out, const node::parts& in) {
  const auto& state = *in.state;
  const auto& catalog = state.catalogs.now();
  auto& strays = out.family("greenroom_worker_stray_lines_total",
                            "Lines on workers' output that were no messages and were skipped.",
                            MetricType::Counter);
  for (std::size_t i = 0; i < catalog.members.size(); ++i) {
    double amount = 0;
    for (const auto kind : both_pools)
      amount += amount_of(state.pools.of(kind).specialists[i].gauge.stray_lines);
    sheet::add(strays, {{"specialist", catalog.members[i].config.name}}, amount);
  }
  out.one("greenroom_worker_orphans_ended_total",
          "Processes that were ended because their worker or node had ended before them.",
          MetricType::Counter, in.keeper ? static_cast<double>(in.keeper->orphans_ended()) : 0.0);
}

void write_pool(sheet& out, const actors::node_state& state, pool_kind kind) {
  const auto& catalog = state.catalogs.now();
  const auto& pool = state.pools.of(kind);
  std::array<double, state_names.size()> states{};
  double crashes = 0;
  double open = 0;
  double pinned_failed = 0;
  for (std::size_t i = 0; i < catalog.members.size(); ++i) {
    if (catalog.members[i].gone) continue;
    const auto& gauge = pool.specialists[i].gauge;
    states[static_cast<std::size_t>(gauge.state.load(std::memory_order_relaxed))] += 1;
    crashes += amount_of(gauge.crashes);
    if (gauge.open_until_ns.load(std::memory_order_relaxed) > state.clock.now_ns()) open += 1;
    if (catalog.members[i].config.pin
        && gauge.state.load(std::memory_order_relaxed) == worker_state::failed)
      pinned_failed += 1;
  }
  auto& specialists =
      out.family("greenroom_specialists", "Specialists by state.", MetricType::Gauge);
  for (std::size_t s = 0; s < states.size(); ++s)
    sheet::add(specialists, {{"state", std::string{state_names[s]}}}, states[s]);
  out.one("greenroom_circuits_open", "Specialists whose circuit is open.", MetricType::Gauge, open);
  out.one("greenroom_pinned_failed", "Pinned specialists that have failed.", MetricType::Gauge,
          pinned_failed);
  const auto& gauge = pool.gauge;
  out.one("greenroom_warm_hits_total", "Tasks that found their specialist warm.",
          MetricType::Counter, amount_of(gauge.warm_hits));
  out.one("greenroom_cold_starts_total", "Tasks that had to wait for a start.", MetricType::Counter,
          amount_of(gauge.cold_starts));
  out.one("greenroom_retries_total", "Attempts after the first one.", MetricType::Counter,
          amount_of(gauge.retries));
  out.one("greenroom_prewarms_total", "Starts ahead of demand.", MetricType::Counter,
          amount_of(gauge.prewarms));
  out.one("greenroom_prewarm_hits_total", "Starts ahead of demand that were then used.",
          MetricType::Counter, amount_of(gauge.prewarm_hits));
  out.one("greenroom_evictions_total", "Workers stopped to make room.", MetricType::Counter,
          amount_of(gauge.evictions));
  out.one("greenroom_cooldowns_total", "Workers stopped because they were idle.",
          MetricType::Counter, amount_of(gauge.cooldowns));
  out.one("greenroom_tasks_stuck", "Specialists waited for while a slot is idle.",
          MetricType::Gauge, static_cast<double>(pool.stuck_now.load(std::memory_order_relaxed)));
  out.one("greenroom_tasks_stuck_total",
          "Waits while a slot was available; the slot was requested again.", MetricType::Counter,
          amount_of(pool.stuck));
  out.one("greenroom_worker_crashes_total", "Workers that died unasked.", MetricType::Counter,
          crashes);
}

void write_prediction(sheet& out, const actors::node_state& state) {
  const auto gauge = MetricType::Gauge;
  const auto counter = MetricType::Counter;
  std::uint64_t hits = 0;
  for (const auto kind : both_pools) hits += state.pools.of(kind).gauge.prewarm_hits.load();
  const auto& forecast = state.forecast;
  // A prewarmed worker that no task has used yet may still be used.
  if (const auto scored = hits + forecast.prewarm_wastes.load(); scored > 0)
    out.one("greenroom_prediction_accuracy_ratio", "Share of predictions that came true.", gauge,
            static_cast<double>(hits) / static_cast<double>(scored));
  out.one("greenroom_prewarm_wasted_seconds_total", "Worker time of prewarms no task used.",
          counter, static_cast<double>(forecast.prewarm_wasted_ms.load()) * 1e-3);
  out.one("greenroom_workflows_detected_total", "Workflows found under way.", counter,
          amount_of(forecast.workflows_detected));
  out.one("greenroom_tuning_adjustments_total",
          "Times that the pool adapted its threshold or slots.", counter,
          amount_of(forecast.adjustments));
  const auto [policy, accuracy] = forecast.read([](const actors::forecast_board::content& of) {
    return std::pair{of.policy, of.accuracy};
  });
  out.one("greenroom_prediction_on", "0 while prediction has switched itself off.", gauge,
          policy.predicting ? 1 : 0);
  if (accuracy.scored > 0)
    out.one("greenroom_next_call_top3_ratio", "Calls that were among the three most expected.",
            gauge, accuracy.top3);
}

void write_health(sheet& out, const node::parts& in, const actors::status_board::content& board) {
  const auto gauge = MetricType::Gauge;
  const auto& state = *in.state;
  sheet::add(out.family("greenroom_build_info", "1, with what runs here.", gauge),
             {{"version", in.version}, {"profile", state.catalogs.now().config.profile}}, 1);
  out.one("greenroom_tasks_lost", "Accepted, neither answered nor pending.", gauge,
          static_cast<double>(
              actors::ledger_now(actors::hand_out<actors::readiness_parts>(*in.state)).lost));
  const auto memory =
      actors::memory_of(actors::hand_out<actors::sampler_parts>(*in.state), in.admission->pool());
  out.one("greenroom_always_warm_memory_bytes",
          "What the workers would take with all specialists warm.", gauge, memory.always_mb * 1e6);
  if (const auto budget = state.catalogs.now().config.pool.memory_budget_mb; budget > 0)
    out.one("greenroom_memory_use_ratio", "Share of the memory limit in use.", gauge,
            memory.used_mb / budget);
  out.one("greenroom_health_score", "The monitor's own score, 0 to 1.", gauge,
          board.checked_at_s > 0 ? board.health.score : 1);
  auto& alerts = out.family("greenroom_alerts", "Alerts that fire.", gauge);
  using runtime::monitoring::severity;
  for (const auto level : {severity::critical, severity::warning, severity::info})
    sheet::add(alerts, {{"severity", std::string{name_of(level)}}},
               static_cast<double>(
                   std::ranges::count(board.firing, level, &runtime::monitoring::alert::level)));
}

void write_pools_compared(sheet& out, const actors::node_state& state,
                          const actors::status_board::content& board) {
  const auto gauge = MetricType::Gauge;
  const auto counter = MetricType::Counter;
  if (const auto ratio = board.samples[0].plain_response_ratio)
    out.one("greenroom_response_ratio", "Intelligent / baseline mean response.", gauge, *ratio);
  if (const auto ratio = board.samples[0].response_ratio)
    out.one("greenroom_response_counted_ratio",
            "The same as triggers mean it: at most 1 within rollout.criteria.response_slack.",
            gauge, *ratio);
  auto& tasks = out.family("greenroom_pool_tasks_total", "Tasks that ended, by pool.", counter);
  for (const auto kind : both_pools)
    for (std::size_t e = 0; e < machine::task_outcome_count; ++e) {
      auto amount = static_cast<double>(state.pools.of(kind).gauge.ends(e));
      // Shadow copies, most of them in the intelligent pool, have counters of their own.
      for (const auto& record : state.pools.of(kind).specialists)
        amount -= amount_of(record.shadow_ends[e]);
      sheet::add(tasks,
                 {{"pool", std::string{protocols::to_string(kind)}},
                  {"outcome", std::string{machine::task_outcome_names[e]}}},
                 std::max(amount, 0.0));
    }
  auto& shed = out.family("greenroom_circuit_shed_total",
                          "Kept from a pool because a circuit of it was open.", counter);
  for (const auto kind : both_pools)
    sheet::add(shed, {{"pool", std::string{protocols::to_string(kind)}}},
               amount_of(state.pools.of(kind).gauge.shed_open));
}

double intelligent_percentage(const actors::routing_table& routes) {
  using mode = runtime::rollout::mode;
  const auto rules = routes.now();
  switch (rules.routes) {
    case mode::hybrid: return rules.percentage;
    case mode::full: return 100;
    case mode::idle: return routes.configured == pool_kind::intelligent ? 100 : 0;
    default: return 0;
  }
}

void write_rollout(sheet& out, const actors::node_state& state,
                   const actors::status_board::content& board) {
  using namespace runtime::rollout;
  const auto gauge = MetricType::Gauge;
  const auto counter = MetricType::Counter;
  out.one("greenroom_rollout_percentage", "Share of traffic for the intelligent pool.", gauge,
          intelligent_percentage(state.routes));
  auto& phases = out.family("greenroom_rollout_phase", "1 for the phase it is in.", gauge);
  const auto at = board.rollout ? board.rollout->at() : phase::idle;
  for (const auto one :
       {phase::idle, phase::preparation, phase::shadow_mode, phase::partial_rollout,
        phase::full_deployment, phase::optimization, phase::complete})
    sheet::add(phases, {{"phase", std::string{name_of(one)}}}, one == at ? 1 : 0);
  const auto shadow = state.shadow.read();
  out.one("greenroom_mirrored_total", "Tasks mirrored.", counter,
          static_cast<double>(shadow.mirrored));
  auto& drops =
      out.family("greenroom_mirror_drops_total", "Not mirrored or not compared.", counter);
  for (std::size_t i = 0; i < shadow.drops.size(); ++i)
    sheet::add(drops, {{"reason", std::string{name_of(static_cast<shadow_drop>(i))}}},
               static_cast<double>(shadow.drops[i]));
  auto& rollbacks = out.family("greenroom_rollbacks_total", "Rollbacks, by trigger.", counter);
  for (const auto one :
       {trigger::error_rate, trigger::response_time, trigger::memory_use,
        trigger::memory_efficiency, trigger::health, trigger::critical_alerts,
        trigger::success_rate, trigger::worker_memory, trigger::judge, trigger::by_hand}) {
    const auto found = board.rollbacks_by_trigger.find(std::string{name_of(one)});
    sheet::add(rollbacks, {{"trigger", std::string{name_of(one)}}},
               found == board.rollbacks_by_trigger.end() ? 0 : static_cast<double>(found->second));
  }
  const auto last = std::find_if(board.rollbacks.rbegin(), board.rollbacks.rend(),
                                 [](const auto& one) { return one.plan.duration_s().has_value(); });
  if (last != board.rollbacks.rend())
    out.one("greenroom_rollback_duration_seconds", "Of the last one, decision to end.", gauge,
            last->plan.duration_s().value_or(0));
}

}  // namespace

std::string node::metrics() const {
  const actors::catalog_reader::scope reading;
  const auto& in = *parts_;
  const auto& state = *in.state;
  const auto kind = in.admission->pool();
  const auto now = status();
  sheet out;
  write_tasks(out, state);
  write_pool(out, state, kind);
  auto& shed =
      out.family("greenroom_shed_total", "Tasks refused before a queue.", MetricType::Counter);
  for (std::size_t i = 0; i < state.gauge.shed.size(); ++i)
    sheet::add(shed, {{"reason", std::string{machine::shed_reasons[i]}}},
               amount_of(state.gauge.shed[i]));
  out.one("greenroom_tasks_accepted_total", "Tasks that were let in.", MetricType::Counter,
          static_cast<double>(state.gauge.accepted()));
  out.one("greenroom_tasks_pending", "Accepted and not ended.", MetricType::Gauge,
          static_cast<double>(now.pending));
  out.one("greenroom_journal_commits_total", "Transactions of the journal.", MetricType::Counter,
          amount_of(state.gauge.journal_commits));
  out.one("greenroom_journal_records_total", "Records written to the journal.", MetricType::Counter,
          amount_of(state.gauge.journal_records));
  out.one("greenroom_journal_damages_total",
          "Times that the journal's files or rows were found damaged, missing or foreign.",
          MetricType::Counter, amount_of(state.gauge.journal_damages));
  out.one("greenroom_unexpected_messages_total",
          "Messages between actors that the receiver does not handle: a mistake in Greenroom.",
          MetricType::Counter, static_cast<double>(state.unexpected.total()));
  out.one("greenroom_journal_ok", "1 while the journal can be written.", MetricType::Gauge,
          state.gauge.journal_ok ? 1 : 0);
  out.one("greenroom_worker_memory_bytes", "Proportional set size of all workers.",
          MetricType::Gauge, now.memory_mb * 1e6);
  sheet::add(out.family("greenroom_worker_cpu_cores",
                        "Cores that all workers keep busy, by profile.", MetricType::Gauge),
             {{"profile", state.catalogs.now().config.profile}}, now.cpu_share);
  if (now.pool_memory_efficiency)
    out.one("greenroom_memory_efficiency_ratio",
            "1 - memory of the intelligent pool over time / memory over time had all been warm.",
            MetricType::Gauge, *now.pool_memory_efficiency);
  out.one("greenroom_uptime_seconds", "Since the node started.", MetricType::Gauge,
          static_cast<double>(now.uptime_ms) * 1e-3);
  write_workers(out, in);
  const auto board = state.board.read([](const actors::status_board::content& of) { return of; });
  write_health(out, in, board);
  write_prediction(out, state);
  write_pools_compared(out, state, board);
  write_rollout(out, state, board);
  return std::move(out).text();
}

}  // namespace greenroom
