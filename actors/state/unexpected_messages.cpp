#include "actors/state/unexpected_messages.hpp"

#include "protocols/json_text.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

void unexpected_messages::note(const std::string& actor, std::string text) {
  machine::count(total_);
  text.resize(std::min(text.size(), text_bytes));
  auto said = "{\"actor\":" + protocols::json_string_of_any(actor)
              + ",\"message\":" + protocols::json_string_of_any(text) + "}";
  {
    const std::lock_guard lock{mutex_};
    if (told_.size() >= told_max || !told_.insert(said).second) return;
  }
  events_.publish("actor.unexpected_message", std::move(said));
}

}  // namespace greenroom::actors
