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

/// One specialist's place in one pool. The worker hangs here rather than in the actor, so that its
/// department can release the worker whatever became of the actor.
struct specialist_record {
  specialist_record();
  ~specialist_record();
  machine::specialist_gauge gauge;
  task_port port;
  /// Set by its department; the last actor that was spawned.
  protocols::specialist_actor actor;
  /// Starts that failed since it was up last, and what its worker died of last.
  std::atomic<std::uint32_t> failed_starts{0};
  synchronized<std::string> last_error;
  std::array<machine::counter, machine::task_outcomes> shadow_ends{};  ///< Of copies.
  /// Since when its department has been asking for a slot, steady clock; 0: it does not.
  std::atomic<std::int64_t> slot_wanted_since_ns{0};
  /// The `cast::definitions` that its worker was started with; 0: it has none.
  std::atomic<std::uint32_t> definition{0};
  /// Said by its department of one that is gone: neither tasks nor a worker are left of it. The
  /// `cast::left` of that departure, since it may come back and go again; 0: nothing was said.
  std::atomic<std::uint32_t> vacant_since{0};
  // The specialist's own while it lives, its department's afterwards.
  std::shared_ptr<machine::worker> worker;
  std::shared_ptr<worker_link> link;

  /// The index belongs to another specialist from now on. @pre It is vacant.
  void begin_anew();

  /// The actor is dead: cut off the worker and end it, and forget tasks left in the port (their
  /// department has its own list of them).
  void abandon();
};

/// One department's place in one pool.
struct department_record {
  task_port port;
  machine::department_gauge gauge;
  local_department local{port};
  department_link* link = &local;  ///< The way for everybody but the department itself.
};

struct pool_record {
  stable_array<specialist_record> specialists;  ///< By index in the cast.
  stable_array<department_record> departments;
  machine::pool_gauge gauge;
  std::atomic<bool> open{false};  ///< Its actors run.
  /// The number of the last grant. Directors come and go, and no two grants have the same.
  std::atomic<std::uint64_t> leases{1};
  /// Waits for a slot beside an idle one, as the monitor found them: now, and each once in all.
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
  /// Its worker in that pool runs a definition that a reload has changed or removed.
  [[nodiscard]] bool runs_old_definition(const catalog& current, protocols::pool_kind which,
                                         std::uint32_t who) const;

  [[nodiscard]] auto begin() { return pools_.begin(); }
  [[nodiscard]] auto end() { return pools_.end(); }
  [[nodiscard]] auto begin() const { return pools_.begin(); }
  [[nodiscard]] auto end() const { return pools_.end(); }

  /// Ends of copies (shadow traffic), which no other sum has.
  std::array<machine::counter, machine::task_outcomes> shadow_ends{};

private:
  std::array<pool_record, pool_count> pools_;
};

}  // namespace greenroom::actors
