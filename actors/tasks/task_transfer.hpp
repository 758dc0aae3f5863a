// How a department gives tasks away: to the other pool when the department's pool is being left,
// and to a specialist's fallback while the specialist's circuit is open.
#pragma once

#include "actors/tasks/department_context.hpp"
#include "protocols/task.hpp"

#include <cstdint>

namespace greenroom::actors {

/// A task always counts in exactly one specialist's depth: the thread that exchanges
/// `task::counted` settles the counters, here or at the task's end.
class task_transfer {
public:
  explicit task_transfer(department_context& of) : context_{of} {}

  /// A copy that is only compared ends instead.
  void use_other_pool(protocols::task_ptr job);
  /// False when no fallback can take the task, which then stays with the caller.
  [[nodiscard]] bool use_fallback(const specialist_entry& entry, protocols::task_ptr& job);

private:
  /// By way of the dispatcher. @pre the task is counted at the new specialist already.
  void move(protocols::task_ptr job, std::uint32_t specialist, protocols::pool_kind pool);

  department_context& context_;
};

}  // namespace greenroom::actors
