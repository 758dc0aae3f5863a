// A department: the supervisor of its specialists, and the owner of their queues.
#pragma once

#include "actors/tasks/department_circuits.hpp"
#include "actors/tasks/department_context.hpp"
#include "actors/tasks/department_queues.hpp"
#include "actors/tasks/department_retries.hpp"
#include "actors/tasks/department_slots.hpp"
#include "actors/tasks/department_usage.hpp"
#include "actors/tasks/department_workers.hpp"
#include "actors/tasks/specialist_supervisor.hpp"
#include "actors/tasks/task_transfer.hpp"
#include "protocols/node_messages.hpp"

#include <caf/all.hpp>

#include <cstdint>

namespace greenroom::actors {

/// Takes tasks through its port, dispatches each task to its specialist when the specialist is warm
/// and has room, requests slots, retries failed attempts, and replaces specialists that died. The
/// actor is a table of messages; the work is done by the classes above, each of which uses only the
/// classes before it in the list of members. Gives up, with an error as the reason, when its
/// specialists' actors die too often: then its pool decides.
class department final : public draining_actor<department_interface> {
public:
  department(caf::actor_config& cfg, const department_parts& parts, std::uint32_t index,
             protocols::pool_kind pool, protocols::director_actor director);

  [[nodiscard]] const char* name() const override { return "greenroom.department"; }

protected:
  behavior_type make_behavior() override;
  void drain() override;
  void on_exit() override;

private:
  /// Empties the port although a wake-up may be on its way.
  void drain_now();
  void take(protocols::task_ptr job);
  void take_over_tasks();
  void on_exit_message(const caf::exit_msg& message);
  void on_upkeep();
  void on_purge(const protocols::purge& ended);
  void on_spawn_due(std::uint32_t position);
  void on_check_workers();
  void report_to(protocols::director_actor director);
  void leave_pool(bool fence);

  department_context context_;
  department_usage usage_{context_};
  department_circuits circuits_{context_};
  task_transfer transfer_{context_};
  department_slots slots_{context_, usage_};
  department_queues queues_{context_, usage_, circuits_, transfer_, slots_};
  department_retries retries_{context_, circuits_, transfer_, slots_, queues_};
  department_workers workers_{context_, usage_, slots_, queues_, retries_};
  specialist_supervisor supervision_{context_, usage_, circuits_, slots_, queues_, retries_};
};

}  // namespace greenroom::actors
