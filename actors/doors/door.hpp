// What the routes of an HTTP door share.
#pragma once

#include "actors/doors/http_door_options.hpp"
#include "actors/doors/route_call.hpp"
#include "actors/node/parts.hpp"

#include <functional>
#include <memory>

namespace greenroom::doors {

class host_origin_check;
class event_streams;

/// Lives as long as an answer is outstanding.
struct door {
  greenroom::node* node = nullptr;
  machine::engine* engine = nullptr;
  http_door_options options;
  std::shared_ptr<event_streams> events;
  std::shared_ptr<host_origin_check> access;

  [[nodiscard]] greenroom::node::parts& parts() const { return node->inside(); }
  /// How long the reference is good: see `catalog_reader`.
  [[nodiscard]] const actors::catalog& catalog() const { return parts().state->catalogs.now(); }
  [[nodiscard]] int depth_max() const {
    return static_cast<int>(catalog().config.limits.json_depth);
  }
};
using door_ptr = std::shared_ptr<door>;

/// The handler of a route: answers exactly once, now or later.
using route = void (*)(const door_ptr&, route_call&);

/// Runs the job on the node's look-up thread, or answers that too many lists and views wait.
void run_aside(const door_ptr& door, const machine::http::responder& reply,
               std::function<void()> job);
/// Answers that too many lists and views wait (`limits.state_requests`).
void answer_lists_full(const door_ptr& door, const machine::http::responder& reply);

}  // namespace greenroom::doors
