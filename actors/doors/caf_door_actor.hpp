// The actor behind a CAF door.
#pragma once

#include "actors/doors/caf_door.hpp"
#include "protocols/node_messages.hpp"

#include <caf/all.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <variant>

namespace greenroom::actors {

/// What the door hands orders to. Both may be called as long as the door lives.
struct caf_door_target {
  std::function<std::variant<protocols::task_id, refusal>(task_request,
                                                          std::shared_ptr<task_listener>)>
      submit;
  std::function<bool(const protocols::task_id&)> cancel;
};

/// With what is told to the door itself: a promise may be kept only by the actor that made it,
/// because CAF delivers it on that actor's execution unit, and what a listener hears is in order
/// only when one actor sends it.
using caf_door_self = caf_door::extend<
    // The end of an order.
    caf::reacts_to<protocols::report_atom, std::uint64_t, protocols::task_answer>,
    // A piece of an order's output.
    caf::reacts_to<protocols::report_atom, std::uint64_t, protocols::task_piece>,
    // An order's task is known under this identifier.
    caf::reacts_to<protocols::report_atom, std::uint64_t, protocols::task_accepted>>;

class caf_door_state {
public:
  static constexpr const char* name = "greenroom.caf_door";

  void open(caf_door_self::pointer self, caf_door_target target);
  [[nodiscard]] caf::result<protocols::task_answer> order(protocols::task_order& wanted);
  [[nodiscard]] bool cancel(const protocols::task_cancel& what) const;
  void end(std::uint64_t ticket, protocols::task_answer& answer);
  void pass_on(std::uint64_t ticket, protocols::task_piece& piece);
  void name_task(std::uint64_t ticket, protocols::task_accepted& what);
  void close();

private:
  struct open_order {
    caf::typed_response_promise<protocols::task_answer> promise;
    std::uint64_t tag = 0;
    protocols::task_id id;
    caf::actor listener;
    /// Bytes of pieces that the listener has not handled; shared with the threads that tell pieces.
    std::shared_ptr<std::atomic<std::size_t>> unheard;
    bool durable = false;
  };
  void lose_listener(std::uint64_t ticket);

  caf_door_self::pointer self_ = nullptr;
  caf_door_target target_;
  /// By ticket; each has a task in the node, which is their bound.
  std::unordered_map<std::uint64_t, open_order> orders_;
  std::uint64_t last_ticket_ = 0;
};

caf_door_self::behavior_type caf_door_actor(caf_door_self::stateful_pointer<caf_door_state> self,
                                            caf_door_target target);

}  // namespace greenroom::actors
