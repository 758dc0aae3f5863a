// Rollout, rollback and what the watchers know, for those who ask a node.
#include "actors/monitor.hpp"
#include "actors/node_parts.hpp"
#include "actors/rollback.hpp"
#include "actors/rollout.hpp"
#include "actors/root.hpp"
#include "actors/text.hpp"
#include "runtime/monitoring/node_status.hpp"
#include "runtime/rollout/deployment_report.hpp"
#include "runtime/rollout/json_fields.hpp"

#include <algorithm>
#include <utility>

namespace greenroom {

using protocols::pool_kind;
using runtime::rollout::rollout_plan;

namespace {

using content = actors::watch_board::content;

std::string number(double value) { return runtime::rollout::json_text(value); }
std::string number(std::optional<double> value) { return value ? number(*value) : "null"; }

std::string arm_json(const runtime::rollout::arm& one) {
  return "{\"tasks\":" + std::to_string(one.tasks) + ",\"errors\":" + std::to_string(one.errors)
         + ",\"error_rate\":" + number(one.error_rate()) + ",\"mean_ms\":"
         + number(one.latency_ms.mean()) + ",\"p50_ms\":" + number(one.latency_ms.quantile(0.5))
         + ",\"p95_ms\":" + number(one.latency_ms.quantile(0.95))
         + ",\"p99_ms\":" + number(one.latency_ms.quantile(0.99)) + "}";
}

std::string shadow_json(const actors::mirror::figures& shadow) {
  std::string drops;
  for (std::size_t i = 0; i < shadow.drops.size(); ++i)
    drops += (drops.empty() ? "\"" : ",\"")
             + std::string{name_of(static_cast<runtime::rollout::mirror_drop>(i))}
             + "\":" + std::to_string(shadow.drops[i]);
  std::string fields;
  constexpr std::size_t shown = 20;
  for (std::size_t i = 0; i < std::min(shown, shadow.differences.size()); ++i) {
    const auto& one = shadow.differences[i];
    fields += (fields.empty() ? "" : ",");
    fields += "{\"specialist\":" + actors::json_text(one.specialist) + ",\"field\":"
              + actors::json_text(one.field) + ",\"compared\":" + std::to_string(one.compared)
              + ",\"differing\":" + std::to_string(one.differing)
              + ",\"noise\":" + std::to_string(one.noise_differing)
              + ",\"certain\":" + (one.certain ? "true" : "false") + "}";
  }
  return "{\"mirrored\":" + std::to_string(shadow.mirrored)
         + ",\"in_flight\":" + std::to_string(shadow.in_flight)
         + ",\"compared\":" + std::to_string(shadow.commands_compared)
         + ",\"differing\":" + std::to_string(shadow.commands_differing) + ",\"drops\":{" + drops
         + "},\"differences\":[" + fields + "]}";
}

// The JSON of a rollback with what was found out, which is stored as JSON too.
std::string face_json(const actors::rollback_face& one) {
  auto text = runtime::rollout::rollback_json(one.plan, std::nullopt);
  constexpr std::string_view nothing = "\"analysis\":null}";
  if (!one.analysis.empty() && text.ends_with(nothing))
    text.replace(text.size() - nothing.size(), nothing.size(),
                 "\"analysis\":" + one.analysis + "}");
  return text;
}

}  // namespace

void node::steer(actors::steering word) {
  using what = actors::steering::what;
  const bool back = word.verb == what::roll_back || word.verb == what::confirm
                    || word.verb == what::cancel || word.verb == what::verify;
  parts_->house->board.leave(
      back ? actors::watch_board::box::rollback : actors::watch_board::box::rollout,
      std::move(word));
  caf::anon_send(
      parts_->root, protocols::steer_atom::value,
      static_cast<std::uint32_t>(back ? actors::root_state::undoing : actors::root_state::rolling));
}

std::string node::rollout() const {
  const auto& house = *parts_->house;
  const auto plan = house.board.read([](const content& board) { return board.rollout; })
                        .value_or(rollout_plan{{}});
  const auto rules = house.routes.now();
  const bool back = house.routes.rolling_back.load();
  const auto count = actors::baseline_count(house);
  std::string result =
      "{\"phase\":" + actors::json_text(name_of(plan.at())) + ",\"mode\":"
      + actors::json_text(name_of(rules.routes)) + ",\"percentage\":" + number(rules.percentage)
      + ",\"standing\":" + actors::json_text(name_of(plan.stands()))
      + ",\"run\":" + std::to_string(plan.run()) + ",\"rolling_back\":" + (back ? "true" : "false")
      + ",\"held_s\":" + number(plan.held_s()) + ",\"hold_s\":" + number(plan.hold_wanted_s())
      + ",\"entered\":"
      + (plan.entered_at_s() > 0
             ? actors::json_text(runtime::monitoring::rfc3339(plan.entered_at_s()))
             : "null")
      + ",\"baseline\":{\"warm\":" + std::to_string(count.warm)
      + ",\"total\":" + std::to_string(count.all)
      + ",\"kept_warm\":" + (plan.baseline_must_be_warm() ? "true" : "false") + "}";
  result += ",\"judgement\":";
  if (const auto& last = plan.last_judgement()) {
    std::string findings;
    for (const auto& one : last->findings)
      findings += (findings.empty() ? "" : ",") + std::string{"{\"name\":"}
                  + actors::json_text(one.name)
                  + ",\"verdict\":" + actors::json_text(name_of(one.outcome))
                  + ",\"text\":" + actors::json_text(one.text) + "}";
    result += "{\"verdict\":" + actors::json_text(name_of(last->outcome)) + ",\"summary\":"
              + actors::json_text(last->summary()) + ",\"findings\":[" + findings + "]}";
  } else {
    result += "null";
  }
  result += ",\"evidence\":{\"baseline\":" + arm_json(plan.control())
            + ",\"intelligent\":" + arm_json(plan.canary()) + "}";
  result += ",\"shadow\":" + shadow_json(house.shadow.read()) + ",\"decisions\":[";
  // The newest last, as many as people look at.
  constexpr std::size_t shown = 50;
  const auto& all = plan.decisions();
  for (auto i = all.size() - std::min(all.size(), shown); i < all.size(); ++i) {
    if (!result.ends_with('[')) result += ',';
    result += decision_json(all[i]);
  }
  return result + "]}";
}

std::string node::rollbacks() const {
  const auto all = parts_->house->board.read([](const content& board) { return board.rollbacks; });
  std::string result = "{\"items\":[";
  for (auto at = all.rbegin(); at != all.rend(); ++at) {
    if (at != all.rbegin()) result += ',';
    result += face_json(*at);
  }
  return result + "]}";
}

std::optional<std::string> node::rollback(std::string_view id) const {
  const auto all = parts_->house->board.read([](const content& board) { return board.rollbacks; });
  if (all.empty()) return std::nullopt;
  if (id == "last") return face_json(all.back());
  for (const auto& one : all)
    if (std::to_string(one.plan.id()) == id) return face_json(one);
  return std::nullopt;
}

std::string node::alerts() const {
  struct lists {
    std::vector<runtime::monitoring::alert> firing, pending, history;
  };
  const auto all = parts_->house->board.read([](const content& board) {
    return lists{board.firing, board.pending, board.history};
  });
  std::string items;
  const auto add = [&items](const std::vector<runtime::monitoring::alert>& from) {
    for (const auto& one : from) items += (items.empty() ? "" : ",") + actors::alert_json(one);
  };
  add(all.firing);
  add(all.pending);
  add(all.history);
  return "[" + items + "]";
}

// -- diagnosis ----------------------------------------------------------------

std::optional<std::string> node::diagnose(std::string_view subject) const {
  struct advice {
    std::string severity, text, change;
  };
  std::vector<advice> found;
  const auto now = status();
  const auto all = specialists();
  const auto config = configuration();
  const auto board = parts_->house->board.read([](const content& of) {
    return std::pair{of.samples, of.health};
  });
  const auto& sample = board.first[static_cast<std::size_t>(parts_->desk->pool())];
  const auto round = [](double value, int digits = 1) {
    char text[48];
    std::snprintf(text, sizeof text, "%.*f", digits, value);
    return std::string{text};
  };
  const auto percent = [&](double share) { return round(share * 100) + " %"; };
  if (subject == "memory") {
    auto by_size = all;
    std::ranges::sort(by_size, std::greater{}, &specialist_view::memory_mb);
    if (sample.memory_use && *sample.memory_use > 0.8)
      found.push_back({*sample.memory_use > 0.9 ? "critical" : "warning",
                       percent(*sample.memory_use) + " of the memory budget is in use",
                       "pool.memory_budget_mb: " + round(now.memory_mb / 0.75, 0)
                           + " would leave a quarter free"});
    if (config.pool.memory_budget_mb <= 0)
      found.push_back({"info",
                       "no memory limit is set, so nothing stops the pool at max_warm "
                           + std::to_string(now.max_warm),
                       "set pool.memory_budget_mb"});
    if (now.memory_always_warm_mb > 0 && now.memory_efficiency < 0.75 && now.total > 0)
      found.push_back(
          {now.memory_efficiency < 0.2 ? "critical" : "warning",
           "memory efficiency is " + percent(now.memory_efficiency) + ", 75 % and more is usual",
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
    const auto arrivals =
        static_cast<double>(now.cold_starts) + static_cast<double>(now.warm_hit_rate) * 0;
    static_cast<void>(arrivals);
    if (sample.warm_hit_rate && *sample.warm_hit_rate < 0.68)
      found.push_back(
          {*sample.warm_hit_rate < 0.4 ? "critical" : "warning",
           "the warm hit rate is " + percent(*sample.warm_hit_rate) + ", 68 % and more is usual",
           "pool.max_warm: "
               + std::to_string(now.max_warm + std::max<std::size_t>(now.max_warm / 5, 1))
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
    std::size_t failed = 0;
    for (const auto& one : all)
      if (one.state == specialist_state::failed) ++failed;
    if (failed > 0)
      found.push_back({"critical", std::to_string(failed) + " specialists cannot be started",
                       "see greenroom diagnose errors"});
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
      if (one.circuit_open)
        found.push_back({"critical", "the circuit of " + one.name + " is open",
                         "its worker fails again and again; see greenroom events"});
      if (one.restarts > 3)
        found.push_back(
            {"warning",
             "the worker of " + one.name + " died " + std::to_string(one.restarts) + " times",
             "look at its stderr in the log"});
    }
    if (!now.journal_ok)
      found.push_back({"critical", "the journal cannot be written", "is the disk full?"});
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
  std::string factors;
  for (const auto& one : board.second.factors)
    factors += (factors.empty() ? "" : ",") + std::string{"{\"name\":"}
               + actors::json_text(one.name) + ",\"value\":" + number(one.value)
               + ",\"factor\":" + number(one.factor) + "}";
  std::string items;
  for (const auto& one : found)
    items += (items.empty() ? "" : ",") + std::string{"{\"severity\":"}
             + actors::json_text(one.severity) + ",\"finding\":" + actors::json_text(one.text)
             + ",\"change\":" + actors::json_text(one.change) + "}";
  return "{\"subject\":" + actors::json_text(subject) + ",\"healthy\":"
         + (found.empty() ? "true" : "false") + ",\"health_score\":" + number(board.second.score)
         + ",\"factors\":[" + factors + "],\"findings\":[" + items + "]}";
}

// -- the report ---------------------------------------------------------------

namespace {

runtime::rollout::pool_figures figures_of(const actors::house& house, pool_kind kind,
                                          const runtime::rollout::evidence_recorder& evidence) {
  const auto& pool = house.pool(kind);
  runtime::rollout::pool_figures result;
  if (!pool.open) return result;
  const auto value = [](const machine::counter& of) { return of.load(std::memory_order_relaxed); };
  const auto times = pool.gauge.total_time.read();
  std::uint64_t count = 0;
  for (const auto one : times) count += one;
  constexpr double ms = 1e-6;
  if (count > 0) {
    using machine::latency_histogram;
    result.response_mean_ms =
        static_cast<double>(pool.gauge.total_time.sum_ns()) * ms / static_cast<double>(count);
    result.response_p50_ms = latency_histogram::quantile_ns(times, 0.50) * ms;
    result.response_p95_ms = latency_histogram::quantile_ns(times, 0.95) * ms;
    result.response_p99_ms = latency_histogram::quantile_ns(times, 0.99) * ms;
  }
  std::uint64_t tasks = 0;
  for (const auto& one : pool.gauge.ends) tasks += value(one);
  auto bad = value(pool.gauge.ends[static_cast<std::size_t>(machine::task_outcome::failed)])
             + value(pool.gauge.ends[static_cast<std::size_t>(machine::task_outcome::timeout)]);
  bad -= std::min(bad, house.ends.refused(kind));
  result.tasks = tasks;
  if (tasks > 0) result.error_rate = static_cast<double>(bad) / static_cast<double>(tasks);
  const auto hits = value(pool.gauge.warm_hits);
  result.cold_starts = value(pool.gauge.cold_starts);
  if (hits + result.cold_starts > 0)
    result.warm_hit_rate =
        static_cast<double>(hits) / static_cast<double>(hits + result.cold_starts);
  const auto mean_of = [&](runtime::monitoring::metric what) -> std::optional<double> {
    const auto found =
        evidence.series().find({"pool:" + std::string{protocols::to_string(kind)}, what});
    if (found == evidence.series().end() || found->second.empty()) return std::nullopt;
    double sum = 0;
    for (const auto& one : found->second) sum += one.value;
    return sum / static_cast<double>(found->second.size());
  };
  result.memory_mb = mean_of(runtime::monitoring::metric::memory_mb);
  result.warm_mean = mean_of(runtime::monitoring::metric::warm);
  return result;
}

}  // namespace

std::optional<std::string> node::report(std::string_view format) const {
  const auto& house = *parts_->house;
  runtime::rollout::deployment_report made;
  const auto board = house.board.read([](const content& of) { return of; });
  const auto& playing = house.now_playing();
  made.made_at_s = made.to_s = static_cast<double>(house.time->unix_ms()) * 1e-3;
  made.from_s = static_cast<double>(parts_->started_ms) * 1e-3;
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
  const auto rules = house.routes.now();
  made.routes = rules.routes;
  made.percentage = rules.percentage;
  made.before = figures_of(house, pool_kind::baseline, board.evidence);
  made.after = figures_of(house, pool_kind::intelligent, board.evidence);
  // Where the baseline pool does not run, what it would take is what was measured of each worker.
  if (!made.before.memory_mb) {
    const auto memory = actors::memory_of(house, pool_kind::intelligent);
    if (memory.always_mb > 0) made.before.memory_mb = memory.always_mb;
  }
  made.usd_per_mb_month = playing.config.cost.usd_per_mb_month;
  for (const auto& one : board.rollbacks) made.rollbacks.push_back({one.plan, std::nullopt});
  const auto shadow = house.shadow.read();
  if (shadow.mirrored > 0) {
    made.shadow = shadow.summary;
    made.differences = shadow.differences;
  }
  made.ledger = actors::ledger_now(house);
  made.alerts = board.history;
  made.alerts.insert(made.alerts.end(), board.firing.begin(), board.firing.end());
  using runtime::monitoring::metric;
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
    for (const auto& one : made.decisions)
      if (one.kind == runtime::rollout::decision_kind::entered)
        drawn.marks.push_back({one.at_s, std::string{name_of(one.where)}});
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
