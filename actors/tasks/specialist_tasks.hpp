// The tasks of one specialist: those that its worker runs, and those that wait for room in the
// worker.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/tasks/specialist_worker.hpp"
#include "actors/tasks/task_completion.hpp"
#include "protocols/task.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace greenroom::actors {

/// What the tasks of a specialist need.
struct specialist_tasks_parts {
  const node_clock& clock;
  const catalog_store& catalogs;
  task_completion& ending;
};

/// A task goes back to the department through the department's port. Not thread-safe.
class specialist_tasks {
public:
  /// `self`: the actor in whose turns everything here is called.
  specialist_tasks(const specialist_tasks_parts& parts, caf::local_actor& self,
                   specialist_record& record, department_record& department, std::uint32_t index,
                   specialist_worker& worker)
      : parts_{parts},
        self_{self},
        record_{record},
        department_{department},
        index_{index},
        worker_{worker} {}

  [[nodiscard]] bool is_idle() const { return running_.empty(); }

  /// From the department.
  void accept(protocols::task_ptr job);
  /// The worker has finished with the task: see `task::result`.
  void on_result(protocols::task_ptr job);
  /// A new worker: its tasks are not taken away.
  void on_start() { fencing_ = false; }
  void on_worker_gone(const std::string& why);

  /// Gives back the tasks that have not begun.
  void return_waiting();
  /// Takes the running tasks away from the worker. True when a task is left that only the end of
  /// the worker takes away.
  [[nodiscard]] bool fence();

  struct drop_result {
    bool again = false;  ///< Look again after the grace.
    bool stop = false;   ///< The worker does not let go in time, and works for no other caller.
  };
  /// Has the worker cancel the tasks that were ended elsewhere, and gives back those that have not
  /// begun. For each the worker has `grace` to answer; a worker whose protocol has no message for
  /// that, or that ignores the message, holds a slot for nothing.
  [[nodiscard]] drop_result drop_ended(std::chrono::nanoseconds grace);

  void clear();

private:
  struct running_task {
    protocols::task_ptr job;
    /// Since when it is known that the task was ended elsewhere; 0: not known.
    std::int64_t overdue_since_ns = 0;
  };

  void run(protocols::task_ptr job);
  void end(protocols::task_ptr job);
  void give_back(protocols::task_ptr job, protocols::task_phase phase);
  void run_waiting();
  [[nodiscard]] std::uint32_t width() const { return parts_.catalogs.now().members[index_].width; }

  specialist_tasks_parts parts_;
  caf::local_actor& self_;
  specialist_record& record_;
  department_record& department_;
  std::uint32_t index_;
  specialist_worker& worker_;
  std::vector<running_task> running_;
  std::vector<protocols::task_ptr> waiting_;  // Dispatched ahead, so that the worker is never idle.
  bool fencing_ = false;  // Tasks that the worker lets go of are for another worker.
};

}  // namespace greenroom::actors
