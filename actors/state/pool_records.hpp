// What stays of each pool while its actors come and go: a record per specialist and per department.
#pragma once

#include "actors/mailbox/department_link.hpp"
#include "actors/mailbox/port.hpp"
#include "actors/state/catalog.hpp"
#include "actors/state/stable_array.hpp"
#include "actors/state/synchronized.hpp"
#include "protocols/department_messages.hpp"
#include "protocols/task.hpp"
#include "runtime/machine/metrics/gauges.hpp"
#include "runtime/machine/worker/worker.hpp"

#include <caf/all.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace greenroom::actors {

using base::worker_state;

constexpr std::size_t pool_count = 2;  ///< Indexed by `index_of`.
[[nodiscard]] constexpr std::size_t index_of(protocols::pool_kind which) {
  return static_cast<std::size_t>(which);
}

class worker_link;

/// One specialist in one pool. The worker is here and not in the actor, so that the department can
/// release the worker after the actor has died.
struct specialist_record {
  specialist_record();
  ~specialist_record();
  machine::specialist_gauge gauge;
  task_port port;
  /// Set by its department; the last actor that was spawned.
  protocols::specialist_actor actor;
  /// Failed starts since the worker was up last, and why the worker died last.
  std::atomic<std::uint32_t> failed_starts{0};
  synchronized<std::string> last_error;
  std::array<machine::counter, machine::task_outcome_count> shadow_ends{};  ///< Of shadow copies.
  /// Since when the department has been asking for a slot, steady clock; 0: does not ask.
  std::atomic<std::int64_t> slot_wanted_since_ns{0};
  /// The `catalog::definitions` with which the worker was started; 0: no worker.
  std::atomic<std::uint32_t> definition{0};
  /// Set by the department when a removed specialist has neither tasks nor a worker: the
  /// `catalog::left` of that removal, since a specialist may return and be removed again; 0: not
  /// set.
  std::atomic<std::uint32_t> vacant_since{0};
  // Owned by the specialist's actor while it runs, then by the department.
  std::shared_ptr<machine::worker> worker;
  std::shared_ptr<worker_link> link;

  /// The index belongs to another specialist from now on. @pre `vacant_since` is set.
  void begin_anew();

  /// After the actor's death: ends the worker, and drops the tasks in the port (the department has
  /// a list of them).
  void abandon();
};

/// One department in one pool.
struct department_record {
  task_port port;
  machine::department_gauge gauge;
  local_department local{port};
  department_link* link = &local;  ///< For all callers but the department itself.
};

struct pool_record {
  stable_array<specialist_record> specialists;  ///< By index in the cast.
  stable_array<department_record> departments;
  machine::pool_gauge gauge;
  std::atomic<bool> open{false};  ///< The pool's actors run.
  /// The number of the last grant. Directors come and go, and no two grants have the same.
  std::atomic<std::uint64_t> leases{1};
  /// Tasks that wait for a slot although one is idle, as the monitor found them: now, and in total.
  std::atomic<std::uint64_t> stuck_now{0};
  machine::counter stuck{0};
};

/// Both pools, by kind.
class pool_records {
public:
  [[nodiscard]] pool_record& of(protocols::pool_kind which) { return pools_[index_of(which)]; }
  [[nodiscard]] const pool_record& of(protocols::pool_kind which) const {
    return pools_[index_of(which)];
  }
  /// True if the specialist's worker in that pool runs a definition that a reload has changed or
  /// removed.
  [[nodiscard]] bool runs_old_definition(const catalog& current, protocols::pool_kind which,
                                         std::uint32_t who) const;

  [[nodiscard]] auto begin() { return pools_.begin(); }
  [[nodiscard]] auto end() { return pools_.end(); }
  [[nodiscard]] auto begin() const { return pools_.begin(); }
  [[nodiscard]] auto end() const { return pools_.end(); }

  /// Ends of shadow copies, which no other sum contains.
  std::array<machine::counter, machine::task_outcome_count> shadow_ends{};

private:
  std::array<pool_record, pool_count> pools_;
};

}  // namespace greenroom::actors
