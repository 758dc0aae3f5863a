// What a department does with tasks that come back from its specialists: retries, fallbacks, and
// the verdict for the circuit.
#pragma once

#include "actors/tasks/department_circuits.hpp"
#include "actors/tasks/department_context.hpp"
#include "actors/tasks/department_queues.hpp"
#include "actors/tasks/department_slots.hpp"
#include "actors/tasks/task_transfer.hpp"
#include "protocols/task.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace greenroom::actors {

class department_retries {
public:
  department_retries(department_context& of, department_circuits& circuits, task_transfer& transfer,
                     department_slots& slots, department_queues& queues)
      : context_{of}, circuits_{circuits}, transfer_{transfer}, slots_{slots}, queues_{queues} {}

  /// The task has ended.
  void on_ended(protocols::task_ptr job);
  /// The worker has finished with the task, and the task may be tried again.
  void on_failed(protocols::task_ptr job);
  /// The task was dispatched and has not begun.
  void on_returned(protocols::task_ptr job);
  /// The journal has the start of the task, so the task may begin.
  void on_committed(protocols::task_ptr job);
  /// The actor that had the task was lost. @pre the task is not claimed.
  void on_actor_lost(specialist_entry& entry, protocols::task_ptr job, std::string why);
  /// A failure for the specialist's circuit. When the circuit opens, tasks that wait for a retry go
  /// to the fallback.
  void fail_circuit(specialist_entry& entry, bool own_fault = true);

  [[nodiscard]] bool has_retry(const specialist_entry& entry) const;
  /// A retry of a task that has not ended.
  [[nodiscard]] bool has_live_retry(const specialist_entry& entry) const;
  void leave_pool();
  /// Queues the retries that are due. True while retries wait.
  [[nodiscard]] bool upkeep();
  void clear() { retries_.clear(); }

private:
  struct retry {
    std::int64_t due_ns = 0;
    protocols::task_ptr job;
  };

  void retry_or_end(specialist_entry& entry, protocols::task_ptr job);
  void end_unsafe(protocols::task& job, const std::string& message);
  void end_failed(const specialist_entry& entry, protocols::task& job, const std::string& message);
  void requeue(specialist_entry& entry, protocols::task_ptr job);
  /// The caller gave the task less time than the specialist's own task_timeout.
  [[nodiscard]] bool is_hurried(const specialist_entry& entry, const protocols::task& job) const;
  void judge_ended(specialist_entry& entry, const protocols::task& job);

  department_context& context_;
  department_circuits& circuits_;
  task_transfer& transfer_;
  department_slots& slots_;
  department_queues& queues_;
  std::vector<retry> retries_;
};

}  // namespace greenroom::actors
