#include "actors/doors/route_table.hpp"

#include "actors/doors/answers.hpp"
#include "actors/doors/host_origin_check.hpp"
#include "actors/doors/route_handlers.hpp"
#include "protocols/base/edit_distance.hpp"
#include "protocols/base/json_writer.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace greenroom::doors {

namespace {

using machine::http::method;

void get_index(const door_ptr& door, route_call& call);

struct entry {
  method verb;
  /// A segment in braces stands for any one segment, and with dots for all that follow.
  std::string_view path;
  route handler;
  /// A handler that reads much (the journal, all specialists) runs on the look-up thread, so that
  /// it delays no task and no probe.
  enum class thread : bool { loop, lookup } where = thread::loop;
};
constexpr auto aside = entry::thread::lookup;

constexpr auto table = std::to_array<entry>({
    {method::get, "/", get_index},
    {method::post, "/v1/tasks", post_task},
    {method::get, "/v1/tasks", list_tasks},
    {method::get, "/v1/tasks/{id}", get_task, aside},
    {method::delete_, "/v1/tasks/{id}", delete_task},
    {method::get, "/v1/workflows", list_workflows, aside},
    {method::post, "/v1/workflows/{name}", run_workflow},
    {method::get, "/v1/specialists", list_specialists, aside},
    {method::get, "/v1/specialists/{name}", get_specialist, aside},
    {method::post, "/v1/specialists/{name}/warm", warm_specialist},
    {method::post, "/v1/specialists/{name}/cool", cool_specialist},
    {method::get, "/v1/specialists/{name}/logs", get_worker_lines, aside},
    {method::post, "/v1/reload", post_reload},
    {method::post, "/v1/stop", post_stop},
    {method::get, "/v1/predictions", list_predictions, aside},
    {method::get, "/v1/recording", get_recording, aside},
    {method::get, "/v1/tuning", get_tuning, aside},
    {method::get, "/v1/status", get_status, aside},
    {method::post, "/v1/tuning", post_tuning},
    {method::get, "/v1/alerts", list_alerts, aside},
    {method::get, "/v1/events", stream_events},
    {method::post, "/v1/chat/completions", post_chat},
    {method::get, "/v1/models", list_models, aside},
    {method::get, "/v1/models/{name...}", get_model, aside},
    {method::get, "/v1/export", get_export, aside},
    {method::post, "/v1/backups", post_backup},
    {method::get, "/v1/backups/{id}/{file}", get_backup_piece},
    {method::delete_, "/v1/backups/{id}", delete_backup},
    {method::get, "/v1/rollout", get_rollout, aside},
    {method::post, "/v1/rollout/start", command_rollout},
    {method::post, "/v1/rollout/advance", command_rollout},
    {method::post, "/v1/rollout/pause", command_rollout},
    {method::post, "/v1/rollout/resume", command_rollout},
    {method::post, "/v1/rollout/abort", command_rollout},
    {method::post, "/v1/rollout/reset", command_rollout},
    {method::get, "/v1/routing", get_routing, aside},
    {method::put, "/v1/routing", put_routing},
    {method::post, "/v1/rollback", post_rollback},
    {method::post, "/v1/rollback/verify", post_rollback_verify},
    {method::post, "/v1/verify", post_verify},
    {method::get, "/v1/rollbacks", list_rollbacks, aside},
    {method::get, "/v1/rollbacks/{id}", get_rollback, aside},
    {method::get, "/v1/diagnose/{name}", get_diagnosis, aside},
    {method::get, "/v1/report", get_report, aside},
    {method::get, "/v1/history", get_history, aside},
    {method::get, "/health", health_live},
    {method::get, "/health/live", health_live},
    {method::get, "/health/ready", health_ready},
    {method::get, "/health/intelligent-pooling", health_pooling},
    {method::get, "/metrics", get_metrics, aside},
});

using strings = std::vector<std::string>;

/// Removes the first segment of a path that begins with a slash, and returns the segment.
std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);
  const auto end = std::min(path.find('/'), path.size());
  const auto segment = path.substr(0, end);
  path.remove_prefix(end);
  return segment;
}

/// The decoded values of the segments in braces; nothing when the path does not match.
std::optional<strings> match(std::string_view pattern, std::string_view path) {
  strings captured;
  const auto capture = [&captured](std::string_view text) {
    auto value = decoded(text, false);
    if (!value || value->empty()) return false;
    captured.push_back(*std::move(value));
    return true;
  };
  while (!pattern.empty() && !path.empty()) {
    if (path.front() != '/') return std::nullopt;
    const auto wanted = take_segment(pattern);
    if (wanted.ends_with("...}"))
      return capture(path.substr(1)) ? std::optional{std::move(captured)} : std::nullopt;
    const auto given = take_segment(path);
    const bool equal = wanted.starts_with('{') ? capture(given) : wanted == given;
    if (!equal) return std::nullopt;
  }
  // One slash at the end is ignored.
  if (!pattern.empty() || (!path.empty() && path != "/")) return std::nullopt;
  return captured;
}

void answer_no_route(const machine::http::responder& reply, std::string_view path) {
  std::set<std::string_view> paths;
  for (const auto& known : table) paths.insert(known.path);
  std::vector<std::pair<std::size_t, std::string_view>> ranked;
  ranked.reserve(paths.size());
  for (const auto known : paths)
    ranked.emplace_back(base::edit_distance(path, known, base::exact_letters), known);
  std::sort(ranked.begin(), ranked.end());
  auto about = protocols::problem_named("no-such-route", 404, "Not found",
                                        "No such path; GET / lists all paths.");
  constexpr std::size_t shown = 3;
  for (const auto& [distance, known] : ranked)
    if (about.nearest.size() < shown && distance <= known.size()) about.nearest.emplace_back(known);
  answer_problem(reply, about);
}

/// Answers a request whose path has no handler for its method.
void answer_no_method(const machine::http::request& request, const machine::http::responder& reply,
                      std::set<std::string_view> allowed) {
  const auto path = request.path();
  if (path == "*") allowed = {"GET", "POST", "PUT", "DELETE"};
  if (allowed.empty()) return answer_no_route(reply, path);
  std::string allow = "Allow: OPTIONS";
  for (const auto known : allowed) allow.append(", ").append(known);
  allow += "\r\n";
  if (request.verb() == method::options) return reply.answer(204, {}, {}, allow);
  answer_problem(
      reply,
      protocols::problem_named("method-not-allowed", 405, "Method not allowed",
                               std::string{request.method_name()}
                                   + " is not allowed here; the Allow field lists what is."),
      allow);
}

void call_aside(const door_ptr& door, route handler, route_call&& call) {
  // No such handler reads a body, and the body would stay in memory while the call waits.
  static_cast<void>(call.request.take_body());
  const auto reply = call.reply;
  run_aside(door, reply,
            [door, handler, request = call.request, reply,
             captured = std::move(call.captured)]() mutable {
              if (reply.closed()) return;
              route_call later{request, reply, std::move(captured)};
              handler(door, later);
            });
}

void get_index(const door_ptr& door, route_call& call) {
  const auto& profile = door->catalog().config.profile;
  const bool printable = std::ranges::all_of(
      profile, [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; });
  base::json_array routes;
  for (const auto& known : table)
    routes.add(std::string{to_string(known.verb)}.append(" ").append(known.path));
  answer_json(call.reply, 200,
              base::json_object{{"name", "greenroom"},
                                {"node", door->node->identity()},
                                {"profile", printable ? profile : std::string{}},
                                {"routes", routes}});
}

}  // namespace

void dispatch(const door_ptr& door, machine::http::request& request,
              const machine::http::responder& reply) {
  route_call call{request, reply, {}};
  if (!door->access->admit(door->catalog().config.access, call)) return;
  const auto path = request.path();
  auto verb = request.verb();
  // Nearly all requests are this one.
  if (verb == method::post && path == "/v1/tasks") return post_task(door, call);
  // The server leaves out the content of an answer to HEAD.
  if (verb == method::head) verb = method::get;
  std::set<std::string_view> allowed;
  for (const auto& known : table) {
    auto captured = match(known.path, path);
    if (!captured) continue;
    if (known.verb != verb) {
      allowed.insert(to_string(known.verb));
      if (known.verb == method::get) allowed.insert("HEAD");
      continue;
    }
    // A filter that cannot be decoded must not be ignored.
    if (!decoded(request.query(), true))
      return answer(reply, malformed("The query has a % that no two hexadecimal digits follow; "
                                     "write %25 for the sign itself."));
    call.captured = *std::move(captured);
    return known.where == aside ? call_aside(door, known.handler, std::move(call))
                                : known.handler(door, call);
  }
  answer_no_method(request, reply, std::move(allowed));
}

}  // namespace greenroom::doors
