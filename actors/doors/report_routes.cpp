// The check of a deployment, diagnoses and the report over HTTP.
#include "actors/doors/answers.hpp"
#include "actors/doors/parameters.hpp"
#include "actors/doors/route_handlers.hpp"
#include "actors/node/deployment_check.hpp"

#include <string>

namespace greenroom::doors {

void post_verify(const door_ptr& door, route_call& call) {
  actors::check_deployment(*door->node, [reply = call.reply](const std::string& findings) {
    answer_json(reply, 200, findings);
  });
}

void get_diagnosis(const door_ptr& door, route_call& call) {
  const auto last = period_in(call);
  if (!last) return answer(call.reply, last.error());
  const auto made = door->node->diagnose(call.captured.front(), *last);
  if (made) return answer_json(call.reply, 200, *made);
  answer_problem(call.reply,
                 protocols::problem_named(made.error().code, 404, "Not found", made.error().text));
}

void get_report(const door_ptr& door, route_call& call) {
  const auto format = call.parameter("format").value_or("json");
  const auto last = period_in(call);
  if (!last) return answer(call.reply, last.error());
  const auto made = door->node->report(format, *last);
  if (!made) return answer(call.reply, malformed(made.error().text));
  const auto* type = format == "md"     ? "text/markdown; charset=utf-8"
                     : format == "html" ? "text/html; charset=utf-8"
                                        : "application/json";
  call.reply.answer(200, type, *made);
}

}  // namespace greenroom::doors
