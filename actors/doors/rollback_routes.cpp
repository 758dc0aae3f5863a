// Rollbacks over HTTP.
#include "actors/doors/answers.hpp"
#include "actors/doors/body_fields.hpp"
#include "actors/doors/route_handlers.hpp"
#include "actors/state/status_board.hpp"

#include <utility>

namespace greenroom::doors {

namespace {

using actors::rollout_command;

/// What `POST /v1/rollback` asks for: a rollback, the confirmation of a planned one, or its end.
base::expected<rollout_command, rejection> rollback_command_in(const route_call& call) {
  const auto body = object_in_body(call);
  if (!body) return body.error();
  auto reason = text_in(*body, "reason");
  if (!reason) return reason.error();
  const auto mode = text_in(*body, "mode");
  if (!mode) return mode.error();
  const auto confirm = flag_in(*body, "confirm", true);
  if (!confirm) return confirm.error();
  const auto cancel = flag_in(*body, "cancel", false);
  if (!cancel) return cancel.error();
  rollout_command result;
  if (*cancel) {
    result.what = rollout_command::kind::cancel;
    return result;
  }
  if (body->contains("confirm") && *confirm && reason->empty()) {
    result.what = rollout_command::kind::confirm;
    return result;
  }
  if (reason->empty()) return malformed(R"(Say why: {"reason":"…","mode":"emergency"}.)");
  if (!mode->empty() && *mode != "emergency" && *mode != "planned")
    return malformed(R"("mode" is "emergency" or "planned".)");
  result.what = rollout_command::kind::roll_back;
  result.reason = *std::move(reason);
  result.planned = *mode == "planned";
  result.confirmed = *confirm;
  return result;
}

enum class with_location : bool { no, yes };

/// Sends the request to the rollback, and answers with the last rollback or the refusal.
void send_command(const door_ptr& door, const route_call& call, rollout_command request,
                  with_location how) {
  request.reply = [reply = call.reply, node = door->node, how](int status, std::string refused,
                                                               std::string text) {
    if (!refused.empty())
      return answer_problem(reply, protocols::problem_named("rollback-" + refused, status,
                                                            "Not now", std::move(text)));
    answer_json(reply, status, node->rollback("last").value_or("{}"),
                how == with_location::yes ? "Location: /v1/rollbacks/" + text + "\r\n" : "");
  };
  door->parts().send_command(std::move(request));
}

}  // namespace

void post_rollback(const door_ptr& door, route_call& call) {
  auto request = rollback_command_in(call);
  if (!request) return answer(call.reply, request.error());
  send_command(door, call, *std::move(request), with_location::yes);
}

void post_rollback_verify(const door_ptr& door, route_call& call) {
  rollout_command request;
  request.what = rollout_command::kind::verify;
  send_command(door, call, std::move(request), with_location::no);
}

void list_rollbacks(const door_ptr& door, route_call& call) {
  answer_json(call.reply, 200, door->node->rollbacks());
}

void get_rollback(const door_ptr& door, route_call& call) {
  const auto found = door->node->rollback(call.captured.front());
  if (found) return answer_json(call.reply, 200, *found);
  answer_problem(call.reply, protocols::problem_named("no-such-rollback", 404, "Not found",
                                                      "There was no such rollback; "
                                                      "GET /v1/rollbacks lists them."));
}

}  // namespace greenroom::doors
