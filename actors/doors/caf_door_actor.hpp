// The actor behind a CAF door.
#pragma once

#include "actors/node/node.hpp"
#include "protocols/task_messages.hpp"

#include <caf/all.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

namespace greenroom::actors {

/// Where the door submits orders. Both functions may be called as long as the door lives.
struct caf_door_target {
  std::function<base::expected<protocols::task_id, refusal>(task_request,
                                                            std::shared_ptr<task_listener>)>
      submit;
  std::function<bool(const protocols::task_id&)> cancel;
};

/// With the messages that the node's threads send to the door itself; `tag` is the door's ticket of
/// the order. A promise must be delivered by the actor that made it, because CAF delivers on that
/// actor's execution unit, and a listener gets messages in order only from one actor.
using caf_door_self = caf_door::extend<
    // The end of an order.
    caf::reacts_to<protocols::task_answer>,
    // A piece of an order's output.
    caf::reacts_to<protocols::task_piece>,
    // The identifier of an order's task.
    caf::reacts_to<protocols::task_accepted>>;

class caf_door_state {
public:
  static constexpr const char* name = "greenroom.caf_door";

  void open(caf_door_self::pointer self, caf_door_target target);
  [[nodiscard]] caf::result<protocols::task_answer> order(protocols::task_order& wanted);
  [[nodiscard]] bool cancel(const protocols::task_cancel& what) const;
  void on_end(protocols::task_answer& answer);
  void on_piece(protocols::task_piece& piece);
  void on_accepted(protocols::task_accepted& what);
  void close();

private:
  struct open_order {
    caf::typed_response_promise<protocols::task_answer> promise;
    std::uint64_t tag = 0;
    protocols::task_id id;
    caf::actor listener;
    /// Bytes of pieces that the listener has not handled; shared with the threads that send pieces.
    std::shared_ptr<std::atomic<std::size_t>> unhandled_bytes;
    bool durable = false;
  };
  void on_lost_listener(std::uint64_t ticket);

  caf_door_self::pointer self_ = nullptr;
  caf_door_target target_;
  /// By ticket. Each order has a task in the node, so the node's limit of tasks is the bound.
  std::unordered_map<std::uint64_t, open_order> orders_;
  std::uint64_t last_ticket_ = 0;
};

caf_door_self::behavior_type caf_door_actor(caf_door_self::stateful_pointer<caf_door_state> self,
                                            caf_door_target target);

}  // namespace greenroom::actors
