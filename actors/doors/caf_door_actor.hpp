// The actor behind a CAF door.
#pragma once

#include "actors/node/node.hpp"
#include "protocols/task_messages.hpp"

#include <caf/all.hpp>
#include <caf/meta/type_name.hpp>
#include <caf/type_id.hpp>

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

// What the node's threads send to the door about the order with this ticket. Types of the door's
// own: any actor of the embedding service may send a `task_answer` to the door, and must not end an
// order with it.

struct order_end {
  std::uint64_t ticket = 0;
  protocols::task_answer answer;
};
struct order_chunk {
  std::uint64_t ticket = 0;
  protocols::task_piece piece;
};
struct order_accepted {
  std::uint64_t ticket = 0;
  protocols::task_accepted task;
};

template <class Inspector>
auto inspect(Inspector& f, order_end& x) {
  return f(caf::meta::type_name("order_end"), x.ticket, x.answer);
}
template <class Inspector>
auto inspect(Inspector& f, order_chunk& x) {
  return f(caf::meta::type_name("order_chunk"), x.ticket, x.piece);
}
template <class Inspector>
auto inspect(Inspector& f, order_accepted& x) {
  return f(caf::meta::type_name("order_accepted"), x.ticket, x.task);
}

/// With the messages that the node's threads send to the door itself. A promise must be delivered
/// by the actor that made it, because CAF delivers on that actor's execution unit, and a listener
/// gets messages in order only from one actor.
using caf_door_self = caf_door::extend<
    // The end of an order.
    caf::reacts_to<order_end>,
    // A piece of an order's output.
    caf::reacts_to<order_chunk>,
    // The identifier of an order's task.
    caf::reacts_to<order_accepted>>;

class caf_door_state {
public:
  static constexpr const char* name = "greenroom.caf_door";

  void open(caf_door_self::pointer self, caf_door_target target);
  [[nodiscard]] caf::result<protocols::task_answer> order(protocols::task_order& wanted);
  [[nodiscard]] bool cancel(const protocols::task_cancel& what) const;
  void on_end(order_end& what);
  void on_chunk(order_chunk& what);
  void on_accepted(order_accepted& what);
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

// Behind the block of protocols/task_messages.hpp, with room for more of its types.
CAF_BEGIN_TYPE_ID_BLOCK(greenroom_caf_door, caf::first_custom_type_id + 20100)
CAF_ADD_TYPE_ID(greenroom_caf_door, (greenroom::actors::order_end))
CAF_ADD_TYPE_ID(greenroom_caf_door, (greenroom::actors::order_chunk))
CAF_ADD_TYPE_ID(greenroom_caf_door, (greenroom::actors::order_accepted))
CAF_END_TYPE_ID_BLOCK(greenroom_caf_door)
