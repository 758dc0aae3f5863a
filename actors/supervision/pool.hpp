// A pool: its director and its departments, and their replacements.
#pragma once

#include "actors/pooling/director.hpp"
#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/unexpected_messages.hpp"
#include "actors/tasks/department_parts.hpp"
#include "runtime/resilience/restart_budget.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace greenroom::actors {

/// What a pool works with, and what it hands to its own actors.
struct pool_parts {
  unexpected_messages& unexpected;
  const catalog_store& catalogs;
  pool_records& pools;
  event_log& events;
  department_parts departments;
  director_parts director;
};

/// Supervises the director and every department of one pool: each that dies is replaced after a
/// delay, so many times in a window; then the pool dies too, and the root decides. Passes
/// `reload_atom`, `check_atom`, `purge`, `memory_survey` and what an operator says by hand to the
/// one concerned.
struct pool_state {
  static constexpr const char* name = "greenroom.pool";

  caf::event_based_actor* self = nullptr;
  std::optional<pool_parts> parts;
  protocols::pool_kind kind = protocols::pool_kind::intelligent;
  policy_factory make_policy;
  caf::actor director_handle;   ///< The director.
  caf::actor predictor_handle;  ///< The predictor, when there is one; the root's.
  std::vector<caf::actor> departments;
  runtime::restart_budget budget;

  void open();
  void adopt_catalog();
  void lose(const caf::exit_msg& message);
  void hire(std::uint32_t index);
  void hire_director();
  void pass_purge(const protocols::purge& gone);
  /// As a small JSON document, for events.
  [[nodiscard]] std::string name_of(std::uint32_t who) const;
};

using pool_actor = caf::stateful_actor<pool_state>;

caf::behavior pool(pool_actor* self, const pool_parts& parts, protocols::pool_kind kind,
                   policy_factory make_policy);

}  // namespace greenroom::actors
