// What the routes share. Private to the doors.
#pragma once

#include "actors/doors/http_door.hpp"
#include "protocols/http_task.hpp"
#include "protocols/problem.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::doors {

class event_streams;
class visitors;

/// Lives as long as any answer that is still to come.
struct door {
  node* of = nullptr;
  machine::engine* io = nullptr;
  http_door_options options;
  std::shared_ptr<event_streams> events;
  std::shared_ptr<visitors> at_the_door;

  [[nodiscard]] const actors::catalog& cast() const { return options.playing(); }
  [[nodiscard]] int depth_max() const { return static_cast<int>(cast().config.limits.json_depth); }
};
using door_ptr = std::shared_ptr<door>;

/// One request on its way through a route.
struct call {
  machine::http::request& asked;
  machine::http::responder reply;
  std::vector<std::string> captured;  ///< What stands for `{name}` and `{id}`, decoded.

  /// The decoded value of a parameter of the query, `limit` in `?limit=10`.
  [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
};

/// Percent-decoding; nothing when a `%` is not followed by two hexadecimal digits.
[[nodiscard]] std::optional<std::string> decoded(std::string_view text, bool plus_is_space);

constexpr std::string_view json_type = "application/json";

void answer_json(const machine::http::responder& reply, int status, std::string body,
                 std::string_view headers = {});
/// With `Retry-After` where the problem says when. `more` is whole header lines.
void answer_problem(const machine::http::responder& reply, const protocols::problem& about,
                    std::string_view more = {});
void answer_refusal(const machine::http::responder& reply, const refusal& why);
/// As many lists and views wait as may.
void answer_state_full(const door_ptr& here, const machine::http::responder& reply);
/// For a body that could not be read. One that was sent in a coding (Content-Encoding) is told that
/// there is none that this node reads (415), any other what is wrong with it (400).
void answer_unreadable_body(const call& one, std::string detail);
/// The number of a task as it stands in a path; answers and returns nothing when it is none.
[[nodiscard]] std::optional<protocols::task_id> task_in_path(const call& one);
/// The body as a task; answers and returns nothing when it is not one. An empty body is allowed
/// with `may_be_empty`.
[[nodiscard]] std::optional<protocols::http_task> task_in_body(const door& here, const call& one,
                                                               bool may_be_empty);
[[nodiscard]] task_request request_of(protocols::http_task&& parsed);

[[nodiscard]] protocols::task_face face_of(const task_view& view);
/// @pre `done` has ended.
[[nodiscard]] protocols::task_face face_of(const protocols::task& done,
                                           const actors::catalog& names);
[[nodiscard]] std::string to_json(const specialist_view& one);

// -- the routes, by subject ---------------------------------------------------
using route = void (*)(const door_ptr&, call&);

void post_task(const door_ptr& here, call& one);
void get_task(const door_ptr& here, call& one);
void delete_task(const door_ptr& here, call& one);
void list_tasks(const door_ptr& here, call& one);

void run_workflow(const door_ptr& here, call& one);
void list_workflows(const door_ptr& here, call& one);

void list_specialists(const door_ptr& here, call& one);
void get_specialist(const door_ptr& here, call& one);
void warm_specialist(const door_ptr& here, call& one);
void cool_specialist(const door_ptr& here, call& one);
void list_predictions(const door_ptr& here, call& one);
void get_recording(const door_ptr& here, call& one);
void get_tuning(const door_ptr& here, call& one);
void post_tuning(const door_ptr& here, call& one);

void get_worker_lines(const door_ptr& here, call& one);
void post_reload(const door_ptr& here, call& one);
void post_stop(const door_ptr& here, call& one);

void list_alerts(const door_ptr& here, call& one);
void stream_events(const door_ptr& here, call& one);

void post_chat(const door_ptr& here, call& one);
void list_models(const door_ptr& here, call& one);
void get_model(const door_ptr& here, call& one);

void health_live(const door_ptr& here, call& one);
void health_ready(const door_ptr& here, call& one);
void health_pooling(const door_ptr& here, call& one);
void get_status(const door_ptr& here, call& one);
void get_metrics(const door_ptr& here, call& one);
void get_export(const door_ptr& here, call& one);
void post_backup(const door_ptr& here, call& one);
void get_backup_piece(const door_ptr& here, call& one);
void delete_backup(const door_ptr& here, call& one);
void get_index(const door_ptr& here, call& one);

void get_rollout(const door_ptr& here, call& one);
void steer_rollout(const door_ptr& here, call& one);
void get_routing(const door_ptr& here, call& one);
void put_routing(const door_ptr& here, call& one);
void post_rollback(const door_ptr& here, call& one);
void post_verify(const door_ptr& here, call& one);
void post_rollback_verify(const door_ptr& here, call& one);
void list_rollbacks(const door_ptr& here, call& one);
void get_rollback(const door_ptr& here, call& one);
void get_diagnosis(const door_ptr& here, call& one);
void get_report(const door_ptr& here, call& one);
void get_history(const door_ptr& here, call& one);

}  // namespace greenroom::doors
