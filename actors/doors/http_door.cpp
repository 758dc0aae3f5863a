#include "actors/doors/http_door.hpp"

#include "actors/doors/event_streams.hpp"
#include "actors/doors/http_routes.hpp"
#include "actors/doors/visitors.hpp"
#include "protocols/base/edit_distance.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace greenroom::doors {

namespace {

using machine::http::method;

struct entry {
  method verb;
  /// A segment in braces stands for any one segment, and with dots for all that follow.
  std::string_view path;
  route go;
  /// What reads much, of the journal or of what is known of everybody, does so on a thread of its
  /// own: a list must not hold up a task, or a probe.
  enum class place : bool { on_loop, aside } where = place::on_loop;
};
constexpr auto aside = entry::place::aside;

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
    {method::post, "/v1/rollout/start", steer_rollout},
    {method::post, "/v1/rollout/advance", steer_rollout},
    {method::post, "/v1/rollout/pause", steer_rollout},
    {method::post, "/v1/rollout/resume", steer_rollout},
    {method::post, "/v1/rollout/abort", steer_rollout},
    {method::post, "/v1/rollout/reset", steer_rollout},
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

/// Cuts off and returns the first segment of a path that begins with a slash.
std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);
  const auto end = std::min(path.find('/'), path.size());
  const auto segment = path.substr(0, end);
  path.remove_prefix(end);
  return segment;
}

bool matches(std::string_view pattern, std::string_view path, std::vector<std::string>& captured) {
  captured.clear();
  while (!pattern.empty() && !path.empty()) {
    if (path.front() != '/') return false;
    const auto wanted = take_segment(pattern);
    if (wanted.ends_with("...}")) {
      auto text = decoded(path.substr(1), false);
      if (!text || text->empty()) return false;
      captured.push_back(std::move(*text));
      return true;
    }
    const auto given = take_segment(path);
    if (wanted.starts_with('{')) {
      auto text = decoded(given, false);
      if (!text || text->empty()) return false;
      captured.push_back(std::move(*text));
    } else if (wanted != given) {
      return false;
    }
  }
  // One slash at the end is forgiven.
  return pattern.empty() && (path.empty() || path == "/");
}

void answer_no_route(const call& one, std::string_view path) {
  std::set<std::string_view> paths;
  for (const auto& known : table) paths.insert(known.path);
  std::vector<std::pair<std::size_t, std::string_view>> ranked;
  ranked.reserve(paths.size());
  for (const auto known : paths)
    ranked.emplace_back(base::edit_distance(path, known, base::exact_letters), known);
  std::sort(ranked.begin(), ranked.end());
  auto about =
      protocols::problem_named("no-such-route", 404, "Not found",
                               "There is nothing at this path; GET / lists what there is.");
  constexpr std::size_t shown = 3;
  for (const auto& [distance, known] : ranked)
    if (about.nearest.size() < shown && distance <= known.size()) about.nearest.emplace_back(known);
  answer_problem(one.reply, about);
}

void run_aside(const door_ptr& here, route go, call&& one) {
  // Nothing here reads a body, and it would be held until its turn.
  static_cast<void>(one.asked.take_body());
  const auto taken = here->of->aside([here, go, asked = one.asked, reply = one.reply,
                                      captured = std::move(one.captured)]() mutable {
    if (reply.closed()) return;
    call later{asked, reply, std::move(captured)};
    go(here, later);
  });
  if (!taken) answer_state_full(here, one.reply);
}

void dispatch(const door_ptr& here, machine::http::request& asked,
              const machine::http::responder& reply) {
  call one{asked, reply, {}};
  if (!here->at_the_door->let_in(*here, one)) return;
  const auto path = asked.path();
  auto verb = asked.verb();
  // Nearly all requests are this one.
  if (verb == method::post && path == "/v1/tasks") return post_task(here, one);
  // The server leaves out the content of an answer to HEAD.
  if (verb == method::head) verb = method::get;
  std::set<std::string_view> allowed;
  for (const auto& known : table) {
    if (!matches(known.path, path, one.captured)) continue;
    if (known.verb == verb) {
      // A filter that cannot be read must not become no filter.
      if (!decoded(asked.query(), true))
        return answer_problem(
            reply, protocols::problem_of(protocols::failure::malformed,
                                         "The query has a % that no two hexadecimal digits follow; "
                                         "write %25 for the sign itself."));
      return known.where == aside ? run_aside(here, known.go, std::move(one)) : known.go(here, one);
    }
    allowed.insert(to_string(known.verb));
    if (known.verb == method::get) allowed.insert("HEAD");
  }
  if (path == "*") allowed = {"GET", "POST", "PUT", "DELETE"};
  if (allowed.empty()) return answer_no_route(one, path);
  std::string allow = "Allow: OPTIONS";
  for (const auto known : allowed) allow.append(", ").append(known);
  allow += "\r\n";
  if (verb == method::options) return reply.answer(204, {}, {}, allow);
  answer_problem(
      reply,
      protocols::problem_named("method-not-allowed", 405, "Method not allowed",
                               std::string{asked.method_name()}
                                   + " is not allowed here; the Allow field lists what is."),
      allow);
}

}  // namespace

void get_index(const door_ptr& here, call& one) {
  std::string body = R"({"name":"greenroom","node":")" + here->of->identity() + R"(","profile":")";
  const auto& profile = here->cast().config.profile;
  body += std::all_of(profile.begin(), profile.end(),
                      [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; })
              ? profile
              : std::string{};
  body += R"(","routes":[)";
  auto first = true;
  for (const auto& known : table) {
    if (!std::exchange(first, false)) body += ',';
    body.append("\"").append(to_string(known.verb)).append(" ").append(known.path).append("\"");
  }
  answer_json(one.reply, 200, body + "]}");
}

struct http_door::parts {
  door_ptr here;
  std::unique_ptr<machine::http::server> server;
};

http_door::http_door(std::unique_ptr<parts> inside) : parts_{std::move(inside)} {}

std::variant<std::unique_ptr<http_door>, std::string> http_door::open(node& of, machine::engine& on,
                                                                      http_door_options options) {
  auto here = std::make_shared<door>();
  here->of = &of;
  here->io = &on;
  here->options = std::move(options);
  here->events = event_streams::open(of, on);
  here->at_the_door = std::make_shared<visitors>(here->options.address);
  machine::http::server_options wanted;
  wanted.address = here->options.address;
  wanted.port = here->options.port;
  wanted.request_bytes = here->options.limits.request_bytes;
  wanted.connections = here->options.limits.connections;
  wanted.unfinished_bytes = here->options.limits.upload_bytes;
  wanted.unsent_bytes = here->options.limits.unsent_bytes;
  wanted.header_timeout = here->options.limits.header_timeout;
  wanted.idle_timeout = here->options.limits.idle_timeout;
  auto made = machine::http::server::start(
      on, wanted, [here](machine::http::request& asked, const machine::http::responder& reply) {
        dispatch(here, asked, reply);
      });
  if (!made) {
    here->events->close();
    return made.error().text;
  }
  auto inside = std::make_unique<parts>();
  inside->server = *std::move(made);
  here->at_the_door->set_port(inside->server->port());
  inside->here = std::move(here);
  return std::unique_ptr<http_door>{new http_door{std::move(inside)}};
}

http_door::~http_door() { close(); }

std::uint16_t http_door::port() const { return parts_->server->port(); }

machine::http::server_counters http_door::counters() const { return parts_->server->counters(); }

void http_door::stop_accepting() {
  parts_->here->events->close();
  parts_->server->stop_accepting();
}

void http_door::close() {
  parts_->here->events->close();
  parts_->server->stop();
}

}  // namespace greenroom::doors
