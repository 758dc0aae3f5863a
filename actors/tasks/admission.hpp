// The admission: what happens at the door, on the caller's own thread, without asking any actor.
#pragma once

#include "actors/node/node.hpp"
#include "actors/rollout/shadow_traffic.hpp"
#include "actors/state/catalog_store.hpp"
#include "actors/state/inboxes.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/routing_table.hpp"
#include "actors/state/tool_offers.hpp"
#include "actors/tasks/completion.hpp"
#include "runtime/machine/journal/journal.hpp"
#include "runtime/machine/metrics/gauges.hpp"
#include "runtime/machine/tasks/ledger.hpp"

#include <memory>
#include <optional>
#include <string_view>
#include <variant>

namespace greenroom::actors {

/// The number by which a case is known to those who learn from cases; 0: it has none.
[[nodiscard]] std::uint64_t case_key_of(std::string_view case_id);

/// What the admission works with.
struct admission_parts {
  const node_clock& clock;
  const catalog_store& catalogs;
  pool_records& pools;
  machine::task_ledger& ledger;
  machine::node_gauge& gauge;
  dispatcher_inbox& dispatching;
  journal_inbox& journal;
  routing_table& routes;
  ends_feed& ends;
  mirror& shadow;
  tool_offers& offers;
  completion& ending;
};

/// Looks names up, decides admission from atomic counters, and puts what is admitted into the ring.
/// Any thread.
class admission {
public:
  explicit admission(const admission_parts& parts) : parts_{parts} {}

  std::variant<protocols::task_id, refusal> submit(task_request&& request,
                                                   std::shared_ptr<protocols::asker> who);
  /// An unfinished task of an earlier life of the node goes on. False when there is no room yet.
  bool resume(const machine::stored_task& stored);
  bool cancel(protocols::task& job);

  /// The specialist that is meant, or why there is none.
  [[nodiscard]] std::variant<std::uint32_t, refusal> find(const task_request& request) const {
    return find(request, pool());
  }
  [[nodiscard]] std::variant<std::uint32_t, refusal> find(std::string_view specialist) const;
  /// Who of a department answers best now: warm before cold, then the shortest line, then the most
  /// important. Nobody when the department is empty.
  [[nodiscard]] std::uint32_t best_of(std::uint32_t department, protocols::pool_kind in) const;

  /// Which pool answers when no rollout decides.
  void set_pool(protocols::pool_kind kind) {
    parts_.routes.configured.store(kind, std::memory_order_relaxed);
  }
  /// The pool that people mean when they ask how the node is doing.
  [[nodiscard]] protocols::pool_kind pool() const { return parts_.routes.main(); }

private:
  [[nodiscard]] std::variant<std::uint32_t, refusal> find(const task_request& request,
                                                          protocols::pool_kind in) const;
  bool copy(const protocols::task& like, const std::string& input, protocols::pool_kind pool,
            std::shared_ptr<protocols::asker> who, bool judged = true);
  /// Counts it in, at the specialist and in the node, unless it is refused.
  std::optional<refusal> admit(std::uint32_t who, const member& one, const task_request& request,
                               protocols::pool_kind pool, std::int64_t now_ns,
                               std::int64_t patience_ns, bool durable);
  /// A circuit of this pool kept a task, or a copy, from it: an error of the pool.
  void blame_circuit(protocols::pool_kind pool);
  [[nodiscard]] std::string why_no_journal() const;
  admission_parts parts_;
};

}  // namespace greenroom::actors
