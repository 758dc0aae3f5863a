// What a node says of itself: tasks, specialists, health, exported state.
#include "actors/monitoring/pool_sampler.hpp"
#include "actors/node/parts.hpp"
#include "actors/pooling/memory_sampler.hpp"
#include "actors/state/task_times.hpp"
#include "actors/state/text.hpp"
#include "actors/state/units.hpp"
#include "config/words.hpp"
#include "runtime/monitoring/judgement.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include "actors/supervision/hand_out.hpp"

namespace greenroom {

using protocols::pool_kind, protocols::task;

namespace {

std::uint64_t of(const std::array<machine::counter, machine::task_outcomes>& ends,
                 machine::task_outcome which) {
  return machine::count_of(ends[static_cast<std::size_t>(which)]);
}

}  // namespace

task_view view_of(const task& done, std::string specialist, std::string department,
                  with_output how) {
  task_view result;
  if (done.ended()) result.upstream = done.upstream();
  result.id = done.id;
  result.state = done.state.load(std::memory_order_acquire);
  result.specialist = std::move(specialist);
  result.department = std::move(department);
  result.urgency = done.urgency;
  result.cold_start = done.cold_start;
  result.attempts = done.attempts;
  result.served_by = done.pool;
  result.accepted_unix_ms = done.accepted_unix_ms;
  // The rest is written before the state says that it is there.
  if (!done.ended()) return result;
  result.why = done.why;
  result.retry_after = std::chrono::milliseconds{done.retry_after_ms};
  if (how == with_output::yes) {
    result.output = done.output;
    result.output_bytes = done.output.size();
  }
  result.unwritten = done.unwritten.load(std::memory_order_acquire);
  actors::tell_times(done, result);
  result.ended_unix_ms = done.accepted_unix_ms + (done.ended_ns - done.accepted_ns) / 1'000'000;
  return result;
}

task_view view_of(const machine::stored_task& stored) {
  task_view result;
  result.id = stored.accepted.id;
  result.state = stored.state;
  result.specialist = stored.accepted.specialist;
  result.department = stored.accepted.department;
  result.urgency = stored.accepted.urgency;
  result.accepted_unix_ms = stored.accepted.accepted_unix_ms;
  result.attempts = stored.attempts;
  if (!stored.ended) return result;
  const auto& end = *stored.ended;
  result.state = end.state;
  result.why = end.why;
  result.output = end.output;
  result.output_bytes = stored.output_left_out ? stored.output_bytes : end.output.size();
  result.output_left_out = stored.output_left_out;
  result.cold_start = end.cold_start;
  result.attempts = end.attempts;
  result.served_by = end.pool;
  result.ended_unix_ms = end.ended_unix_ms;
  result.queue_ms = end.queue_ms;
  result.start_ms = end.start_ms;
  result.run_ms = end.run_ms;
  result.total_ms = end.total_ms;
  return result;
}

node_view node::status() const {
  const actors::catalog_reader::scope reading;
  const auto& in = *parts_;
  const auto& shared = *in.shared;
  const auto& playing = shared.catalogs.now();
  const auto kind = in.desk->pool();
  const auto& pool = shared.pools.of(kind);
  node_view result;
  for (std::uint32_t i = 0; i < playing.members.size(); ++i) {
    if (playing.members[i].gone) continue;
    const auto& record = pool.specialists[i];
    const auto& gauge = record.gauge;
    ++result.total;
    if (kind == pool_kind::baseline || playing.members[i].config.pin) {
      ++result.kept_warm;
      const auto state = gauge.state.load(std::memory_order_relaxed);
      const auto up = is_up(state);
      if (!up && record.failed_starts.load(std::memory_order_relaxed) > 0) {
        if (result.kept_down++ == 0) {
          result.down_name = playing.members[i].config.name;
          result.down_why = record.last_error.read([](const std::string& of) { return of; });
        }
      }
    }
    switch (gauge.state.load(std::memory_order_relaxed)) {
      case worker_state::warm: ++result.warm; break;
      case worker_state::busy:
        ++result.warm;
        ++result.busy;
        break;
      case worker_state::warming: ++result.warming; break;
      case worker_state::failed: ++result.failed; break;
      default: break;
    }
    // Whoever answers, the workers of either pool cost.
    for (const auto each : {pool_kind::intelligent, pool_kind::baseline}) {
      if (shared.pools.runs_old_definition(shared.catalogs.now(), each, i))
        ++result.old_definitions;
      const auto& its = shared.pools.of(each).specialists[i].gauge;
      result.memory_mb += static_cast<double>(its.memory_bytes.load(std::memory_order_relaxed))
                          / actors::bytes_per_mb;
      result.cpu_share += actors::cpu_share_of(its);
    }
  }
  result.generation = playing.generation;
  result.memory_always_warm_mb =
      actors::always_warm_bytes(actors::hand_out<actors::sampler_parts>(*in.shared))
      / actors::bytes_per_mb;
  result.memory_efficiency = shared.memory.all.efficiency().value_or(0);
  if (shared.routes.now().routes != runtime::rollout::mode::fallback)
    result.pool_memory_efficiency = shared.memory.intelligent.efficiency();
  result.max_warm = kind == pool_kind::baseline ? result.total : playing.config.pool.max_warm;
  const auto times = pool.gauge.times();
  std::uint64_t count = 0;
  for (const auto one : times) count += one;
  if (count > 0)
    result.average_response_ms = static_cast<double>(pool.gauge.time_sum_ns()) * actors::ms_per_ns
                                 / static_cast<double>(count);
  result.p50_ms = machine::latency_histogram::quantile_ns(times, 0.50) * actors::ms_per_ns;
  result.p95_ms = machine::latency_histogram::quantile_ns(times, 0.95) * actors::ms_per_ns;
  result.p99_ms = machine::latency_histogram::quantile_ns(times, 0.99) * actors::ms_per_ns;
  const auto hits = machine::count_of(pool.gauge.warm_hits);
  result.cold_starts = machine::count_of(pool.gauge.cold_starts);
  if (hits + result.cold_starts > 0)
    result.warm_hit_rate =
        static_cast<double>(hits) / static_cast<double>(hits + result.cold_starts);
  result.retries = machine::count_of(pool.gauge.retries);
  for (std::size_t each = 0; each < actors::pools; ++each) {
    const auto ended = [&gauge = shared.pools.of(static_cast<pool_kind>(each)).gauge](auto how) {
      return gauge.ends(static_cast<std::size_t>(how));
    };
    result.completed += ended(machine::task_outcome::completed);
    result.failed_tasks +=
        ended(machine::task_outcome::failed) + ended(machine::task_outcome::timeout);
    result.cancelled += ended(machine::task_outcome::cancelled);
    result.unknown += ended(machine::task_outcome::unknown);
  }
  // Copies that were only compared are nobody's tasks.
  const auto& copies = shared.pools.mirror_ends;
  result.completed -= std::min(result.completed, of(copies, machine::task_outcome::completed));
  result.failed_tasks -=
      std::min(result.failed_tasks, of(copies, machine::task_outcome::failed)
                                        + of(copies, machine::task_outcome::timeout));
  result.cancelled -= std::min(result.cancelled, of(copies, machine::task_outcome::cancelled));
  result.unknown -= std::min(result.unknown, of(copies, machine::task_outcome::unknown));
  for (const auto& one : shared.gauge.shed) result.shed += machine::count_of(one);
  const auto share_of = [](std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? std::optional<double>{}
                      : std::min(1.0, static_cast<double>(part) / static_cast<double>(whole));
  };
  std::uint64_t foreseen = 0;
  for (const auto which : {pool_kind::intelligent, pool_kind::baseline})
    foreseen += shared.pools.of(which).gauge.prewarm_hits.load();
  result.prediction_accuracy = share_of(foreseen, foreseen + shared.forecast.prewarm_wastes.load());
  result.workflow_detection =
      share_of(shared.forecast.workflows_found.load(), shared.forecast.workflows_run.load());
  // What was refused for what it asked is its caller's mistake.
  const auto bad =
      result.failed_tasks - std::min(result.failed_tasks, shared.ends.refused_callers());
  result.availability =
      share_of(result.completed, result.completed + bad + result.unknown + result.shed);
  result.accepted = shared.gauge.accepted();
  result.pending = result.accepted - std::min(result.accepted, shared.gauge.ended());
  result.queue_depth = shared.gauge.depth();
  result.uptime_ms = (shared.clock.now_ns() - in.started_ns) / 1'000'000;
  result.draining = shared.gauge.draining;
  result.journal_ok = shared.gauge.journal_ok;
  result.ready = !result.draining && !in.collapsed;
  runtime::monitoring::node_evidence evidence;
  const auto interval = std::chrono::duration<double>{playing.config.health_interval}.count();
  // As the journaled actors tell the time: somebody may have set the wall clock since the node
  // started.
  const auto now_s = shared.clock.unix_s(shared.clock.now_ns());
  shared.board.read([&](const actors::status_board::content& board) {
    if (board.checked_at_s > 0) evidence.health = board.health;
    evidence.firing = board.firing;
    if (board.rollout && board.rollout->stands() == runtime::rollout::standing::rolled_back)
      result.way_back = board.rollout->way_back();
    evidence.rolling_back = !board.rollbacks.empty() && !board.rollbacks.back().plan.finished();
    evidence.blind = board.checked_at_s > 0 && now_s - board.checked_at_s > 3 * interval + 1;
    result.last_check_unix_ms = static_cast<std::int64_t>(board.checked_at_s * 1000);
  });
  if (result.last_check_unix_ms == 0)
    result.last_check_unix_ms = static_cast<std::int64_t>(now_s * 1000);
  evidence.draining = result.draining;
  evidence.collapsed = in.collapsed;
  evidence.journal_lost = shared.journal.on && !result.journal_ok;
  evidence.failed = result.failed;
  const auto judged = judge_node(evidence);
  result.status = name_of(judged.status);
  result.health_score = judged.health;
  result.alerts = judged.alerts;
  for (const auto& one : judged.reasons)
    result.reasons.push_back(
        {std::string{name_of(one.about)}, std::string{name_of(one.level)}, one.text, one.change});
  for (const auto& one : evidence.health.factors)
    result.factors.push_back({one.name, one.value, one.factor});
  return result;
}

namespace {

specialist_view view_of_specialist(const actors::node_state& shared, pool_kind kind,
                                   std::uint32_t who) {
  const auto& playing = shared.catalogs.now();
  const auto& one = playing.members[who];
  const auto& gauge = shared.pools.of(kind).specialists[who].gauge;
  specialist_view result;
  result.name = one.config.name;
  result.department = playing.departments[one.department];
  result.priority = config::word_of(one.config.priority);
  result.state = gauge.state.load(std::memory_order_relaxed);
  result.pid = gauge.pid.load(std::memory_order_relaxed);
  const auto bytes = gauge.memory_bytes.load(std::memory_order_relaxed);
  const auto seen = gauge.memory_seen_bytes.load(std::memory_order_relaxed);
  result.memory_measured = bytes > 0 || seen > 0;
  result.memory_mb = bytes > 0  ? static_cast<double>(bytes) / actors::bytes_per_mb
                     : seen > 0 ? static_cast<double>(seen) / actors::bytes_per_mb
                                : one.config.memory_mb;
  result.cpu_share = actors::cpu_share_of(gauge);
  result.running = gauge.running.load(std::memory_order_relaxed);
  const auto depth = gauge.depth();
  result.queue_depth = depth - std::min<std::size_t>(depth, result.running);
  result.concurrency = one.config.backend.concurrency;
  for (const auto& end : gauge.ends) result.tasks += machine::count_of(end);
  result.failures = of(gauge.ends, machine::task_outcome::failed)
                    + of(gauge.ends, machine::task_outcome::timeout);
  result.cold_starts = machine::count_of(gauge.cold_starts);
  result.warm_hits = machine::count_of(gauge.warm_hits);
  result.restarts = machine::count_of(gauge.crashes);
  result.skipped_lines = machine::count_of(gauge.stray_lines);
  result.start_ms =
      static_cast<double>(gauge.start_ns.load(std::memory_order_relaxed)) * actors::ms_per_ns;
  result.run_ms =
      static_cast<double>(gauge.run_ns.load(std::memory_order_relaxed)) * actors::ms_per_ns;
  result.pinned = one.config.pin;
  result.circuit_open = gauge.open_until_ns.load(std::memory_order_relaxed) > shared.clock.now_ns();
  result.last_error = shared.pools.of(kind).specialists[who].last_error.read(
      [](const std::string& text) { return text; });
  for (const auto each : {pool_kind::intelligent, pool_kind::baseline})
    result.old_definition =
        result.old_definition || shared.pools.runs_old_definition(shared.catalogs.now(), each, who);
  return result;
}

}  // namespace

std::vector<specialist_view> node::specialists() const {
  const actors::catalog_reader::scope reading;
  const auto& members = parts_->shared->catalogs.now().members;
  std::vector<specialist_view> result;
  for (std::uint32_t i = 0; i < members.size(); ++i)
    if (!members[i].gone)
      result.push_back(view_of_specialist(*parts_->shared, parts_->desk->pool(), i));
  return result;
}

std::variant<specialist_view, refusal> node::specialist(std::string_view name) const {
  const actors::catalog_reader::scope reading;
  auto found = parts_->desk->find(name);
  if (auto* none = std::get_if<refusal>(&found)) return std::move(*none);
  return view_of_specialist(*parts_->shared, parts_->desk->pool(), std::get<0>(found));
}

std::variant<std::vector<worker_line>, refusal> node::worker_lines(std::string_view specialist,
                                                                   std::uint64_t after,
                                                                   std::size_t most) const {
  const actors::catalog_reader::scope reading;
  auto found = parts_->desk->find(specialist);
  if (auto* none = std::get_if<refusal>(&found)) return std::move(*none);
  return parts_->lines.of(parts_->shared->catalogs.now().name_of(std::get<0>(found)), after, most);
}

std::string node::export_state() const {
  const auto now = status();
  using actors::json_array, actors::json_object;
  const json_array cast{specialists(), [](const auto& one) {
                          return json_object{{"name", one.name},
                                             {"state", to_string(one.state)},
                                             {"tasks", one.tasks},
                                             {"cold_starts", one.cold_starts}}
                              .raw("memory_mb", std::to_string(one.memory_mb))
                              .raw("start_ms", std::to_string(one.start_ms))
                              .raw("run_ms", std::to_string(one.run_ms));
                        }};
  return json_object{{"version", 1},
                     {"exported_unix_ms", parts_->shared->clock.unix_ms()},
                     {"accepted", now.accepted},
                     {"pending", now.pending},
                     {"specialists", cast}};
}

}  // namespace greenroom
