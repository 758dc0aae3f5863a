#include "actors/doors/caf_door.hpp"

#include "actors/doors/caf_door_actor.hpp"
#include "actors/node/parts.hpp"

#include <utility>

namespace greenroom {

caf_door open_caf_door(caf::actor_system& system, node& served) {
  using outcome = base::expected<protocols::task_id, refusal>;
  actors::caf_door_target target;
  const auto link = served.inside().link;
  target.submit = [link](task_request request, std::shared_ptr<task_listener> listener) {
    return link->with(
        [&](node& open) -> outcome { return open.submit(std::move(request), std::move(listener)); },
        outcome{refusal{protocols::failure::draining, "the node was stopped", {}, {}}});
  };
  target.cancel = [link](const protocols::task_id& id) {
    return link->with([&](node& open) { return open.cancel(id); }, false);
  };
  return caf::actor_cast<caf_door>(system.spawn(actors::caf_door_actor, std::move(target)));
}

}  // namespace greenroom
