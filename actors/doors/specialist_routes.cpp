// Who there is, who is warm, and who is believed to come next.
#include "actors/doors/http_routes.hpp"
#include "protocols/json_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace greenroom::doors {

namespace {

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

std::string boolean(bool value) { return value ? "true" : "false"; }

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
  std::string text = "{\"name\":" + protocols::json_string_of_any(one.name);
  text += ",\"department\":" + protocols::json_string_of_any(one.department);
  text += ",\"priority\":" + protocols::json_string_of_any(one.priority);
  text += ",\"state\":\"";
  text += to_string(one.state);
  text += "\",\"pid\":" + (one.pid > 0 ? std::to_string(one.pid) : std::string{"null"});
  text += ",\"memory_mb\":" + number(one.memory_mb);
  text += ",\"memory_measured\":" + boolean(one.memory_measured);
  text += ",\"cpu_share\":" + number(one.cpu_share);
  text += ",\"queue_depth\":" + std::to_string(one.queue_depth);
  text += ",\"running\":" + std::to_string(one.running);
  text += ",\"concurrency\":" + std::to_string(one.concurrency);
  text += ",\"tasks\":" + std::to_string(one.tasks);
  text += ",\"failures\":" + std::to_string(one.failures);
  text += ",\"cold_starts\":" + std::to_string(one.cold_starts);
  text += ",\"warm_hits\":" + std::to_string(one.warm_hits);
  text += ",\"restarts\":" + std::to_string(one.restarts);
  text += ",\"skipped_lines\":" + std::to_string(one.skipped_lines);
  text += ",\"start_ms\":" + number(one.start_ms);
  text += ",\"run_ms\":" + number(one.run_ms);
  text += ",\"pinned\":" + boolean(one.pinned);
  text += ",\"circuit_open\":" + boolean(one.circuit_open);
  text += ",\"definition\":";
  text += one.old_definition ? "\"old\"" : "\"current\"";
  text += ",\"last_error\":";
  text += one.last_error.empty() ? "null" : protocols::json_string_of_any(one.last_error);
  return text + "}";
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
  std::string body = "{\"items\":[";
  auto first = true;
  for (const auto& each : here->of->specialists()) {
    if (department && !department->empty() && each.department != *department) continue;
    if (state && !state->empty() && to_string(each.state) != *state) continue;
    if (!std::exchange(first, false)) body += ',';
    body += to_json(each);
  }
  answer_json(one.reply, 200, body + "]}");
}

void get_specialist(const door_ptr& here, call& one) {
  const auto found = here->of->specialist(one.captured.front());
  if (const auto* const why = std::get_if<refusal>(&found)) return answer_refusal(one.reply, *why);
  answer_json(one.reply, 200, to_json(std::get<specialist_view>(found)));
}

void warm_specialist(const door_ptr& here, call& one) { by_hand(one, here, &node::warm); }

void cool_specialist(const door_ptr& here, call& one) { by_hand(one, here, &node::cool); }

void list_predictions(const door_ptr& here, call& one) {
  std::string body = "{\"items\":[";
  auto first = true;
  for (const auto& each : here->of->predictions()) {
    if (!std::exchange(first, false)) body += ',';
    body += "{\"specialist\":" + protocols::json_string_of_any(each.specialist);
    body += ",\"probability\":" + number(each.probability);
    body += ",\"score\":" + number(each.score);
    body += ",\"state\":" + protocols::json_string_of_any(each.state);
    body += ",\"reasons\":[";
    auto first_reason = true;
    for (const auto& [reason, weight] : each.reasons) {
      if (!std::exchange(first_reason, false)) body += ',';
      body += "{\"reason\":" + protocols::json_string_of_any(reason);
      body += ",\"weight\":" + number(weight) + "}";
    }
    body += "]}";
  }
  const auto state = here->of->prediction();
  body += "],\"prediction\":{\"on\":" + std::string{state.on ? "true" : "false"};
  body += ",\"keep_alive_s\":" + number(state.keep_s);
  body += ",\"hits\":" + std::to_string(state.hits);
  body += ",\"wastes\":" + std::to_string(state.wastes);
  body += ",\"wasted_s\":" + number(state.wasted_s);
  answer_json(one.reply, 200, body + "}}");
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
  std::string body = "{\"max_warm\":" + std::to_string(pool.max_warm);
  body += ",\"memory_budget_mb\":" + number(pool.memory_budget_mb);
  body += ",\"target_memory\":" + number(pool.target_memory);
  // Null: it follows the measured start times.
  body += ",\"min_residency_s\":" + (pool.min_residency ? seconds(*pool.min_residency) : "null");
  body += ",\"cooldown_s\":" + seconds(pool.cooldown);
  body += ",\"warm_threshold\":" + number(pool.warm_threshold);
  body += ",\"adaptive\":" + std::string{pool.adaptive ? "true" : "false"};
  body +=
      ",\"queue_per_specialist\":" + std::to_string(here->of->configuration().queue.per_specialist);
  body += ",\"workflows_detected\":" + std::to_string(here->of->workflows_detected());
  body += ",\"specialists\":" + std::to_string(everybody.size());
  // Nothing was ever started, so nothing is known of it.
  if (measured > 0)
    body += ",\"load_s\":" + number(starts_ms * 1e-3 / static_cast<double>(measured));
  answer_json(one.reply, 200, body + "}");
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
  std::string body = std::string{"{\"status\":\""} + why + "\"";
  if (now.kept_down > 0) {
    body += ",\"kept_warm\":" + std::to_string(now.kept_warm);
    body += ",\"down\":" + std::to_string(now.kept_down);
    body += ",\"first_down\":" + protocols::json_string_of_any(now.down_name);
    body += ",\"why\":" + protocols::json_string_of_any(now.down_why);
  }
  answer_json(one.reply, ready ? 200 : 503, body + "}");
}

void health_pooling(const door_ptr& here, call& one) {
  const auto now = here->of->status();
  const auto utilization =
      now.total == 0 ? 0 : static_cast<double>(now.warm) / static_cast<double>(now.total);
  constexpr double percent = 100;
  std::string body = "{\"status\":" + protocols::json_string_of_any(now.status);
  body += ",\"uptime\":" + std::to_string(now.uptime_ms);
  body += ",\"specialists\":{\"warm\":" + std::to_string(now.warm);
  body += ",\"total\":" + std::to_string(now.total);
  body += ",\"utilization\":" + number(utilization);
  body += "},\"performance\":{\"averageResponseTime\":" + number(now.average_response_ms);
  body += ",\"warmHitRate\":" + number(now.warm_hit_rate);
  body += ",\"queueDepth\":" + std::to_string(now.queue_depth);
  body += "},\"memory\":{\"current\":" + number(now.memory_mb);
  body += ",\"saved\":" + number(std::max(0.0, now.memory_always_warm_mb - now.memory_mb));
  body += ",\"efficiency\":" + number(now.memory_efficiency * percent);
  body += "},\"node\":\"" + here->of->identity() + "\"";
  body += ",\"alerts\":" + std::to_string(now.alerts);
  body += ",\"lastCheck\":\"" + protocols::rfc3339(now.last_check_unix_ms) + "\"}";
  answer_json(one.reply, 200, std::move(body), "Cache-Control: no-store\r\n");
}

void get_status(const door_ptr& here, call& one) {
  const auto now = here->of->status();
  std::string body = "{\"status\":" + protocols::json_string_of_any(now.status);
  body += ",\"node\":\"" + here->of->identity() + "\"";
  body += ",\"health_score\":" + number(now.health_score);
  body += ",\"alerts\":" + std::to_string(now.alerts);
  body += ",\"reasons\":[";
  const char* comma = "";
  for (const auto& each : now.reasons) {
    body += std::exchange(comma, ",");
    body += "{\"subject\":" + protocols::json_string_of_any(each.subject);
    body += ",\"severity\":" + protocols::json_string_of_any(each.severity);
    body += ",\"reason\":" + protocols::json_string_of_any(each.text);
    body += ",\"change\":" + protocols::json_string_of_any(each.change) + "}";
  }
  body += "],\"factors\":[";
  comma = "";
  for (const auto& each : now.factors) {
    body += std::exchange(comma, ",");
    body += "{\"name\":" + protocols::json_string_of_any(each.name);
    body += ",\"value\":" + number(each.value) + ",\"factor\":" + number(each.factor) + "}";
  }
  body += "],\"uptime_ms\":" + std::to_string(now.uptime_ms);
  body += ",\"ready\":" + boolean(now.ready) + ",\"draining\":" + boolean(now.draining);
  body += ",\"journal_ok\":" + boolean(now.journal_ok);
  body += ",\"specialists\":{\"total\":" + std::to_string(now.total);
  body += ",\"warm\":" + std::to_string(now.warm) + ",\"busy\":" + std::to_string(now.busy);
  body += ",\"warming\":" + std::to_string(now.warming);
  body += ",\"failed\":" + std::to_string(now.failed);
  body += ",\"max_warm\":" + std::to_string(now.max_warm);
  body += ",\"old_definition\":" + std::to_string(now.old_definitions);
  body += "},\"tasks\":{\"accepted\":" + std::to_string(now.accepted);
  body += ",\"completed\":" + std::to_string(now.completed);
  body += ",\"failed\":" + std::to_string(now.failed_tasks);
  body += ",\"cancelled\":" + std::to_string(now.cancelled);
  body += ",\"unknown\":" + std::to_string(now.unknown);
  body += ",\"shed\":" + std::to_string(now.shed);
  body += ",\"pending\":" + std::to_string(now.pending);
  body += ",\"waiting\":" + std::to_string(now.queue_depth);
  body += ",\"cold_starts\":" + std::to_string(now.cold_starts);
  body += ",\"retries\":" + std::to_string(now.retries);
  body += ",\"warm_hit_rate\":" + number(now.warm_hit_rate);
  body += "},\"response_ms\":{\"mean\":" + number(now.average_response_ms);
  body += ",\"p50\":" + number(now.p50_ms) + ",\"p95\":" + number(now.p95_ms);
  body += ",\"p99\":" + number(now.p99_ms);
  const auto share = [](std::optional<double> value) { return value ? number(*value) : "null"; };
  body += "},\"quality\":{\"prediction_accuracy\":" + share(now.prediction_accuracy);
  body += ",\"workflow_detection\":" + share(now.workflow_detection);
  body += ",\"availability\":" + share(now.availability);
  body += "},\"memory_mb\":{\"now\":" + number(now.memory_mb);
  body += ",\"always_warm\":" + number(now.memory_always_warm_mb);
  body += ",\"efficiency\":" + number(now.memory_efficiency);
  // How often the configuration was read and applied since the node started, the first included.
  body += "},\"way_back\":"
          + (now.way_back.empty() ? "null" : protocols::json_string_of_any(now.way_back));
  body += ",\"configuration\":{\"generation\":" + std::to_string(now.generation);
  body += "},\"checked_at\":\"" + protocols::rfc3339(now.last_check_unix_ms) + "\"}";
  answer_json(one.reply, 200, std::move(body), "Cache-Control: no-store\r\n");
}

void get_metrics(const door_ptr& here, call& one) {
  one.reply.answer(200, "text/plain; version=0.0.4; charset=utf-8", here->of->metrics());
}

void get_export(const door_ptr& here, call& one) {
  answer_json(one.reply, 200, here->of->export_state());
}

}  // namespace greenroom::doors
