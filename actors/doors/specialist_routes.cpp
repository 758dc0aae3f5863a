// Who there is, who is warm, and who is believed to come next.
#include "actors/doors/http_routes.hpp"
#include "protocols/base/json_writer.hpp"
#include "protocols/base/time_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace greenroom::doors {

namespace {

using base::json_array, base::json_object;

/// Six digits after the point are more than any of these figures is known to.
std::string number(double value) {
  if (!(value > -1e15 && value < 1e15)) return "0";
  std::array<char, 48> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, 6).ptr;
  std::string result{text.data(), end};
  while (result.ends_with('0')) result.pop_back();
  if (result.ends_with('.')) result.pop_back();
  return result == "-0" ? "0" : result;
}

base::json_value text_or_null(const std::string& text) {
  return text.empty() ? base::json_value{nullptr} : base::json_value{text};
}

void by_hand(const call& one, const door_ptr& here,
             std::optional<refusal> (node::*what)(std::string_view)) {
  const auto& name = one.captured.front();
  if (const auto refused = (here->of->*what)(name)) return answer_refusal(one.reply, *refused);
  const auto now = here->of->specialist(name);
  if (const auto* const why = std::get_if<refusal>(&now)) return answer_refusal(one.reply, *why);
  answer_json(one.reply, 200, to_json(std::get<specialist_view>(now)));
}

}  // namespace

std::string to_json(const specialist_view& one) {
  json_object made{
      {"name", one.name},
      {"department", one.department},
      {"priority", one.priority},
      {"state", to_string(one.state)},
      {"pid", one.pid > 0 ? std::optional{one.pid} : std::nullopt},
  };
  made.raw("memory_mb", number(one.memory_mb))
      .add("memory_measured", one.memory_measured)
      .raw("cpu_share", number(one.cpu_share))
      .add("queue_depth", one.queue_depth)
      .add("running", one.running)
      .add("concurrency", one.concurrency)
      .add("tasks", one.tasks)
      .add("failures", one.failures)
      .add("cold_starts", one.cold_starts)
      .add("warm_hits", one.warm_hits)
      .add("restarts", one.restarts)
      .add("skipped_lines", one.skipped_lines)
      .raw("start_ms", number(one.start_ms))
      .raw("run_ms", number(one.run_ms))
      .add("pinned", one.pinned)
      .add("circuit_open", one.circuit_open)
      .add("definition", one.old_definition ? "old" : "current")
      .add("last_error", text_or_null(one.last_error));
  return std::move(made).text();
}

void list_specialists(const door_ptr& here, call& one) {
  const auto department = one.parameter("department");
  const auto state = one.parameter("state");
  using enum worker_state;
  constexpr std::array states{cold, warming, warm, busy, cooling, failed};
  if (state && !state->empty()
      && std::ranges::none_of(states, [&](auto each) { return to_string(each) == *state; }))
    return answer_problem(
        one.reply, protocols::problem_of(protocols::failure::malformed,
                                         "A state is one of cold, warming, warm, busy, cooling and "
                                         "failed."));
  json_array items;
  for (const auto& each : here->of->specialists()) {
    if (department && !department->empty() && each.department != *department) continue;
    if (state && !state->empty() && to_string(each.state) != *state) continue;
    items.add(base::json_raw{to_json(each)});
  }
  answer_json(one.reply, 200, json_object{{"items", items}});
}

void get_specialist(const door_ptr& here, call& one) {
  const auto found = here->of->specialist(one.captured.front());
  if (const auto* const why = std::get_if<refusal>(&found)) return answer_refusal(one.reply, *why);
  answer_json(one.reply, 200, to_json(std::get<specialist_view>(found)));
}

void warm_specialist(const door_ptr& here, call& one) { by_hand(one, here, &node::warm); }

void cool_specialist(const door_ptr& here, call& one) { by_hand(one, here, &node::cool); }

void list_predictions(const door_ptr& here, call& one) {
  const json_array items{
      here->of->predictions(), [](const auto& each) {
        const json_array reasons{
            each.reasons, [](const auto& because) {
              return json_object{{"reason", because.first}}.raw("weight", number(because.second));
            }};
        return json_object{{"specialist", each.specialist}}
            .raw("probability", number(each.probability))
            .raw("score", number(each.score))
            .add("state", each.state)
            .add("reasons", reasons);
      }};
  const auto state = here->of->prediction();
  json_object prediction{{"on", state.on}};
  prediction.raw("keep_alive_s", number(state.keep_s))
      .add("hits", state.hits)
      .add("wastes", state.wastes)
      .raw("wasted_s", number(state.wasted_s));
  answer_json(one.reply, 200, json_object{{"items", items}, {"prediction", prediction}});
}

void get_recording(const door_ptr& here, call& one) {
  one.reply.answer(200, "text/csv; charset=utf-8", here->of->recording());
}

void get_tuning(const door_ptr& here, call& one) {
  const auto pool = here->of->configuration().pool;
  double starts_ms = 0;
  std::size_t measured = 0;
  const auto everybody = here->of->specialists();
  for (const auto& each : everybody) {
    if (each.start_ms <= 0) continue;
    starts_ms += each.start_ms;
    ++measured;
  }
  const auto seconds = [](auto time) {
    return number(std::chrono::duration<double>(time).count());
  };
  json_object body{{"max_warm", pool.max_warm}};
  body.raw("memory_budget_mb", number(pool.memory_budget_mb))
      .raw("target_memory", number(pool.target_memory))
      // Null: it follows the measured start times.
      .raw("min_residency_s", pool.min_residency ? seconds(*pool.min_residency) : "null")
      .raw("cooldown_s", seconds(pool.cooldown))
      .raw("warm_threshold", number(pool.warm_threshold))
      .add("adaptive", pool.adaptive)
      .add("queue_per_specialist", here->of->configuration().queue.per_specialist)
      .add("workflows_detected", here->of->workflows_detected())
      .add("specialists", everybody.size());
  // Nothing was ever started, so nothing is known of it.
  if (measured > 0) body.raw("load_s", number(starts_ms * 1e-3 / static_cast<double>(measured)));
  answer_json(one.reply, 200, std::move(body));
}

// -- probes -------------------------------------------------------------------

void health_live(const door_ptr&, call& one) {
  answer_json(one.reply, 200, R"({"status":"live"})");
}

void health_ready(const door_ptr& here, call& one) {
  const auto now = here->of->status();
  // One worker of many that cannot start is its own specialist's trouble; when it is half of those
  // that are promised to be up, the node is not what its callers count on.
  const auto crippled = now.kept_down > 0 && now.kept_down * 2 >= now.kept_warm;
  const auto ready = now.ready && !now.draining && now.journal_ok && !crippled;
  const auto* const why = ready             ? "ready"
                          : now.draining    ? "draining"
                          : !now.journal_ok ? "journal unavailable"
                          : crippled        ? "workers down"
                                            : "starting";
  json_object body{{"status", why}};
  if (now.kept_down > 0)
    body.add("kept_warm", now.kept_warm)
        .add("down", now.kept_down)
        .add("first_down", now.down_name)
        .add("why", now.down_why);
  answer_json(one.reply, ready ? 200 : 503, std::move(body));
}

void health_pooling(const door_ptr& here, call& one) {
  const auto now = here->of->status();
  const auto utilization =
      now.total == 0 ? 0 : static_cast<double>(now.warm) / static_cast<double>(now.total);
  constexpr double percent = 100;
  const double saved = std::max(0.0, now.memory_always_warm_mb - now.memory_mb);
  json_object specialists{{"warm", now.warm}, {"total", now.total}};
  specialists.raw("utilization", number(utilization));
  json_object performance;
  performance.raw("averageResponseTime", number(now.average_response_ms))
      .raw("warmHitRate", number(now.warm_hit_rate))
      .add("queueDepth", now.queue_depth);
  json_object memory;
  memory.raw("current", number(now.memory_mb))
      .raw("saved", number(saved))
      .raw("efficiency", number(now.memory_efficiency * percent));
  answer_json(one.reply, 200,
              json_object{{"status", now.status},
                          {"uptime", now.uptime_ms},
                          {"specialists", specialists},
                          {"performance", performance},
                          {"memory", memory},
                          {"node", here->of->identity()},
                          {"alerts", now.alerts},
                          {"lastCheck", base::rfc3339(now.last_check_unix_ms)}},
              "Cache-Control: no-store\r\n");
}

void get_status(const door_ptr& here, call& one) {
  const auto now = here->of->status();
  json_object body{{"status", now.status}, {"node", here->of->identity()}};
  body.raw("health_score", number(now.health_score)).add("alerts", now.alerts);
  body.add("reasons", json_array{now.reasons, [](const auto& each) {
                                   return json_object{{"subject", each.subject},
                                                      {"severity", each.severity},
                                                      {"reason", each.text},
                                                      {"change", each.change}};
                                 }});
  body.add("factors", json_array{now.factors, [](const auto& each) {
                                   return json_object{{"name", each.name}}
                                       .raw("value", number(each.value))
                                       .raw("factor", number(each.factor));
                                 }});
  body.add("uptime_ms", now.uptime_ms)
      .add("ready", now.ready)
      .add("draining", now.draining)
      .add("journal_ok", now.journal_ok);
  body.add("specialists", json_object{{"total", now.total},
                                      {"warm", now.warm},
                                      {"busy", now.busy},
                                      {"warming", now.warming},
                                      {"failed", now.failed},
                                      {"max_warm", now.max_warm},
                                      {"old_definition", now.old_definitions}});
  json_object tasks{{"accepted", now.accepted},       {"completed", now.completed},
                    {"failed", now.failed_tasks},     {"cancelled", now.cancelled},
                    {"unknown", now.unknown},         {"shed", now.shed},
                    {"pending", now.pending},         {"waiting", now.queue_depth},
                    {"cold_starts", now.cold_starts}, {"retries", now.retries}};
  body.add("tasks", tasks.raw("warm_hit_rate", number(now.warm_hit_rate)));
  json_object response;
  response.raw("mean", number(now.average_response_ms))
      .raw("p50", number(now.p50_ms))
      .raw("p95", number(now.p95_ms))
      .raw("p99", number(now.p99_ms));
  body.add("response_ms", response);
  const auto share = [](std::optional<double> value) { return value ? number(*value) : "null"; };
  json_object quality;
  quality.raw("prediction_accuracy", share(now.prediction_accuracy))
      .raw("workflow_detection", share(now.workflow_detection))
      .raw("availability", share(now.availability));
  body.add("quality", quality);
  json_object memory;
  memory.raw("now", number(now.memory_mb))
      .raw("always_warm", number(now.memory_always_warm_mb))
      .raw("efficiency", number(now.memory_efficiency));
  body.add("memory_mb", memory).add("way_back", text_or_null(now.way_back));
  // How often the configuration was read and applied since the node started, the first included.
  body.add("configuration", json_object{{"generation", now.generation}})
      .add("checked_at", base::rfc3339(now.last_check_unix_ms));
  answer_json(one.reply, 200, std::move(body), "Cache-Control: no-store\r\n");
}

void get_metrics(const door_ptr& here, call& one) {
  one.reply.answer(200, "text/plain; version=0.0.4; charset=utf-8", here->of->metrics());
}

void get_export(const door_ptr& here, call& one) {
  answer_json(one.reply, 200, here->of->export_state());
}

}  // namespace greenroom::doors
