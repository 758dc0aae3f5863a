// The numbers of a node in Prometheus' text format, read from the gauges when asked.
#include "actors/node_parts.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <utility>

namespace greenroom {

using protocols::pool_kind;

namespace {

using prometheus::ClientMetric, prometheus::MetricFamily, prometheus::MetricType;
using labels = std::vector<ClientMetric::Label>;

double value(const machine::counter& of) {
  return static_cast<double>(of.load(std::memory_order_relaxed));
}

class sheet {
public:
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
  [[nodiscard]] std::string text() const { return prometheus::TextSerializer{}.Serialize(families_); }

private:
  std::vector<MetricFamily> families_;
};

constexpr std::array<std::string_view, 6> state_names{"cold", "warming", "warm",
                                                      "busy", "cooling", "failed"};

void write_tasks(sheet& out, const actors::house& house, pool_kind kind) {
  const auto& playing = house.now_playing();
  const auto& pool = house.pool(kind);
  auto& tasks = out.family("greenroom_tasks_total", "Tasks that ended, by how.",
                           MetricType::Counter);
  for (std::size_t i = 0; i < playing.members.size(); ++i) {
    const auto& ends = pool.specialists[i]->gauge.ends;
    for (std::size_t outcome = 0; outcome < ends.size(); ++outcome) {
      const auto amount = value(ends[outcome]);
      // Most specialists have seen few outcomes; those that never came are left out.
      if (amount == 0) continue;
      sheet::add(tasks,
                 {{"specialist", playing.members[i].config.name},
                  {"department", playing.departments[playing.members[i].department]},
                  {"outcome", std::string{machine::task_outcome_names[outcome]}}},
                 amount);
    }
  }
  auto& durations =
      out.family("greenroom_task_duration_seconds",
                 "From acceptance to the end of a task.", MetricType::Histogram);
  auto& restarts = out.family("greenroom_actor_restarts_total",
                              "Actors that were replaced.", MetricType::Counter);
  auto& depth = out.family("greenroom_queue_depth", "Tasks waiting and running.",
                           MetricType::Gauge);
  for (std::size_t d = 0; d < playing.departments.size(); ++d) {
    const auto& gauge = pool.departments[d]->gauge;
    const labels mine{{"department", playing.departments[d]}};
    auto& metric = durations.metric.emplace_back();
    metric.label = mine;
    double total = 0;
    for (std::size_t b = 0; b < gauge.durations.size(); ++b) {
      total += value(gauge.durations[b]);
      const auto bound = b < machine::duration_bounds_ns.size()
                             ? static_cast<double>(machine::duration_bounds_ns[b]) * 1e-9
                             : std::numeric_limits<double>::infinity();
      metric.histogram.bucket.push_back({static_cast<std::uint64_t>(total), bound});
    }
    metric.histogram.sample_count = static_cast<std::uint64_t>(total);
    metric.histogram.sample_sum = value(gauge.duration_sum_ns) * 1e-9;
    sheet::add(restarts, mine, value(gauge.actor_restarts));
    double waiting = 0;
    for (const auto who : playing.staff[d])
      waiting += pool.specialists[who]->gauge.depth.load(std::memory_order_relaxed);
    sheet::add(depth, mine, waiting);
  }
}

void write_pool(sheet& out, const actors::house& house, pool_kind kind) {
  const auto& playing = house.now_playing();
  const auto& pool = house.pool(kind);
  std::array<double, state_names.size()> states{};
  double bytes = 0;
  double crashes = 0;
  for (std::size_t i = 0; i < playing.members.size(); ++i) {
    if (playing.members[i].gone) continue;
    const auto& gauge = pool.specialists[i]->gauge;
    states[static_cast<std::size_t>(gauge.state.load(std::memory_order_relaxed))] += 1;
    bytes += static_cast<double>(gauge.memory_bytes.load(std::memory_order_relaxed));
    crashes += value(gauge.crashes);
  }
  auto& specialists =
      out.family("greenroom_specialists", "Specialists by state.", MetricType::Gauge);
  for (std::size_t s = 0; s < states.size(); ++s)
    sheet::add(specialists, {{"state", std::string{state_names[s]}}}, states[s]);
  const auto& gauge = pool.gauge;
  out.one("greenroom_warm_hits_total", "Tasks that found their specialist warm.",
          MetricType::Counter, value(gauge.warm_hits));
  out.one("greenroom_cold_starts_total", "Tasks that had to wait for a start.",
          MetricType::Counter, value(gauge.cold_starts));
  out.one("greenroom_retries_total", "Attempts after the first one.", MetricType::Counter,
          value(gauge.retries));
  out.one("greenroom_prewarms_total", "Starts ahead of demand.", MetricType::Counter,
          value(gauge.prewarms));
  out.one("greenroom_prewarm_hits_total", "Starts ahead of demand that were then used.",
          MetricType::Counter, value(gauge.prewarm_hits));
  out.one("greenroom_evictions_total", "Workers stopped to make room.", MetricType::Counter,
          value(gauge.evictions));
  out.one("greenroom_cooldowns_total", "Workers stopped because they were idle.",
          MetricType::Counter, value(gauge.cooldowns));
  out.one("greenroom_worker_crashes_total", "Workers that died unasked.", MetricType::Counter,
          crashes);
  out.one("greenroom_worker_memory_bytes", "Proportional set size of all workers.",
          MetricType::Gauge, bytes);
}

}  // namespace

std::string node::metrics() const {
  const auto& in = *parts_;
  const auto& house = *in.house;
  const auto kind = in.desk->pool();
  const auto now = status();
  sheet out;
  write_tasks(out, house, kind);
  write_pool(out, house, kind);
  auto& shed = out.family("greenroom_shed_total", "Tasks refused at the door.",
                          MetricType::Counter);
  for (std::size_t i = 0; i < house.gauge.shed.size(); ++i)
    sheet::add(shed, {{"reason", std::string{machine::shed_reasons[i]}}},
               value(house.gauge.shed[i]));
  out.one("greenroom_tasks_accepted_total", "Tasks that were let in.", MetricType::Counter,
          value(house.gauge.accepted));
  out.one("greenroom_tasks_pending", "Accepted and not ended.", MetricType::Gauge,
          static_cast<double>(now.pending));
  out.one("greenroom_journal_commits_total", "Transactions of the journal.", MetricType::Counter,
          value(house.gauge.journal_commits));
  out.one("greenroom_journal_records_total", "Records written to the journal.",
          MetricType::Counter, value(house.gauge.journal_records));
  out.one("greenroom_journal_ok", "1 while the journal can be written.", MetricType::Gauge,
          house.gauge.journal_ok ? 1 : 0);
  out.one("greenroom_memory_efficiency_ratio",
          "1 - memory over time / memory over time had all been warm.", MetricType::Gauge,
          now.memory_efficiency);
  out.one("greenroom_uptime_seconds", "Since the node started.", MetricType::Gauge,
          static_cast<double>(now.uptime_ms) * 1e-3);
  return out.text();
}

}  // namespace greenroom
