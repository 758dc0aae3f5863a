// Messages that no handler of an actor takes: a mistake in the code of the sender. They are counted
// (`greenroom_unexpected_messages_total`) and the first of each kind becomes an event.
#pragma once

#include "actors/state/event_log.hpp"
#include "runtime/machine/metrics/gauges.hpp"

#include <caf/all.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>

namespace greenroom::actors {

/// Any thread. Outlives the actors.
class unexpected_messages {
public:
  explicit unexpected_messages(event_log& events) : events_{events} {}

  /// From now on the actor's unexpected messages are counted instead of printed.
  template <class Actor>
  void watch(Actor* self) {
    self->set_default_handler([this](caf::scheduled_actor* actor,
                                     caf::message_view& message) -> caf::result<caf::message> {
      // A message without content says nothing: chaos runs look into actors with one.
      if (message.content().empty()) return caf::sec::unexpected_message;
      note(actor->name(), caf::to_string(message.move_content_to_message()));
      return caf::sec::unexpected_message;
    });
  }
  [[nodiscard]] std::uint64_t total() const { return machine::count_of(total_); }

private:
  static constexpr std::size_t told_max = 64;     ///< Events in one run of the node.
  static constexpr std::size_t text_bytes = 128;  ///< Of the message.

  void note(const std::string& actor, std::string text);

  event_log& events_;
  machine::counter total_{0};
  std::mutex mutex_;
  std::set<std::string> told_;
};

}  // namespace greenroom::actors
