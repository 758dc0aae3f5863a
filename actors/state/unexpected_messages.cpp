#include "actors/state/unexpected_messages.hpp"

#include "protocols/base/json_writer.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

void unexpected_messages::note(const std::string& actor, std::string text) {
  machine::count(total_);
  text.resize(std::min(text.size(), text_bytes));
  std::string said = base::json_object{{"actor", actor}, {"message", text}};
  {
    const std::lock_guard lock{mutex_};
    if (told_.size() >= told_max || !told_.insert(said).second) return;
  }
  events_.publish("actor.unexpected_message", std::move(said));
}

}  // namespace greenroom::actors
