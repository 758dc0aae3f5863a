// What a department does about the workers of its specialists: news of starts and ends, probes of
// idle workers, and the end of stuck workers.
#pragma once

#include "actors/tasks/department_context.hpp"
#include "actors/tasks/department_queues.hpp"
#include "actors/tasks/department_retries.hpp"
#include "actors/tasks/department_slots.hpp"
#include "actors/tasks/department_usage.hpp"
#include "protocols/node_messages.hpp"

namespace greenroom::actors {

class department_workers {
public:
  department_workers(department_context& of, department_usage& usage, department_slots& slots,
                     department_queues& queues, department_retries& retries)
      : context_{of}, usage_{usage}, slots_{slots}, queues_{queues}, retries_{retries} {}

  void on_news(specialist_entry& entry, const protocols::worker_news& news);
  void probe_idle_workers();
  /// Every worker has a time to start and to stop, and its specialist ends it afterwards. If that
  /// fails, the slot would be lost: then the specialist's actor is replaced, and its worker ends.
  void end_stuck_workers();

private:
  struct verdict {
    bool restart_at_once = false;
    bool exhausted = false;  ///< No start before somebody asks for the specialist.
  };
  [[nodiscard]] verdict on_death(specialist_entry& entry, const protocols::worker_news& news);
  /// A slot belongs to a task from the time when the task waits until it ends, also when the worker
  /// dies.
  [[nodiscard]] bool keeps_slot(const specialist_entry& entry) const;
  void restart(specialist_entry& entry);
  void on_cold(specialist_entry& entry, const protocols::worker_news& news, bool exhausted);
  void publish_death(const specialist_entry& entry, const char* event,
                     const protocols::worker_news& news) const;

  department_context& context_;
  department_usage& usage_;
  department_slots& slots_;
  department_queues& queues_;
  department_retries& retries_;
};

}  // namespace greenroom::actors
