// What the classes of one department share: the parts of the node, the department's own actor, and
// one entry for each specialist.
#pragma once

#include "actors/mailbox/draining_actor.hpp"
#include "actors/tasks/department_parts.hpp"
#include "actors/tasks/specialist_entry.hpp"
#include "protocols/node_messages.hpp"
#include "protocols/task.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <functional>
#include <random>
#include <vector>

namespace greenroom::actors {

// A department's messages to itself.
using upkeep_due = caf::atom_constant<caf::atom("upkeep")>;
using requests_due = caf::atom_constant<caf::atom("requests")>;
using usage_due = caf::atom_constant<caf::atom("usage")>;
using spawn_due = caf::atom_constant<caf::atom("spawn")>;

/// What other actors send, and the department's timers.
using department_interface = protocols::department_actor::extend<
    // Retries, half-open circuits and starts after a backoff.
    caf::reacts_to<upkeep_due>,
    // Request again the slots that were not granted.
    caf::reacts_to<requests_due>,
    // Report the load to the director.
    caf::reacts_to<usage_due>,
    // Replace the actor of the specialist at this position.
    caf::reacts_to<spawn_due, std::uint32_t>>;

using department_base = draining_actor<department_interface>;

/// The end of the task is decided: the department has nothing more to do for it.
[[nodiscard]] inline bool is_claimed(const protocols::task& job) {
  return job.claimed.load(std::memory_order_acquire);
}

/// Lives in the department's actor, and is used only in the actor's turns.
struct department_context {
  department_context(department_base& actor, const department_parts& with,
                     std::uint32_t department_index, protocols::pool_kind in,
                     protocols::director_actor to);

  [[nodiscard]] std::int64_t now_ns() const { return parts.clock.now_ns(); }
  [[nodiscard]] const catalog& catalog_now() const { return parts.catalogs.now(); }
  [[nodiscard]] const config::node& config() const { return catalog_now().config; }
  [[nodiscard]] pool_record& own_pool() const { return parts.pools.of(pool); }
  [[nodiscard]] department_record& record() const { return own_pool().departments[index]; }

  /// Adopts a newer catalog first, because a task may arrive sooner than the message that the
  /// catalog has changed: the index may be new, or may have meant another specialist. That may move
  /// the entries, so only the function that receives a task or a message calls this.
  [[nodiscard]] specialist_entry& entry_of(std::uint32_t specialist);
  [[nodiscard]] const member& member_of(const specialist_entry& entry) const {
    return catalog_now().members[entry.index];
  }
  [[nodiscard]] const std::string& name_of(const specialist_entry& entry) const {
    return member_of(entry).config.name;
  }
  [[nodiscard]] specialist_record& record_of(const specialist_entry& entry) const {
    return own_pool().specialists[entry.index];
  }
  /// Null while no actor lives, and for an inline callable.
  [[nodiscard]] const protocols::specialist_actor& actor_of(const specialist_entry& entry) const {
    return record_of(entry).actor;
  }
  [[nodiscard]] bool has_live_actor(const specialist_entry& entry) const {
    return entry.has_actor && static_cast<bool>(actor_of(entry));
  }
  void show(const specialist_entry& entry, worker_state state) const {
    record_of(entry).gauge.state.store(state, std::memory_order_relaxed);
  }
  /// The worker may be started again in the slot that it has.
  [[nodiscard]] bool may_restart(const specialist_entry& entry) const {
    return has_live_actor(entry) && !member_of(entry).gone && !parts.gauge.closing && !is_leaving();
  }
  /// The pool is being left: tasks go to the other pool.
  [[nodiscard]] bool is_leaving() const {
    return parts.routes.leaving[index_of(pool)].load(std::memory_order_acquire);
  }
  /// In [0, 1), for jitter.
  [[nodiscard]] double chance() { return std::uniform_real_distribution<double>{0, 1}(random); }

  department_base& self;
  department_parts parts;
  std::uint32_t index;
  protocols::pool_kind pool;
  protocols::director_actor director;
  std::mt19937_64 random;
  /// Differs from the number of every other department of the node, predecessors included.
  std::uint32_t incarnation;
  std::vector<specialist_entry> entries;  ///< By position.
  std::uint32_t generation = 0;           ///< Of the catalog that was adopted last.
  std::function<void()> adopt_catalog;    ///< Set by the department.
};

}  // namespace greenroom::actors
