#include "actors/doors/door.hpp"

#include "actors/doors/answers.hpp"

#include <utility>

namespace greenroom::doors {

void run_aside(const door_ptr& door, const machine::http::responder& reply,
               std::function<void()> job) {
  if (!door->parts().run_aside(std::move(job))) answer_lists_full(door, reply);
}

void answer_lists_full(const door_ptr& door, const machine::http::responder& reply) {
  const auto limit = std::to_string(door->catalog().config.limits.state_requests);
  answer_refusal(
      reply, {protocols::failure::queue_full,
              "Too many lists and views wait (limits.state_requests " + limit + "); retry later.",
              {},
              door->parts().aside_wait()});
}

}  // namespace greenroom::doors
