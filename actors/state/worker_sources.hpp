// Where workers come from: processes and connections that a factory makes, and C++ callables.
#pragma once

#include "actors/state/catalog.hpp"
#include "protocols/task.hpp"
#include "runtime/machine/worker/worker.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace greenroom::actors {

/// Registered C++ callables by specialist.
using callable_table = std::unordered_map<std::string, machine::callable>;

/// Makes the worker of a specialist. Tests use it to make puppets.
using worker_factory = std::function<std::shared_ptr<machine::worker>(
    const member& who, std::string_view department, protocols::pool_kind pool,
    std::shared_ptr<machine::worker_events> events)>;

/// Set before the actors start, and constant from then on.
struct worker_sources {
  worker_factory make_worker;
  std::shared_ptr<const callable_table> callables;  ///< Null when there are none.

  /// The callable of a specialist that runs where its tasks arrive; null for all others.
  [[nodiscard]] const machine::callable* inline_callable(const member& who) const {
    if (!who.inline_function || !callables) return nullptr;
    const auto found = callables->find(who.config.name);
    return found == callables->end() ? nullptr : &found->second;
  }
};

}  // namespace greenroom::actors
