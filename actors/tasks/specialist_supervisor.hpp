// A department's supervision: the spawns and restarts of its specialists, the catalog that it works
// with, and the recovery of tasks after a loss.
#pragma once

#include "actors/tasks/department_circuits.hpp"
#include "actors/tasks/department_context.hpp"
#include "actors/tasks/department_queues.hpp"
#include "actors/tasks/department_retries.hpp"
#include "actors/tasks/department_slots.hpp"
#include "actors/tasks/department_usage.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <optional>

namespace greenroom::actors {

class specialist_supervisor {
public:
  specialist_supervisor(department_context& of, department_usage& usage,
                        department_circuits& circuits, department_slots& slots,
                        department_queues& queues, department_retries& retries)
      : context_{of},
        usage_{usage},
        circuits_{circuits},
        slots_{slots},
        queues_{queues},
        retries_{retries},
        first_lease_{of.own_pool().leases.load(std::memory_order_relaxed)} {}

  /// The department owns the tasks: no specialist of a former department lives.
  [[nodiscard]] bool is_open() const { return open_; }

  // -- the catalog --
  void adopt_catalog();

  // -- a former department of this index --
  /// Ends the specialists of a former department. They die with it, but not at the same moment, and
  /// could still touch a task. True when none is left; otherwise `on_former_specialist_down` says
  /// so.
  [[nodiscard]] bool end_former_specialists();
  [[nodiscard]] bool on_former_specialist_down() { return --awaited_ == 0; }
  void open();
  /// Finds the tasks in the ledger that the former department held and that have not ended.
  void recover_tasks();

  // -- the specialists of this department --
  void spawn_specialist(std::uint32_t position);
  /// The position of the specialist whose actor this is.
  [[nodiscard]] std::optional<std::uint32_t> position_of(const caf::actor_addr& actor) const;
  /// The actor of this specialist was lost. @pre the port has been emptied since. False when the
  /// department must give up: then its pool decides.
  [[nodiscard]] bool on_specialist_lost(std::uint32_t position);

private:
  void add_entries(const catalog& current);
  void begin_anew(specialist_entry& entry);
  void drop_former_callables();
  void adopt_definition(specialist_entry& entry, const catalog& current);
  void adopt_removal(specialist_entry& entry);
  void renew_worker(specialist_entry& entry);
  void publish_vacancy(specialist_entry& entry, const catalog& current);
  void take_back_tasks(specialist_entry& entry);
  [[nodiscard]] config::restart restart_limits() const;

  department_context& context_;
  department_usage& usage_;
  department_circuits& circuits_;
  department_slots& slots_;
  department_queues& queues_;
  department_retries& retries_;
  std::uint64_t first_lease_;  // Grants up to this one were for a former department.
  std::size_t awaited_ = 0;    // Specialists of a former department that are not dead yet.
  bool open_ = false;
};

}  // namespace greenroom::actors
