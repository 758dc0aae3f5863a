// The state of a node as a whole: status, health and export.
#include "actors/monitoring/pool_sampler.hpp"
#include "actors/node/parts.hpp"
#include "actors/node/specialist_json.hpp"
#include "actors/pooling/memory_sampler.hpp"
#include "actors/state/text.hpp"
#include "actors/state/units.hpp"
#include "actors/supervision/hand_out.hpp"
#include "runtime/monitoring/judgement.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace greenroom {

using protocols::pool_kind;

namespace {

std::uint64_t of(const std::array<machine::counter, machine::task_outcome_count>& ends,
                 machine::task_outcome which) {
  return machine::count_of(ends[static_cast<std::size_t>(which)]);
}

std::optional<double> share_of(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return std::nullopt;
  return std::min(1.0, static_cast<double>(part) / static_cast<double>(whole));
}

/// Fills a node_view, subject by subject. @pre A `catalog_reader::scope` is open.
class status_reader {
public:
  explicit status_reader(const node::parts& in)
      : in_{in},
        state_{*in.state},
        catalog_{in.state->catalogs.now()},
        kind_{in.admission->pool()},
        pool_{in.state->pools.of(kind_)} {}

  node_view read() && {
    result_.generation = catalog_.generation;
    result_.uptime_ms = (state_.clock.now_ns() - in_.started_ns) / 1'000'000;
    result_.draining = state_.gauge.draining;
    result_.journal_ok = state_.gauge.journal_ok;
    result_.ready = !result_.draining && !in_.collapsed;
    count_specialists();
    read_memory();
    read_responses();
    count_tasks();
    read_quality();
    judge();
    return std::move(result_);
  }

private:
  void count_specialists() {
    for (std::uint32_t i = 0; i < catalog_.members.size(); ++i) {
      if (catalog_.members[i].gone) continue;
      ++result_.total;
      const auto state = pool_.specialists[i].gauge.state.load(std::memory_order_relaxed);
      const bool up = is_up(state);
      if (up) ++result_.warm;
      if (state == worker_state::busy) ++result_.busy;
      if (state == worker_state::warming) ++result_.warming;
      if (state == worker_state::failed) ++result_.failed;
      if (kind_ == pool_kind::baseline || catalog_.members[i].config.pin) count_kept_warm(i, up);
      for (const auto each : {pool_kind::intelligent, pool_kind::baseline})
        if (state_.pools.runs_old_definition(catalog_, each, i)) ++result_.old_definitions;
    }
    result_.max_warm = kind_ == pool_kind::baseline ? result_.total : catalog_.config.pool.max_warm;
  }

  void count_kept_warm(std::uint32_t which, bool up) {
    ++result_.kept_warm;
    const auto& record = pool_.specialists[which];
    if (up || record.failed_starts.load(std::memory_order_relaxed) == 0) return;
    if (result_.kept_down++ > 0) return;
    result_.down_name = catalog_.members[which].config.name;
    result_.down_why = record.last_error.read([](const std::string& text) { return text; });
  }

  /// The workers of both pools take memory, whichever pool answers.
  void read_memory() {
    for (std::uint32_t i = 0; i < catalog_.members.size(); ++i) {
      if (catalog_.members[i].gone) continue;
      for (const auto each : {pool_kind::intelligent, pool_kind::baseline}) {
        const auto& gauge = state_.pools.of(each).specialists[i].gauge;
        result_.memory_mb += static_cast<double>(gauge.memory_bytes.load(std::memory_order_relaxed))
                             / actors::bytes_per_mb;
        result_.cpu_share += actors::cpu_share_of(gauge);
      }
    }
    result_.memory_always_warm_mb =
        actors::always_warm_bytes(actors::hand_out<actors::sampler_parts>(*in_.state))
        / actors::bytes_per_mb;
    result_.memory_efficiency = state_.memory.all.efficiency().value_or(0);
    if (state_.routes.now().routes != runtime::rollout::mode::fallback)
      result_.pool_memory_efficiency = state_.memory.intelligent.efficiency();
  }

  void read_responses() {
    const auto times = pool_.gauge.times();
    std::uint64_t count = 0;
    for (const auto one : times) count += one;
    if (count > 0)
      result_.average_response_ms = static_cast<double>(pool_.gauge.time_sum_ns())
                                    * actors::ms_per_ns / static_cast<double>(count);
    using machine::latency_histogram;
    result_.p50_ms = latency_histogram::quantile_ns(times, 0.50) * actors::ms_per_ns;
    result_.p95_ms = latency_histogram::quantile_ns(times, 0.95) * actors::ms_per_ns;
    result_.p99_ms = latency_histogram::quantile_ns(times, 0.99) * actors::ms_per_ns;
    result_.cold_starts = machine::count_of(pool_.gauge.cold_starts);
    const auto hits = machine::count_of(pool_.gauge.warm_hits);
    result_.warm_hit_rate = share_of(hits, hits + result_.cold_starts).value_or(0);
    result_.retries = machine::count_of(pool_.gauge.retries);
  }

  /// The tasks of both pools, without the copies that were only compared.
  void count_tasks() {
    using enum machine::task_outcome;
    const auto ended = [this](machine::task_outcome how) {
      std::uint64_t count = 0;
      for (std::size_t each = 0; each < actors::pool_count; ++each)
        count +=
            state_.pools.of(static_cast<pool_kind>(each)).gauge.ends(static_cast<std::size_t>(how));
      return count;
    };
    const auto& copies = state_.pools.shadow_ends;
    const auto without = [](std::uint64_t all, std::uint64_t some) {
      return all - std::min(all, some);
    };
    result_.completed = without(ended(completed), of(copies, completed));
    result_.failed_tasks =
        without(ended(failed) + ended(timeout), of(copies, failed) + of(copies, timeout));
    result_.cancelled = without(ended(cancelled), of(copies, cancelled));
    result_.unknown = without(ended(unknown), of(copies, unknown));
    for (const auto& one : state_.gauge.shed) result_.shed += machine::count_of(one);
    result_.accepted = state_.gauge.accepted();
    result_.pending = without(result_.accepted, state_.gauge.ended());
    result_.queue_depth = state_.gauge.depth();
  }

  void read_quality() {
    std::uint64_t used = 0;
    for (const auto each : {pool_kind::intelligent, pool_kind::baseline})
      used += state_.pools.of(each).gauge.prewarm_hits.load();
    const auto& forecast = state_.forecast;
    result_.prediction_accuracy = share_of(used, used + forecast.prewarm_wastes.load());
    result_.workflow_detection =
        share_of(forecast.workflows_found.load(), forecast.workflows_run.load());
    // A task that was refused because of its content is its caller's mistake.
    const auto bad =
        result_.failed_tasks - std::min(result_.failed_tasks, state_.ends.refused_callers());
    result_.availability =
        share_of(result_.completed, result_.completed + bad + result_.unknown + result_.shed);
  }

  void judge() {
    runtime::monitoring::node_evidence evidence;
    const auto interval = std::chrono::duration<double>{catalog_.config.health_interval}.count();
    // The time as journaled actors tell it: the wall clock may have been set since the start.
    const auto now_s = state_.clock.unix_s(state_.clock.now_ns());
    state_.board.read([&](const actors::status_board::content& board) {
      if (board.checked_at_s > 0) evidence.health = board.health;
      evidence.firing = board.firing;
      if (board.rollout && board.rollout->stands() == runtime::rollout::standing::rolled_back)
        result_.way_back = board.rollout->way_back();
      evidence.rolling_back = !board.rollbacks.empty() && !board.rollbacks.back().plan.finished();
      evidence.blind = board.checked_at_s > 0 && now_s - board.checked_at_s > 3 * interval + 1;
      const auto checked_s = board.checked_at_s;
      result_.last_check_unix_ms = static_cast<std::int64_t>(checked_s * 1000);
    });
    if (result_.last_check_unix_ms == 0)
      result_.last_check_unix_ms = static_cast<std::int64_t>(now_s * 1000);
    evidence.draining = result_.draining;
    evidence.collapsed = in_.collapsed;
    evidence.journal_lost = state_.journal.on && !result_.journal_ok;
    evidence.failed = result_.failed;
    const auto judged = judge_node(evidence);
    result_.status = name_of(judged.status);
    result_.health_score = judged.health;
    result_.alerts = judged.alerts;
    for (const auto& one : judged.reasons)
      result_.reasons.push_back(
          {std::string{name_of(one.about)}, std::string{name_of(one.level)}, one.text, one.change});
    for (const auto& one : evidence.health.factors)
      result_.factors.push_back({one.name, one.value, one.factor});
  }

  const node::parts& in_;
  const actors::node_state& state_;
  const actors::catalog& catalog_;
  const pool_kind kind_;
  const actors::pool_record& pool_;
  node_view result_;
};

}  // namespace

node_view node::status() const {
  const actors::catalog_reader::scope reading;
  return status_reader{*parts_}.read();
}

std::string node::identity() const { return parts_->identity; }

std::string node::export_state() const {
  const auto now = status();
  const auto cast = actors::to_json_array(specialists());
  return actors::json_object{{"version", 1},
                             {"exported_unix_ms", parts_->state->clock.unix_ms()},
                             {"accepted", now.accepted},
                             {"pending", now.pending},
                             {"specialists", base::json_raw{cast}}};
}

}  // namespace greenroom
