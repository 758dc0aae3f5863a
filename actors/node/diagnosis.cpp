// What is wrong with a node, and what would help.
#include "actors/node/parts.hpp"
#include "actors/state/text.hpp"
#include "config/loader.hpp"
#include "protocols/base/duration.hpp"
#include "runtime/rollout/json_fields.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace greenroom {

namespace {

using content = actors::status_board::content;

/// Puts the means of the period in the place of the last check's values.
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

}  // namespace

std::optional<std::string> node::diagnose(std::string_view subject,
                                          std::optional<std::chrono::milliseconds> last) const {
  const actors::catalog_reader::scope reading;
  struct advice {
    std::string severity, text, change;
  };
  std::vector<advice> found;
  // Whoever asks hears the same judgement; the rest is what an operator can do about its subject.
  const auto now = status();
  const auto all = specialists();
  const auto config = configuration();
  const auto samples = parts_->shared->board.read([](const content& of) { return of.samples; });
  auto sample = samples[static_cast<std::size_t>(parts_->desk->pool())];
  if (last) {
    const auto& shared = *parts_->shared;
    const auto from_s =
        shared.clock.unix_s(shared.clock.now_ns()) - std::chrono::duration<double>{*last}.count();
    shared.samples.read([&](const runtime::monitoring::sample_history& kept) {
      average_over(sample, kept, from_s);
    });
  }
  const auto round = [](double value, int digits = 1) {
    char text[48];
    std::snprintf(text, sizeof text, "%.*f", digits, value);
    return std::string{text};
  };
  const auto percent = [&](double share) { return round(share * 100) + " %"; };
  // In the baseline everybody is warm on purpose: what it takes is not the pool's limits' doing.
  const bool always_warm = parts_->desk->pool() == protocols::pool_kind::baseline;
  if (subject == "memory") {
    if (always_warm)
      found.push_back(
          {"info",
           "the baseline answers and keeps all " + std::to_string(now.total) + " specialists warm",
           "greenroom rollout start moves to the intelligent pool, "
           "which keeps at most "
               + std::to_string(config.pool.max_warm) + " warm"});
    auto by_size = all;
    std::ranges::sort(by_size, std::greater{}, &specialist_view::memory_mb);
    if (sample.memory_use && *sample.memory_use > 0.8)
      found.push_back({*sample.memory_use > 0.9 ? "critical" : "warning",
                       percent(*sample.memory_use) + " of the memory budget is in use",
                       "pool.memory_budget_mb: " + round(now.memory_mb / 0.75, 0)
                           + " would leave a quarter free"});
    if (config.pool.memory_budget_mb <= 0 && !always_warm)
      found.push_back({"info",
                       "no memory limit is set, so nothing stops the pool at max_warm "
                           + std::to_string(config.pool.max_warm),
                       "set pool.memory_budget_mb"});
    if (const auto efficiency = now.pool_memory_efficiency;
        !always_warm && efficiency && *efficiency < 0.75 && now.total > 0)
      found.push_back({*efficiency < 0.2 ? "critical" : "warning",
                       "memory efficiency is " + percent(*efficiency) + "; expected: 75 % or more",
                       "pool.max_warm: " + std::to_string(std::max<std::size_t>(now.total / 5, 1))
                           + " (a fifth of the cast), or a shorter pool.cooldown than "
                           + std::to_string(config.pool.cooldown.count() / 1000) + " s"});
    double pinned = 0;
    for (const auto& one : all)
      if (one.pinned) pinned += one.memory_mb;
    if (pinned > 0 && pinned > now.memory_mb / 2)
      found.push_back(
          {"warning",
           "pinned specialists take " + round(pinned) + " of " + round(now.memory_mb) + " MB",
           "take pin away where a start does not hurt"});
    for (std::size_t i = 0; i < std::min<std::size_t>(3, by_size.size()); ++i)
      if (by_size[i].memory_measured && now.total > 0
          && by_size[i].memory_mb * static_cast<double>(now.total) > 3 * now.memory_always_warm_mb)
        found.push_back({"info",
                         by_size[i].name + " takes " + round(by_size[i].memory_mb)
                             + " MB, more than three times the mean",
                         "look into its worker"});
  } else if (subject == "warming") {
    if (sample.warm_hit_rate && *sample.warm_hit_rate < 0.68)
      found.push_back(
          {*sample.warm_hit_rate < 0.4 ? "critical" : "warning",
           "the warm hit rate is " + percent(*sample.warm_hit_rate) + "; expected: 68 % or more",
           "pool.max_warm: "
               + std::to_string(config.pool.max_warm
                                + std::max<std::size_t>(config.pool.max_warm / 5, 1))
               + ", or a longer pool.cooldown"});
    auto by_cold = all;
    std::ranges::sort(by_cold, std::greater{}, &specialist_view::cold_starts);
    for (std::size_t i = 0; i < std::min<std::size_t>(3, by_cold.size()); ++i) {
      const auto& one = by_cold[i];
      const auto seen = one.cold_starts + one.warm_hits;
      if (seen >= 10 && one.cold_starts * 2 > seen)
        found.push_back({"warning",
                         one.name + " was cold for " + std::to_string(one.cold_starts) + " of "
                             + std::to_string(seen) + " tasks, a start takes "
                             + round(one.start_ms, 0) + " ms",
                         "pin it, or raise its priority"});
    }
    if (sample.prediction_accuracy && *sample.prediction_accuracy < 0.5)
      found.push_back(
          {"warning",
           "only " + percent(*sample.prediction_accuracy)
               + " of the starts ahead of demand were used",
           "pool.warm_threshold: " + round(std::min(0.6, config.pool.warm_threshold + 0.1), 2)});
    // A place that is kept for much longer than a start takes makes the next one wait for nothing.
    double starts_ms = 0;
    std::size_t started = 0;
    for (const auto& one : all)
      if (one.start_ms > 0) {
        starts_ms += one.start_ms;
        ++started;
      }
    const auto start_ms = started > 0 ? starts_ms / static_cast<double>(started) : 0;
    constexpr double worth_keeping = 4;
    if (const auto kept = config.pool.min_residency;
        kept && !always_warm && started > 0
        && config.pool.max_warm<now.total&& static_cast<double>(kept->count())> worth_keeping
               * start_ms)
      found.push_back({"warning",
                       "a warm slot is kept for pool.min_residency, " + base::format_duration(*kept)
                           + ", although a start takes " + round(start_ms, 0)
                           + " ms: tasks for others wait that long",
                       "pool.min_residency: auto (twice the measured start time, at most 2s)"});
    for (const auto& one : all) {
      const auto who = parts_->shared->catalogs.now().find(one.name);
      if (who == actors::catalog::nobody) continue;
      const auto& worker = parts_->shared->catalogs.now().members[who].config.backend;
      if (worker.task_timeout && one.start_ms >= static_cast<double>(worker.task_timeout->count()))
        found.push_back(
            {"critical",
             one.name + " takes " + round(one.start_ms, 0)
                 + " ms to start, and its backend.task_timeout is "
                 + base::format_duration(*worker.task_timeout)
                 + ": whoever waits for a start gets a 504",
             "leave backend.task_timeout out, or make it longer than a start and a run"});
    }
  } else if (subject == "errors") {
    if (sample.error_rate && *sample.error_rate > 0.02)
      found.push_back({*sample.error_rate > 0.10 ? "critical" : "warning",
                       percent(*sample.error_rate) + " of the latest "
                           + std::to_string(sample.tasks) + " tasks failed",
                       "see the specialists below; greenroom rollback --reason … brings the "
                       "always-warm pool back"});
    auto by_bad = all;
    std::ranges::sort(by_bad, std::greater{}, &specialist_view::failures);
    for (std::size_t i = 0; i < std::min<std::size_t>(5, by_bad.size()); ++i)
      if (by_bad[i].failures > 0)
        found.push_back({"warning",
                         by_bad[i].name + " failed " + std::to_string(by_bad[i].failures) + " of "
                             + std::to_string(by_bad[i].tasks) + " tasks",
                         "greenroom tasks --specialist " + by_bad[i].name + " --state failed"});
    for (const auto& one : all) {
      if (one.state == worker_state::failed)
        found.push_back(
            {"critical", "the worker of " + one.name + " cannot be started: " + one.last_error,
             "mend its backend and send SIGHUP, or try it with greenroom warm " + one.name});
      if (one.circuit_open)
        // As the alert on it is graded: it closes by itself when the worker answers again.
        found.push_back({"warning", "the circuit of " + one.name + " is open",
                         "its worker fails again and again; see greenroom events"});
      // It is noticed that it says nothing only when the task has no time left for another.
      const auto& members = parts_->shared->catalogs.now().members;
      const auto same = std::ranges::find_if(
          members, [&](const auto& each) { return !each.gone && each.config.name == one.name; });
      if (one.failures > 0 && same != members.end() && !same->config.fallback.empty()
          && same->config.backend.attempt_timeout.count() == 0)
        found.push_back({"info",
                         one.name + " has the fallback " + same->config.fallback
                             + ", which is asked too late when " + one.name + " just is silent",
                         "backend.attempt_timeout: at most half of its task_timeout, "
                             + std::to_string(same->config.backend.task_timeout
                                                  .value_or(config::task_timeout_default)
                                                  .count()
                                              / 2)
                             + " ms"});
      if (one.restarts > 3)
        found.push_back({"warning",
                         "the worker of " + one.name + " died " + std::to_string(one.restarts)
                             + " times"
                             + (one.last_error.empty() ? "" : ", the last time: " + one.last_error),
                         "look at its stderr in the log"});
    }
    const auto shed = now.shed;
    if (shed > 0)
      found.push_back({"info", std::to_string(shed) + " requests were refused at the door",
                       "greenroom metrics shows the reasons in greenroom_shed_total"});
  } else if (subject == "performance") {
    if (now.queue_depth > 5)
      found.push_back(
          {now.queue_depth > 25 ? "critical" : "warning",
           std::to_string(now.queue_depth) + " tasks wait or run; fewer than 5 wait usually",
           "raise backend.concurrency of the busiest, or pool.max_warm"});
    if (sample.response_mean_ms && *sample.response_mean_ms > 2000)
      found.push_back({*sample.response_mean_ms > 5000 ? "critical" : "warning",
                       "the mean response takes " + round(*sample.response_mean_ms, 0) + " ms",
                       "greenroom diagnose warming says whether cold starts are to blame"});
    if (sample.response_ratio && *sample.response_ratio > 2.5)
      found.push_back({"critical",
                       "responses take " + round(*sample.response_ratio)
                           + " times as long as in the baseline pool",
                       "pause the rollout, or roll back"});
    auto by_queue = all;
    std::ranges::sort(by_queue, std::greater{}, &specialist_view::queue_depth);
    for (std::size_t i = 0; i < std::min<std::size_t>(3, by_queue.size()); ++i)
      if (by_queue[i].queue_depth > 2)
        found.push_back({"warning",
                         std::to_string(by_queue[i].queue_depth) + " tasks wait for "
                             + by_queue[i].name + " (" + round(by_queue[i].run_ms, 0) + " ms each, "
                             + std::to_string(by_queue[i].concurrency) + " at a time)",
                         "raise its backend.concurrency"});
  } else {
    return std::nullopt;
  }
  // What makes the node less than well is named whatever was asked for; that of the subject first.
  const auto is_said = [&found](const std::string& text) {
    return std::ranges::any_of(found,
                               [&text](const advice& one) { return one.text.starts_with(text); });
  };
  for (const bool own : {true, false})
    for (const auto& one : now.reasons)
      if ((one.subject == subject) == own && !is_said(one.text))
        // It must not send people to where they are.
        found.push_back({one.severity, one.text,
                         one.change == "greenroom diagnose " + std::string{subject} ? std::string{}
                                                                                    : one.change});
  std::ranges::stable_sort(found, std::ranges::greater{}, [](const advice& one) {
    return one.severity == "critical" ? 2 : one.severity == "warning" ? 1 : 0;
  });
  const bool healthy = now.status == "HEALTHY" && std::ranges::all_of(found, [](const advice& one) {
                         return one.severity == "info";
                       });
  using actors::json_array, actors::json_object;
  const json_array factors{
      now.factors, [](const auto& one) {
        return json_object{{"name", one.name}, {"value", one.value}, {"factor", one.factor}};
      }};
  const json_array findings{found, [](const advice& one) {
                              return json_object{{"severity", one.severity},
                                                 {"finding", one.text},
                                                 {"change", one.change}};
                            }};
  return json_object{{"subject", subject},
                     {"status", now.status},
                     {"healthy", healthy},
                     {"alerts", now.alerts},
                     {"health_score", now.health_score},
                     {"factors", factors},
                     {"findings", findings}};
}

}  // namespace greenroom
