// Health, status, metrics and history over HTTP.
#include "actors/doors/answers.hpp"
#include "actors/doors/parameters.hpp"
#include "actors/doors/route_handlers.hpp"
#include "actors/state/text.hpp"
#include "protocols/base/json_writer.hpp"
#include "protocols/base/time_text.hpp"

#include <algorithm>
#include <chrono>

namespace greenroom::doors {

namespace {

using actors::decimal;
using base::json_array, base::json_object, base::json_value;

constexpr std::string_view no_store = "Cache-Control: no-store\r\n";

std::string decimal_or_null(std::optional<double> value) {
  return value ? decimal(*value) : "null";
}

json_array reasons_json(const node_view& now) {
  return {now.reasons, [](const auto& each) {
            return json_object{{"subject", each.subject},
                               {"severity", each.severity},
                               {"reason", each.text},
                               {"change", each.change}};
          }};
}

json_array factors_json(const node_view& now) {
  return {now.factors, [](const auto& each) {
            return json_object{{"name", each.name}}
                .raw("value", decimal(each.value))
                .raw("factor", decimal(each.factor));
          }};
}

json_object specialists_json(const node_view& now) {
  return {{"total", now.total},
          {"warm", now.warm},
          {"busy", now.busy},
          {"warming", now.warming},
          {"failed", now.failed},
          {"max_warm", now.max_warm},
          {"old_definition", now.old_definitions}};
}

json_object tasks_json(const node_view& now) {
  json_object result{{"accepted", now.accepted},       {"completed", now.completed},
                     {"failed", now.failed_tasks},     {"cancelled", now.cancelled},
                     {"unknown", now.unknown},         {"shed", now.shed},
                     {"pending", now.pending},         {"waiting", now.queue_depth},
                     {"cold_starts", now.cold_starts}, {"retries", now.retries}};
  result.raw("warm_hit_rate", decimal(now.warm_hit_rate));
  return result;
}

json_object responses_json(const node_view& now) {
  json_object result;
  result.raw("mean", decimal(now.average_response_ms))
      .raw("p50", decimal(now.p50_ms))
      .raw("p95", decimal(now.p95_ms))
      .raw("p99", decimal(now.p99_ms));
  return result;
}

json_object quality_json(const node_view& now) {
  json_object result;
  result.raw("prediction_accuracy", decimal_or_null(now.prediction_accuracy))
      .raw("workflow_detection", decimal_or_null(now.workflow_detection))
      .raw("availability", decimal_or_null(now.availability));
  return result;
}

json_object memory_json(const node_view& now) {
  json_object result;
  result.raw("now", decimal(now.memory_mb))
      .raw("always_warm", decimal(now.memory_always_warm_mb))
      .raw("efficiency", decimal(now.memory_efficiency));
  return result;
}

}  // namespace

void health_live(const door_ptr&, route_call& call) {
  answer_json(call.reply, 200, json_object{{"status", "live"}});
}

void health_ready(const door_ptr& door, route_call& call) {
  const auto now = door->node->status();
  // One worker that cannot start concerns one specialist; when half of the specialists that are
  // kept warm are down, the node is not ready.
  const auto workers_down = now.kept_down > 0 && now.kept_down * 2 >= now.kept_warm;
  const auto ready = now.ready && !now.draining && now.journal_ok && !workers_down;
  const auto* const why = ready             ? "ready"
                          : now.draining    ? "draining"
                          : !now.journal_ok ? "journal unavailable"
                          : workers_down    ? "workers down"
                                            : "starting";
  json_object body{{"status", why}};
  if (now.kept_down > 0)
    body.add("kept_warm", now.kept_warm)
        .add("down", now.kept_down)
        .add("first_down", now.down_name)
        .add("why", now.down_why);
  answer_json(call.reply, ready ? 200 : 503, std::move(body));
}

void health_pooling(const door_ptr& door, route_call& call) {
  const auto now = door->node->status();
  const auto utilization =
      now.total == 0 ? 0 : static_cast<double>(now.warm) / static_cast<double>(now.total);
  constexpr double percent = 100;
  const double saved = std::max(0.0, now.memory_always_warm_mb - now.memory_mb);
  json_object specialists{{"warm", now.warm}, {"total", now.total}};
  specialists.raw("utilization", decimal(utilization));
  json_object performance;
  performance.raw("averageResponseTime", decimal(now.average_response_ms))
      .raw("warmHitRate", decimal(now.warm_hit_rate))
      .add("queueDepth", now.queue_depth);
  json_object memory;
  memory.raw("current", decimal(now.memory_mb))
      .raw("saved", decimal(saved))
      .raw("efficiency", decimal(now.memory_efficiency * percent));
  answer_json(call.reply, 200,
              json_object{{"status", now.status},
                          {"uptime", now.uptime_ms},
                          {"specialists", specialists},
                          {"performance", performance},
                          {"memory", memory},
                          {"node", door->node->identity()},
                          {"alerts", now.alerts},
                          {"lastCheck", base::rfc3339(now.last_check_unix_ms)}},
              no_store);
}

void get_status(const door_ptr& door, route_call& call) {
  const auto now = door->node->status();
  json_object body{{"status", now.status}, {"node", door->node->identity()}};
  body.raw("health_score", decimal(now.health_score))
      .add("alerts", now.alerts)
      .add("reasons", reasons_json(now))
      .add("factors", factors_json(now))
      .add("uptime_ms", now.uptime_ms)
      .add("ready", now.ready)
      .add("draining", now.draining)
      .add("journal_ok", now.journal_ok)
      .add("specialists", specialists_json(now))
      .add("tasks", tasks_json(now))
      .add("response_ms", responses_json(now))
      .add("quality", quality_json(now))
      .add("memory_mb", memory_json(now))
      .add("way_back", now.way_back.empty() ? json_value{nullptr} : json_value{now.way_back})
      // The number of configurations applied since the node started, the first one included.
      .add("configuration", json_object{{"generation", now.generation}})
      .add("checked_at", base::rfc3339(now.last_check_unix_ms));
  answer_json(call.reply, 200, std::move(body), no_store);
}

void get_metrics(const door_ptr& door, route_call& call) {
  call.reply.answer(200, "text/plain; version=0.0.4; charset=utf-8", door->node->metrics());
}

void get_export(const door_ptr& door, route_call& call) {
  answer_json(call.reply, 200, door->node->export_state());
}

void get_history(const door_ptr& door, route_call& call) {
  constexpr std::chrono::hours usual{1};
  constexpr std::uint64_t points_usual = 240;
  constexpr std::uint64_t points_max = 10'000;
  const auto last = period_in(call);
  if (!last) return answer(call.reply, last.error());
  const auto points = count_in(call, "points", points_usual, points_max);
  if (!points) return answer(call.reply, points.error());
  answer_json(call.reply, 200,
              door->node->history(last->value_or(usual), static_cast<std::size_t>(*points)));
}

}  // namespace greenroom::doors
