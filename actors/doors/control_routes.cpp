// What an operator asks of the program over HTTP: other settings, a reload, a stop.
#include "actors/doors/answers.hpp"
#include "actors/doors/route_handlers.hpp"
#include "actors/state/text.hpp"
#include "protocols/base/json_writer.hpp"
#include "protocols/base/number.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <utility>

namespace greenroom::doors {

namespace {

using actors::decimal;
using base::json_array, base::json_object;

void answer_embedded(const route_call& call, std::string_view action) {
  answer_problem(call.reply,
                 protocols::problem_named("embedded", 501, "Not Implemented",
                                          "This node runs inside another program, which alone can "
                                              + std::string{action} + " it."));
}

using settings_result = base::expected<node::pool_settings, rejection>;

/// The settings in the body of `POST /v1/tuning`.
settings_result settings_in(const route_call& call) {
  const auto body = nlohmann::json::parse(call.request.body(), nullptr, false);
  if (!body.is_object()) return malformed(R"(Send the settings, such as {"max_warm":20}.)");
  node::pool_settings result;
  for (const auto& [key, value] : body.items()) {
    const auto wrong = [&key = key](const char* what) {
      return malformed("\"" + key + "\" is " + what + ".");
    };
    if (key == "max_warm") {
      if (!value.is_number_unsigned() || value.get<std::uint64_t>() < 1
          || value.get<std::uint64_t>() > 1'000'000)
        return wrong("a whole number of 1 or more");
      result.max_warm = value.get<std::size_t>();
    } else if (key == "cooldown_ms") {
      if (!value.is_number_unsigned() || value.get<std::uint64_t>() > 30ULL * 86'400'000)
        return wrong("a whole number of milliseconds, at most 30 days");
      result.cooldown = std::chrono::milliseconds{value.get<std::int64_t>()};
    } else if (key == "target_memory") {
      if (!value.is_number() || !(value.get<double>() >= 0 && value.get<double>() <= 1))
        return wrong("a share from 0 to 1");
      result.target_memory = value.get<double>();
    } else {
      return wrong("not a setting; there are max_warm, cooldown_ms and target_memory");
    }
  }
  return result;
}

void answer_not_applied(const machine::http::responder& reply, const std::string& why) {
  answer_problem(reply,
                 protocols::problem_named("configuration-refused", 409, "Configuration refused",
                                          "Nothing was changed: " + why));
}

}  // namespace

void get_tuning(const door_ptr& door, route_call& call) {
  const auto pool = door->node->configuration().pool;
  double starts_ms = 0;
  std::size_t measured = 0;
  const auto specialists = door->node->specialists();
  for (const auto& each : specialists) {
    if (each.start_ms <= 0) continue;
    starts_ms += each.start_ms;
    ++measured;
  }
  const auto seconds = [](auto time) {
    return decimal(std::chrono::duration<double>(time).count());
  };
  json_object body{{"max_warm", pool.max_warm}};
  body.raw("memory_budget_mb", decimal(pool.memory_budget_mb))
      .raw("target_memory", decimal(pool.target_memory))
      // Null: the residency follows the measured start times.
      .raw("min_residency_s", pool.min_residency ? seconds(*pool.min_residency) : "null")
      .raw("cooldown_s", seconds(pool.cooldown))
      .raw("warm_threshold", decimal(pool.warm_threshold))
      .add("adaptive", pool.adaptive)
      .add("queue_per_specialist", door->node->configuration().queue.per_specialist)
      .add("workflows_detected", door->node->workflows_detected())
      .add("specialists", specialists.size());
  // Without a start there is no measured start time.
  if (measured > 0) body.raw("load_s", decimal(starts_ms * 1e-3 / static_cast<double>(measured)));
  answer_json(call.reply, 200, std::move(body));
}

void post_tuning(const door_ptr& door, route_call& call) {
  const auto wanted = settings_in(call);
  if (!wanted) return answer(call.reply, wanted.error());
  // Not on the loop: a reload waits for other reloads, and builds a whole catalog.
  static_cast<void>(call.request.take_body());
  run_aside(door, call.reply,
            [door, wanted = *wanted, request = call.request, reply = call.reply]() mutable {
              if (const auto applied = door->node->tune(wanted); !applied)
                return answer_not_applied(reply, applied.error().text);
              route_call later{request, reply, {}};
              get_tuning(door, later);
            });
}

void post_reload(const door_ptr& door, route_call& call) {
  if (!door->options.reload) return answer_embedded(call, "reload");
  // Answered by the thread that reads the files.
  door->options.reload([reply = call.reply](const reload_outcome& outcome) {
    if (outcome.problems.empty())
      return answer_json(
          reply, 200,
          json_object{
              {"applied", true},
              {"change", outcome.change},
              {"source", outcome.source},
              {"warnings", json_array{outcome.warnings,
                                      [](const auto& each) -> base::json_value { return each; }}},
              {"workers_to_replace", outcome.workers}});
    std::string why;
    for (const auto& each : outcome.problems) why += (why.empty() ? "" : "; ") + each;
    answer_not_applied(reply, why);
  });
}

void post_stop(const door_ptr& door, route_call& call) {
  if (!door->options.stop) return answer_embedded(call, "stop");
  const auto now = call.parameter("now");
  const bool at_once = now && (*now == "true" || *now == "1" || now->empty());
  answer_json(call.reply, 202, json_object{{"state", at_once ? "stopping" : "draining"}});
  door->options.stop(at_once);
}

}  // namespace greenroom::doors
