// The rollout and the routing of traffic over HTTP.
#include "actors/doors/answers.hpp"
#include "actors/doors/body_fields.hpp"
#include "actors/doors/route_handlers.hpp"
#include "actors/state/status_board.hpp"
#include "protocols/base/http_url.hpp"
#include "protocols/base/json_writer.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::doors {

namespace {

using actors::rollout_command;

/// Sends the request to the rollout, and answers with the rollout's state or the refusal.
void send_command(const door_ptr& door, const route_call& call, rollout_command request) {
  request.reply = [reply = call.reply, node = door->node](int status, std::string refused,
                                                          std::string text) {
    if (refused.empty()) return answer_json(reply, status, node->rollout());
    std::ranges::replace(refused, '_', '-');
    answer_problem(
        reply, protocols::problem_named("rollout-" + refused, status,
                                        status == 400 ? "Malformed" : "Not now", std::move(text)));
  };
  door->parts().send_command(std::move(request));
}

/// The names of servers that the node starts on a fixed port, which only one pool can have; empty:
/// there are none.
std::string with_fixed_ports(const actors::catalog& catalog) {
  std::string result;
  constexpr std::size_t shown = 5;
  std::size_t count = 0;
  for (const auto& one : catalog.members) {
    const auto& worker = one.config.backend;
    if (one.gone || worker.kind != config::backend_kind::http || worker.command.empty()
        || worker.url.find(base::port_mark) != std::string::npos)
      continue;
    if (count++ < shown) result += (result.empty() ? "" : ", ") + one.config.name;
  }
  return count > shown ? result + " and " + std::to_string(count - shown) + " more" : result;
}

rollout_command::kind kind_in(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  const auto verb = path.substr(path.rfind('/') + 1);
  using kind = rollout_command::kind;
  return verb == "start"     ? kind::start
         : verb == "advance" ? kind::advance
         : verb == "pause"   ? kind::pause
         : verb == "resume"  ? kind::resume
         : verb == "reset"   ? kind::reset
                             : kind::abort;
}

/// A request for the rollout from the path and the body.
base::expected<rollout_command, rejection> rollout_command_in(const route_call& call) {
  const auto body = object_in_body(call);
  if (!body) return body.error();
  auto who = text_in(*body, "who");
  if (!who) return who.error();
  auto reason = text_in(*body, "reason");
  if (!reason) return reason.error();
  const auto force = flag_in(*body, "force", false);
  if (!force) return force.error();
  rollout_command result;
  result.what = kind_in(call.request.path());
  result.who = *std::move(who);
  result.reason = *std::move(reason);
  result.force = *force;
  return result;
}

}  // namespace

void get_rollout(const door_ptr& door, route_call& call) {
  answer_json(call.reply, 200, door->node->rollout());
}

void command_rollout(const door_ptr& door, route_call& call) {
  auto request = rollout_command_in(call);
  if (!request) return answer(call.reply, request.error());
  if (request->what == rollout_command::kind::start && !request->force) {
    if (const auto fixed = with_fixed_ports(door->catalog()); !fixed.empty())
      return answer_problem(
          call.reply,
          protocols::problem_named(
              "rollout-fixed-port", 409, "Not now",
              "A rollout runs two instances of each server, and these have a port that is written "
              "out: "
                  + fixed + ". Write ${PORT} in their url and command (config/README.md)."));
  }
  send_command(door, call, *std::move(request));
}

void get_routing(const door_ptr& door, route_call& call) {
  const auto rules = door->parts().state->routes.now();
  answer_json(call.reply, 200,
              base::json_object{{"mode", name_of(rules.routes)}, {"percentage", rules.percentage}});
}

void put_routing(const door_ptr& door, route_call& call) {
  const auto body = object_in_body(call);
  if (!body) return answer(call.reply, body.error());
  const auto share = body->find("percentage");
  // Checked here, before the rollout opens the baseline pool for the request.
  if (share == body->end() || !share->is_number()
      || !(share->get<double>() >= 0 && share->get<double>() <= 100))
    return answer(call.reply, malformed(R"(Say {"percentage":25}: a number from 0 to 100.)"));
  auto who = text_in(*body, "who");
  if (!who) return answer(call.reply, who.error());
  rollout_command request;
  request.what = rollout_command::kind::route;
  request.percentage = share->get<double>();
  request.who = *std::move(who);
  send_command(door, call, std::move(request));
}

}  // namespace greenroom::doors
