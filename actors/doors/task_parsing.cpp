#include "actors/doors/task_parsing.hpp"

#include <utility>

namespace greenroom::doors {

namespace {

/// The key of the header field, for a body without one.
base::expected<std::string, rejection> key_of(const route_call& call, std::string in_body) {
  const auto field = call.request.header("Idempotency-Key");
  if (!field) return in_body;
  auto key = protocols::idempotency_key_in(*field);
  if (!key) return malformed("The Idempotency-Key field " + key.error().text + ".");
  if (!in_body.empty() && in_body != *key)
    return malformed(
        "The Idempotency-Key field and \"idempotency_key\" in the body are not the same; send one "
        "of them.");
  return *std::move(key);
}

}  // namespace

base::expected<protocols::task_id, rejection> task_in_path(const route_call& call) {
  if (const auto id = protocols::parse_task_id(call.captured.front())) return *id;
  return rejection{protocols::problem_named("no-such-task", 404, "No such task",
                                            "There is no task of this id: an id is 32 hexadecimal "
                                            "digits, as POST /v1/tasks gave it.")};
}

base::expected<protocols::http_task, rejection> task_in_body(const door& door,
                                                             const route_call& call,
                                                             bool may_be_empty) {
  const auto body = call.request.body();
  protocols::http_task task;
  if (!may_be_empty || body.find_first_not_of(" \t\r\n") != std::string_view::npos) {
    auto parsed = protocols::parse_http_task(body, door.depth_max());
    if (!parsed) return unreadable_body(call, parsed.error().detail);
    task = *std::move(parsed);
  }
  auto key = key_of(call, std::move(task.request.idempotency_key));
  if (!key) return key.error();
  task.request.durable = task.request.durable || !key->empty();
  task.request.idempotency_key = *std::move(key);
  // The request lives until it is answered, and its content is in the task now.
  call.request.release();
  return task;
}

}  // namespace greenroom::doors
