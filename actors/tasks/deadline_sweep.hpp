// Ends the tasks that are out of time, wherever they are.
#pragma once

#include "actors/state/node_clock.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/tasks/task_completion.hpp"
#include "protocols/task.hpp"
#include "runtime/machine/tasks/ledger.hpp"

#include <caf/all.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace greenroom::actors {

/// What the sweep works with.
struct deadline_sweep_parts {
  const node_clock& clock;
  pool_records& pools;
  machine::task_ledger& ledger;
  task_completion& ending;
};

class deadline_sweep {
public:
  /// By pool: the specialists whose departments hold tasks that have ended. Each once.
  using holders = std::array<std::vector<std::uint32_t>, pool_count>;

  explicit deadline_sweep(const deadline_sweep_parts& parts) : parts_{parts} {}

  /// Looks at a part of the ledger, so that the tasks of a busy node do not wait; the next call
  /// goes on from there.
  [[nodiscard]] holders run(std::int64_t now_ns, caf::execution_unit* unit);

private:
  deadline_sweep_parts parts_;
  std::size_t next_ = 0;  // The slot of the ledger where the next call begins.
};

/// What a task that is out of time waited for, and what came of it before: for the caller.
[[nodiscard]] std::string timeout_text(const protocols::task& job,
                                       const machine::specialist_gauge& specialist,
                                       std::int64_t now_ns);

}  // namespace greenroom::actors
