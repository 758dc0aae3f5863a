// Events of a node, for callers.
#include "actors/node/parts.hpp"
#include "actors/state/event_log.hpp"

#include <utility>

namespace greenroom {

std::vector<event> node::events_after(std::uint64_t after) const {
  std::vector<event> result;
  for (const auto& one : parts_->state->events.after(after)) result.push_back(one);
  return result;
}

std::shared_ptr<void> node::on_event(std::function<void(const event&)> listener) {
  return parts_->state->events.subscribe([listener = std::move(listener)](const event& what) {
    const machine::borrowed_thread here{machine::borrowed_thread::kind::callback};
    listener(what);
  });
}

actors::event_range node::parts::events_after(std::uint64_t after, std::size_t bytes_max) const {
  return state->events.after(after, bytes_max);
}

}  // namespace greenroom
