// A task as a message, for actors on this node or another node.
#pragma once

#include "protocols/task_types.hpp"

#include <caf/actor.hpp>
#include <caf/meta/type_name.hpp>
#include <caf/replies_to.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace greenroom::protocols {

/// Exactly one of `specialist`, `department` and `command` is set. `input` is JSON text.
struct task_order {
  std::string specialist{};
  std::string department{};
  std::string command{};
  std::string input = "null";
  priority urgency = priority::normal;
  std::uint64_t timeout_ms = 0;  ///< 0: as configured. A duration, because clocks differ.
  bool durable = false;
  std::string idempotency_key{};
  std::string case_id{};
  /// Chosen by the caller; a part of every message about this order.
  std::uint64_t tag = 0;
  /// An actor of the caller's own system that handles `task_accepted` and `task_piece`, or none.
  /// The task is cancelled when the listener ends, unless the task is durable.
  caf::actor listener{};
};

/// To the listener: the task is accepted, with this identifier. Sent a second time, with the
/// identifier of the first task, when the order's idempotency key is known already.
struct task_accepted {
  std::uint64_t tag = 0;
  std::string id;  ///< 32 hexadecimal digits, for `task_cancel`.
};

/// To the listener: a piece of the output, in order, before the answer. After a retry the output
/// begins again, with the next number of the attempt. The worker is held back while the listener
/// has many pieces to handle.
struct task_piece {
  std::uint64_t tag = 0;
  std::uint32_t attempt = 1;
  std::string text;
};

/// Cancels a task.
struct task_cancel {
  std::string id;
};

/// The answer to an order. A refused order has no `id`.
struct task_answer {
  std::uint64_t tag = 0;
  std::string id;
  task_state state = task_state::failed;
  protocols::failure failure = protocols::failure::none;
  std::string output;                ///< JSON text of the result, or an error message.
  std::uint64_t retry_after_ms = 0;  ///< 0: retrying does not help.
  std::vector<std::string> nearest;  ///< Of an unknown name: the names nearest to it.
  std::uint32_t attempts = 0;
  bool cold_start = false;
};

template <class Inspector>
auto inspect(Inspector& f, task_order& x) {
  return f(caf::meta::type_name("task_order"), x.specialist, x.department, x.command, x.input,
           x.urgency, x.timeout_ms, x.durable, x.idempotency_key, x.case_id, x.tag, x.listener);
}
template <class Inspector>
auto inspect(Inspector& f, task_accepted& x) {
  return f(caf::meta::type_name("task_accepted"), x.tag, x.id);
}
template <class Inspector>
auto inspect(Inspector& f, task_piece& x) {
  return f(caf::meta::type_name("task_piece"), x.tag, x.attempt, x.text);
}
template <class Inspector>
auto inspect(Inspector& f, task_cancel& x) {
  return f(caf::meta::type_name("task_cancel"), x.id);
}
template <class Inspector>
auto inspect(Inspector& f, task_answer& x) {
  return f(caf::meta::type_name("task_answer"), x.tag, x.id, x.state, x.failure, x.output,
           x.retry_after_ms, x.nearest, x.attempts, x.cold_start);
}

}  // namespace greenroom::protocols

namespace greenroom {

/// A door of a node: an actor in the actor system of an embedding service.
using caf_door = caf::typed_actor<
    // Does one task, or refuses it: one answer to each order, when the task has ended. Ask with
    // `caf::infinite`: the task has a deadline of its own, and the door keeps it.
    caf::replies_to<protocols::task_order>::with<protocols::task_answer>,
    // Cancels a task. True when the task had not ended yet; its order is answered as cancelled.
    caf::replies_to<protocols::task_cancel>::with<bool>>;

}  // namespace greenroom

// Far from where an embedding service's own block begins. IDs are positions: append at the end.
CAF_BEGIN_TYPE_ID_BLOCK(greenroom_tasks, caf::first_custom_type_id + 20000)
CAF_ADD_TYPE_ID(greenroom_tasks, (greenroom::protocols::task_order))
CAF_ADD_TYPE_ID(greenroom_tasks, (greenroom::protocols::task_accepted))
CAF_ADD_TYPE_ID(greenroom_tasks, (greenroom::protocols::task_piece))
CAF_ADD_TYPE_ID(greenroom_tasks, (greenroom::protocols::task_cancel))
CAF_ADD_TYPE_ID(greenroom_tasks, (greenroom::protocols::task_answer))
CAF_END_TYPE_ID_BLOCK(greenroom_tasks)
