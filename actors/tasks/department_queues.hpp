// The queues of a department's specialists: a task waits here until its specialist is warm and has
// room, and counts as dispatched until it comes back or ends.
#pragma once

#include "actors/tasks/department_circuits.hpp"
#include "actors/tasks/department_context.hpp"
#include "actors/tasks/department_slots.hpp"
#include "actors/tasks/department_usage.hpp"
#include "actors/tasks/task_transfer.hpp"
#include "protocols/task.hpp"

#include <cstdint>
#include <string>

namespace greenroom::actors {

class department_queues {
public:
  department_queues(department_context& of, department_usage& usage, department_circuits& circuits,
                    task_transfer& transfer, department_slots& slots)
      : context_{of}, usage_{usage}, circuits_{circuits}, transfer_{transfer}, slots_{slots} {}

  /// The department begins to empty its port.
  void on_drain() { now_ns_ = context_.now_ns(); }

  /// A new task.
  void accept(protocols::task_ptr job);
  /// A task that was dispatched or waited for a retry is next.
  void enqueue_first(specialist_entry& entry, protocols::task_ptr job);
  /// A task that a former department had queued.
  void enqueue(specialist_entry& entry, protocols::task_ptr job);
  /// Does what the specialist's queue and state ask for: dispatches tasks, requests a slot, or
  /// stops the worker. Called after every change of either.
  void dispatch_queued(specialist_entry& entry);
  /// To the specialist, or first to the journal. @pre the specialist is warm and has room.
  void dispatch(specialist_entry& entry, protocols::task_ptr job);
  /// The task is not with the specialist any more. False when this department had not dispatched
  /// the task.
  bool take_back(specialist_entry& entry, protocols::task& job);
  /// A task has left the specialist: the time without tasks may begin at `since_ns`.
  void on_task_left(specialist_entry& entry, std::int64_t since_ns);

  void fail_queued(specialist_entry& entry, protocols::failure why, const std::string& message);
  /// Removes tasks that were ended elsewhere, and has the specialist cancel those that run.
  void release_ended(specialist_entry& entry);
  /// The pool is being left. With `fence` the running tasks come back too.
  void leave_pool(bool fence);
  /// The deadlines of tasks that wait for the start of a worker.
  void allow_start(specialist_entry& entry);
  void allow_start(protocols::task& job) const;
  /// Requests the slots again that the director has not granted, or dispatches.
  void renew_requests();
  /// The same for every queue, because a new director knows no request.
  void request_all_again();

  void arm_upkeep();
  /// True when a queue needs the next upkeep.
  [[nodiscard]] bool upkeep();
  void on_upkeep_due() { upkeep_armed_ = false; }

private:
  void dispatch_to_warm(specialist_entry& entry, const member& who);
  void request_slot(specialist_entry& entry);
  void run_inline(specialist_entry& entry, protocols::task_ptr job);
  void count_start(const specialist_entry& entry, bool finds_warm) const;
  /// Gives the tasks to the fallback that need not wait for the circuit.
  void relieve(specialist_entry& entry);

  department_context& context_;
  department_usage& usage_;
  department_circuits& circuits_;
  task_transfer& transfer_;
  department_slots& slots_;
  std::int64_t now_ns_ = 0;  // When the drain began, or the last inline callable returned.
  bool upkeep_armed_ = false;
};

}  // namespace greenroom::actors
