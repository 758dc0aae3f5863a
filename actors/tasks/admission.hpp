// The admission: what happens at the door, on the caller's own thread, without asking any actor.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/inboxes.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/routing_table.hpp"
#include "actors/state/shadow_traffic.hpp"
#include "actors/state/tool_offers.hpp"
#include "actors/tasks/shadow_copies.hpp"
#include "actors/tasks/specialist_lookup.hpp"
#include "actors/tasks/task_completion.hpp"
#include "protocols/task_request.hpp"
#include "runtime/machine/journal/journal.hpp"
#include "runtime/machine/metrics/gauges.hpp"
#include "runtime/machine/tasks/ledger.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace greenroom::actors {

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
  shadow_traffic& shadow;
  tool_offers& offers;
  task_completion& ending;
};

/// Looks names up, decides admission from atomic counters, and puts admitted tasks into the ring.
/// Any thread.
class admission {
public:
  explicit admission(const admission_parts& parts);

  std::variant<protocols::task_id, refusal> submit(
      task_request&& request, std::shared_ptr<protocols::task_observer> caller);
  /// An unfinished task of an earlier run of the node goes on. False when there is no room yet.
  bool resume(const machine::stored_task& stored);
  bool cancel(protocols::task& job);

  /// The specialist that a request means in the pool that answers.
  [[nodiscard]] specialist_lookup::result find(const task_request& request) const {
    return lookup_.find(request, pool());
  }
  [[nodiscard]] specialist_lookup::result find(std::string_view specialist) const {
    return lookup_.find(specialist);
  }
  [[nodiscard]] std::uint32_t best_of(std::uint32_t department, protocols::pool_kind pool) const {
    return lookup_.best_of(department, pool);
  }

  /// Which pool answers when no rollout decides.
  void set_pool(protocols::pool_kind kind) {
    parts_.routes.configured.store(kind, std::memory_order_relaxed);
  }
  /// The pool that people mean when they ask how the node is doing.
  [[nodiscard]] protocols::pool_kind pool() const { return parts_.routes.main(); }

private:
  /// A request on the way to a specialist, or to the specialist's fallback.
  struct route {
    std::uint32_t named = 0;       ///< The specialist that the caller meant.
    std::uint32_t specialist = 0;  ///< The specialist that does the task.
    const member* target = nullptr;
    protocols::pool_kind pool = protocols::pool_kind::intelligent;
    std::int64_t now_ns = 0;
    bool durable = false;

    void use(std::uint32_t index, const catalog& from) {
      specialist = index;
      target = &from.members[index];
    }
    [[nodiscard]] std::int64_t timeout_ns(const task_request& request) const;
    /// The start of a worker is not counted against the caller, who set no timeout.
    [[nodiscard]] bool allows_start(const task_request& request) const {
      return target->start_beside && !request.timeout;
    }
  };

  /// Counts the task at the specialist, or at a fallback while the specialist's circuit is open.
  std::optional<refusal> admit_somewhere(route& way, const task_request& request);
  /// Counts the task in, at the specialist and in the node, unless it is refused.
  std::optional<refusal> admit(const route& way, const task_request& request);
  [[nodiscard]] std::optional<refusal> refused_by_node(bool durable) const;
  /// A task of the ledger, or why there is no room; then the task is counted out again.
  std::variant<protocols::task_ptr, refusal> acquire(const route& way, std::size_t input_bytes);
  /// Moves the texts of the request into the task.
  void fill(protocols::task& job, const route& way, task_request& request) const;
  void push(protocols::task_ptr job);

  admission_parts parts_;
  specialist_lookup lookup_;
  shadow_copies copies_;
};

}  // namespace greenroom::actors
