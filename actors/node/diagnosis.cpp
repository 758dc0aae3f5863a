// Findings about a node, and what would help.
#include "actors/node/parts.hpp"
#include "actors/state/text.hpp"
#include "protocols/base/duration.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <utility>

namespace greenroom {

namespace {

using content = actors::status_board::content;

/// Replaces the last check's values with the means over the period.
void average_over(runtime::monitoring::pool_sample& sample,
                  const runtime::monitoring::sample_history& kept, double from_s) {
  using runtime::monitoring::metric;
  const auto set = [&](metric what, std::optional<double>& to) {
    const auto sum = kept.summary(what, from_s);
    to = sum.points > 0 ? std::optional{sum.mean} : std::nullopt;
  };
  set(metric::memory_use, sample.memory_use);
  set(metric::memory_efficiency, sample.memory_efficiency);
  set(metric::error_rate, sample.error_rate);
  set(metric::success_rate, sample.success_rate);
  set(metric::warm_hit_rate, sample.warm_hit_rate);
  set(metric::cold_start_rate, sample.cold_start_rate);
  set(metric::prediction_accuracy, sample.prediction_accuracy);
  set(metric::response_mean_ms, sample.response_mean_ms);
  set(metric::response_p95_ms, sample.response_p95_ms);
  set(metric::response_p99_ms, sample.response_p99_ms);
  set(metric::response_ratio, sample.response_ratio);
}

std::string rounded(double value, int digits = 1) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}
std::string percent(double share) { return rounded(share * 100) + " %"; }

constexpr const char* critical = "critical";
constexpr const char* warning = "warning";
constexpr const char* info = "info";

/// The findings about one subject. @pre A `catalog_reader::scope` is open.
class diagnosis {
public:
  diagnosis(const node& of, const node::parts& in, std::string_view subject,
            std::optional<std::chrono::milliseconds> last)
      : subject_{subject},
        now_{of.status()},
        specialists_{of.specialists()},
        catalog_{in.state->catalogs.now()},
        pool_{catalog_.config.pool},
        always_warm_{in.admission->pool() == protocols::pool_kind::baseline} {
    const auto samples = in.state->board.read([](const content& board) { return board.samples; });
    sample_ = samples[static_cast<std::size_t>(in.admission->pool())];
    if (!last) return;
    const auto& clock = in.state->clock;
    const auto from_s = clock.unix_s(clock.now_ns()) - std::chrono::duration<double>{*last}.count();
    in.state->samples.read([&](const runtime::monitoring::sample_history& kept) {
      average_over(sample_, kept, from_s);
    });
  }

  base::expected<std::string> text() && {
    if (subject_ == "memory")
      memory();
    else if (subject_ == "warming")
      warming();
    else if (subject_ == "errors")
      errors();
    else if (subject_ == "performance")
      performance();
    else
      return base::problem{"no-such-diagnosis", "There are: memory, warming, errors, performance."};
    add_reasons_of_status();
    return json();
  }

private:
  struct advice {
    std::string severity, text, change;
  };

  void add(const char* severity, std::string text, std::string change) {
    found_.push_back({severity, std::move(text), std::move(change)});
  }
  /// The specialists with the largest values of `what`, at most `most`.
  template <class Value>
  [[nodiscard]] std::vector<specialist_view> top(Value specialist_view::*what,
                                                 std::size_t most) const {
    auto ranked = specialists_;
    std::ranges::sort(ranked, std::greater{}, what);
    ranked.resize(std::min(most, ranked.size()));
    return ranked;
  }
  [[nodiscard]] const config::specialist* settings_of(std::string_view name) const {
    const auto found = catalog_.find(name);
    return found == actors::catalog::nobody ? nullptr : &catalog_.members[found].config;
  }
  /// In the baseline every specialist is warm on purpose: the pool's limits do not apply.
  [[nodiscard]] bool limits_apply() const { return !always_warm_; }

  void memory();
  void large_workers();
  void warming();
  void slots_kept_too_long();
  void starts_longer_than_tasks();
  void errors();
  void failing_worker(const specialist_view& one);
  void late_fallback(const specialist_view& one);
  void performance();
  void add_reasons_of_status();
  [[nodiscard]] std::string json() const;

  const std::string_view subject_;
  const node_view now_;
  const std::vector<specialist_view> specialists_;
  const actors::catalog& catalog_;
  const config::pool& pool_;
  const bool always_warm_;
  runtime::monitoring::pool_sample sample_;
  std::vector<advice> found_;
};

void diagnosis::memory() {
  if (always_warm_)
    add(info,
        "the baseline answers and keeps all " + std::to_string(now_.total) + " specialists warm",
        "greenroom rollout start moves to the intelligent pool, which keeps at most "
            + std::to_string(pool_.max_warm) + " warm");
  if (const auto use = sample_.memory_use; use && *use > 0.8)
    add(*use > 0.9 ? critical : warning, percent(*use) + " of the memory budget is in use",
        "pool.memory_budget_mb: " + rounded(now_.memory_mb / 0.75, 0)
            + " would leave a quarter free");
  if (pool_.memory_budget_mb <= 0 && limits_apply())
    add(info,
        "no memory limit is set, so nothing stops the pool at max_warm "
            + std::to_string(pool_.max_warm),
        "set pool.memory_budget_mb");
  if (const auto efficiency = now_.pool_memory_efficiency;
      limits_apply() && efficiency && *efficiency < 0.75 && now_.total > 0)
    add(*efficiency < 0.2 ? critical : warning,
        "memory efficiency is " + percent(*efficiency) + "; expected: 75 % or more",
        "pool.max_warm: " + std::to_string(std::max<std::size_t>(now_.total / 5, 1))
            + " (a fifth of the cast), or a pool.cooldown below "
            + std::to_string(pool_.cooldown.count() / 1000) + " s");
  large_workers();
}

void diagnosis::large_workers() {
  double pinned = 0;
  for (const auto& one : specialists_)
    if (one.pinned) pinned += one.memory_mb;
  if (pinned > 0 && pinned > now_.memory_mb / 2)
    add(warning,
        "pinned specialists take " + rounded(pinned) + " of " + rounded(now_.memory_mb) + " MB",
        "remove pin where a cold start is acceptable");
  for (const auto& one : top(&specialist_view::memory_mb, 3))
    if (one.memory_measured && now_.total > 0
        && one.memory_mb * static_cast<double>(now_.total) > 3 * now_.memory_always_warm_mb)
      add(info,
          one.name + " takes " + rounded(one.memory_mb) + " MB, more than three times the mean",
          "look into its worker");
}

void diagnosis::warming() {
  if (const auto rate = sample_.warm_hit_rate; rate && *rate < 0.68)
    add(*rate < 0.4 ? critical : warning,
        "the warm hit rate is " + percent(*rate) + "; expected: 68 % or more",
        "pool.max_warm: "
            + std::to_string(pool_.max_warm + std::max<std::size_t>(pool_.max_warm / 5, 1))
            + ", or a longer pool.cooldown");
  for (const auto& one : top(&specialist_view::cold_starts, 3)) {
    const auto seen = one.cold_starts + one.warm_hits;
    if (seen >= 10 && one.cold_starts * 2 > seen)
      add(warning,
          one.name + " was cold for " + std::to_string(one.cold_starts) + " of "
              + std::to_string(seen) + " tasks, a start takes " + rounded(one.start_ms, 0) + " ms",
          "pin it, or raise its priority");
  }
  if (const auto accuracy = sample_.prediction_accuracy; accuracy && *accuracy < 0.5)
    add(warning, "only " + percent(*accuracy) + " of the starts ahead of demand were used",
        "pool.warm_threshold: " + rounded(std::min(0.6, pool_.warm_threshold + 0.1), 2));
  slots_kept_too_long();
  starts_longer_than_tasks();
}

/// A slot that is kept for much longer than a start takes makes the next specialist wait.
void diagnosis::slots_kept_too_long() {
  double starts_ms = 0;
  std::size_t started = 0;
  for (const auto& one : specialists_) {
    if (one.start_ms <= 0) continue;
    starts_ms += one.start_ms;
    ++started;
  }
  if (!pool_.min_residency || always_warm_ || started == 0 || pool_.max_warm >= now_.total) return;
  constexpr double starts_worth_keeping = 4;
  const auto start_ms = starts_ms / static_cast<double>(started);
  const auto kept_ms = static_cast<double>(pool_.min_residency->count());
  if (kept_ms <= starts_worth_keeping * start_ms) return;
  add(warning,
      "a warm slot is kept for pool.min_residency, " + base::format_duration(*pool_.min_residency)
          + ", although a start takes " + rounded(start_ms, 0)
          + " ms: tasks for others wait that long",
      "pool.min_residency: auto (twice the measured start time, at most 2s)");
}

void diagnosis::starts_longer_than_tasks() {
  for (const auto& one : specialists_) {
    const auto* const settings = settings_of(one.name);
    if (settings == nullptr || !settings->backend.task_timeout) continue;
    const auto timeout = *settings->backend.task_timeout;
    if (one.start_ms < static_cast<double>(timeout.count())) continue;
    add(critical,
        one.name + " takes " + rounded(one.start_ms, 0)
            + " ms to start, and its backend.task_timeout is " + base::format_duration(timeout)
            + ": a task that waits for a start gets a 504",
        "leave backend.task_timeout out, or make it longer than a start and a run");
  }
}

void diagnosis::errors() {
  if (const auto rate = sample_.error_rate; rate && *rate > 0.02)
    add(*rate > 0.10 ? critical : warning,
        percent(*rate) + " of the latest " + std::to_string(sample_.tasks) + " tasks failed",
        "see the specialists below; greenroom rollback --reason … brings the always-warm pool "
        "back");
  for (const auto& one : top(&specialist_view::failures, 5))
    if (one.failures > 0)
      add(warning,
          one.name + " failed " + std::to_string(one.failures) + " of " + std::to_string(one.tasks)
              + " tasks",
          "greenroom tasks --specialist " + one.name + " --state failed");
  for (const auto& one : specialists_) failing_worker(one);
  if (now_.shed > 0)
    add(info, std::to_string(now_.shed) + " requests were refused before a queue",
        "greenroom metrics shows the reasons in greenroom_shed_total");
}

void diagnosis::failing_worker(const specialist_view& one) {
  if (one.state == worker_state::failed)
    add(critical, "the worker of " + one.name + " cannot be started: " + one.last_error,
        "correct its backend, then greenroom reload; greenroom warm " + one.name + " tries it now");
  // The same severity as the alert: the circuit closes by itself when the worker answers again.
  if (one.circuit_open)
    add(warning, "the circuit of " + one.name + " is open",
        "its worker fails again and again; see greenroom events");
  late_fallback(one);
  if (one.restarts > 3)
    add(warning,
        "the worker of " + one.name + " died " + std::to_string(one.restarts) + " times"
            + (one.last_error.empty() ? "" : ", the last time: " + one.last_error),
        "greenroom logs " + one.name);
}

/// Without a timeout for an attempt, a silent worker is noticed only when the task has no time left
/// for the fallback.
void diagnosis::late_fallback(const specialist_view& one) {
  const auto* const settings = settings_of(one.name);
  if (one.failures == 0 || settings == nullptr || settings->fallback.empty()
      || settings->backend.attempt_timeout.count() != 0)
    return;
  const auto timeout = settings->backend.task_timeout.value_or(config::task_timeout_default);
  add(info,
      one.name + " has the fallback " + settings->fallback + ", which is asked too late when "
          + one.name + " just is silent",
      "backend.attempt_timeout: at most half of its task_timeout, "
          + std::to_string(timeout.count() / 2) + " ms");
}

void diagnosis::performance() {
  if (now_.queue_depth > 5)
    add(now_.queue_depth > 25 ? critical : warning,
        std::to_string(now_.queue_depth) + " tasks wait or run; usually at most 5",
        "raise backend.concurrency of the busiest, or pool.max_warm");
  if (const auto mean = sample_.response_mean_ms; mean && *mean > 2000)
    add(*mean > 5000 ? critical : warning, "the mean response time is " + rounded(*mean, 0) + " ms",
        "greenroom diagnose warming says whether cold starts are to blame");
  if (const auto ratio = sample_.response_ratio; ratio && *ratio > 2.5)
    add(critical, "responses take " + rounded(*ratio) + " times as long as in the baseline pool",
        "pause the rollout, or roll back");
  for (const auto& one : top(&specialist_view::queue_depth, 3))
    if (one.queue_depth > 2)
      add(warning,
          std::to_string(one.queue_depth) + " tasks wait for " + one.name + " ("
              + rounded(one.run_ms, 0) + " ms each, " + std::to_string(one.concurrency)
              + " at a time)",
          "raise its backend.concurrency");
}

/// Every reason of the node's status is listed, whatever the subject; reasons of the subject first.
void diagnosis::add_reasons_of_status() {
  const auto is_listed = [this](const std::string& text) {
    return std::ranges::any_of(found_,
                               [&text](const advice& one) { return one.text.starts_with(text); });
  };
  const auto this_page = "greenroom diagnose " + std::string{subject_};
  for (const bool own : {true, false})
    for (const auto& one : now_.reasons)
      if ((one.subject == subject_) == own && !is_listed(one.text))
        found_.push_back(
            {one.severity, one.text, one.change == this_page ? std::string{} : one.change});
  std::ranges::stable_sort(found_, std::ranges::greater{}, [](const advice& one) {
    return one.severity == critical ? 2 : one.severity == warning ? 1 : 0;
  });
}

std::string diagnosis::json() const {
  const bool healthy =
      now_.status == "HEALTHY"
      && std::ranges::all_of(found_, [](const advice& one) { return one.severity == info; });
  using actors::json_array, actors::json_object;
  const json_array factors{
      now_.factors, [](const auto& one) {
        return json_object{{"name", one.name}, {"value", one.value}, {"factor", one.factor}};
      }};
  const json_array findings{found_, [](const advice& one) {
                              return json_object{{"severity", one.severity},
                                                 {"finding", one.text},
                                                 {"change", one.change}};
                            }};
  return json_object{{"subject", subject_},
                     {"status", now_.status},
                     {"healthy", healthy},
                     {"alerts", now_.alerts},
                     {"health_score", now_.health_score},
                     {"factors", factors},
                     {"findings", findings}};
}

}  // namespace

base::expected<std::string> node::diagnose(std::string_view subject,
                                           std::optional<std::chrono::milliseconds> last) const {
  const actors::catalog_reader::scope reading;
  return diagnosis{*this, *parts_, subject, last}.text();
}

}  // namespace greenroom
