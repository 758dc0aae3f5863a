// A department's conversation with its director about warm slots, and the commands to workers that
// follow from it.
#pragma once

#include "actors/tasks/department_context.hpp"
#include "actors/tasks/department_usage.hpp"
#include "protocols/node_messages.hpp"
#include "runtime/pooling/slot_answers.hpp"

#include <cstdint>

namespace greenroom::actors {

/// Either side may have lost what the other side said, so a department repeats its requests and
/// answers each grant and recall with the state of the worker.
class department_slots {
public:
  department_slots(department_context& of, department_usage& usage) : context_{of}, usage_{usage} {}

  // -- to the director --
  void report(const specialist_entry& entry, protocols::slot_news::kind what,
              std::int64_t start_ns = 0);
  void report_state(const specialist_entry& entry);
  void request(specialist_entry& entry);
  /// No task waits for a slot any more, or the slot is there.
  void withdraw_request(specialist_entry& entry);
  /// The timer of `request` has run out.
  void on_requests_due() { timer_runs_ = false; }

  // -- from the director. True: the specialist's queue has to be dispatched. --
  [[nodiscard]] bool on_grant(specialist_entry& entry, const protocols::slot_grant& slot);
  [[nodiscard]] bool on_recall(specialist_entry& entry, const protocols::slot_recall& slot);

  // -- the worker's state --
  void enter(specialist_entry& entry, worker_state next);
  void start_worker(specialist_entry& entry);
  void stop_worker(specialist_entry& entry);
  /// Stops a worker that runs an old definition, and starts another one in the same slot.
  /// @pre no task is dispatched.
  void replace_worker(specialist_entry& entry);
  /// An inline callable has no worker that would have to end first.
  void cool_inline_callable(specialist_entry& entry);
  void on_warm(specialist_entry& entry, std::int64_t start_ns);

private:
  [[nodiscard]] runtime::slot_holder holder_of(const specialist_entry& entry) const;

  department_context& context_;
  department_usage& usage_;
  bool timer_runs_ = false;
};

}  // namespace greenroom::actors
