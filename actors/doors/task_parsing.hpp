// Parts of a call that are about a task: the body, and an identifier in the path.
#pragma once

#include "actors/doors/answers.hpp"
#include "actors/doors/door.hpp"
#include "protocols/base/expected.hpp"
#include "protocols/http_task.hpp"

namespace greenroom::doors {

/// The task that `{id}` of the path names.
[[nodiscard]] base::expected<protocols::task_id, rejection> task_in_path(const route_call& call);

/// The body and the `Idempotency-Key` field as a task. Afterwards the call's request is empty. With
/// `may_be_empty` an empty body is a task without input.
[[nodiscard]] base::expected<protocols::http_task, rejection> task_in_body(const door& door,
                                                                           const route_call& call,
                                                                           bool may_be_empty);

}  // namespace greenroom::doors
