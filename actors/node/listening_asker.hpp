// A task listener of the embedding service, as the node's own askers are.
#pragma once

#include "actors/node/node.hpp"
#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "protocols/task.hpp"

#include <memory>

namespace greenroom::actors {

/// Tells a listener what an asker hears. What the listener throws goes no further.
[[nodiscard]] std::shared_ptr<protocols::asker> asker_of(const catalog_store& catalogs,
                                                         event_log& events,
                                                         std::shared_ptr<task_listener> who);

/// The end of a task for a caller, or that the task goes on after the next start.
[[nodiscard]] task_view end_of(const catalog_store& catalogs, const protocols::task& job);

}  // namespace greenroom::actors
