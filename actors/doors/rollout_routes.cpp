// Rollout, routing and rollback over HTTP.
#include "actors/doors/http_routes.hpp"

namespace greenroom::doors {

void rollout_not_yet(const door_ptr&, call& one) {
  answer_problem(one.reply, protocols::problem_named(
                                "not-implemented", 501, "Not implemented",
                                "This node serves from one pool; rollout, routing and rollback are "
                                "not part of this version."));
}

}  // namespace greenroom::doors
