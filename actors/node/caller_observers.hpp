// Callers of the embedding service (a listener, a callback) as observers of tasks.
#pragma once

#include "actors/node/node.hpp"
#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "protocols/task.hpp"

#include <functional>
#include <memory>

namespace greenroom::actors {

/// Forwards the calls to a listener. An exception of the listener becomes an event
/// `callback.failed`.
[[nodiscard]] std::shared_ptr<protocols::task_observer> observer_of(
    const catalog_store& catalogs, event_log& events, std::shared_ptr<task_listener> listener);

/// The same for a callback, which gets the end only.
[[nodiscard]] std::shared_ptr<protocols::task_observer> observer_of(
    const catalog_store& catalogs, event_log& events, std::function<void(task_view)> done);

}  // namespace greenroom::actors
