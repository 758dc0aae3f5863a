// How the rest of the node reaches a department.
#pragma once

#include "actors/mailbox/port.hpp"
#include "protocols/task.hpp"

#include <caf/all.hpp>

#include <atomic>
#include <cstdint>

namespace greenroom::actors {

/// Tasks take this way; control messages go to the `protocols::department_actor`, whose handle
/// reaches an actor of another node as well. A department of another node would implement `submit`
/// by sending the task there. Any thread.
class department_link {
public:
  department_link() = default;
  virtual ~department_link() = default;
  department_link(const department_link&) = delete;
  department_link& operator=(const department_link&) = delete;

  /// Gives the department a task; `task::phase` says what is to be done. A task that is submitted
  /// while no department runs waits for the next department. `unit`: the execution unit of the
  /// calling thread, or null.
  virtual void submit(protocols::task_ptr job, caf::execution_unit* unit) = 0;

  /// Wakes the department if it asked for that until `now_ns`, a steady time. True when the
  /// department wants to be woken later.
  [[nodiscard]] virtual bool wake_if_due(std::int64_t now_ns, caf::execution_unit* unit) = 0;
};

/// A department of this node: its port.
class local_department final : public department_link {
public:
  /// A signal of the port: the time of `wake_at` has come.
  static constexpr std::uint32_t due_bit = 1;

  explicit local_department(task_port& port) : port_{port} {}

  void submit(protocols::task_ptr job, caf::execution_unit* unit) override {
    port_.push(std::move(job), unit);
  }
  [[nodiscard]] bool wake_if_due(std::int64_t now_ns, caf::execution_unit* unit) override;

  // -- for the department --
  /// The dispatcher's timer wakes the department at that time; 0: not any more.
  void wake_at(std::int64_t due_ns, std::memory_order order) { wake_at_ns_.store(due_ns, order); }

private:
  task_port& port_;
  std::atomic<std::int64_t> wake_at_ns_{0};  // 0: never.
};

}  // namespace greenroom::actors
