#include "actors/tasks/journal_damage.hpp"

#include "actors/state/text.hpp"

#include <cstdint>
#include <utility>

namespace greenroom::actors {

namespace {

constexpr std::uint64_t events_max = 256;  // In the life of a node.

}  // namespace

void tell_damage(journal_inbox& journal, machine::node_gauge& gauge, event_log& events,
                 const machine::journal_damage& damage) {
  machine::count(gauge.journal_damages);
  const auto text = to_string(damage);
  const auto is_new = journal.troubles.write([&](journal_inbox::trouble& state) {
    if (state.damage == text || state.changes >= events_max) return false;
    state.damage = text;
    ++state.changes;
    return true;
  });
  if (!is_new) return;
  json_object json{
      {"what", damage.what},
      {"set_aside", damage.set_aside},
      {"saved", json_object{{"tasks", damage.saved_tasks}, {"ends", damage.saved_ends}}}};
  if (damage.counted)
    json.add("lost", json_object{{"tasks", damage.lost_tasks}, {"ends", damage.lost_ends}});
  events.publish("journal.damaged", std::move(json));
}

}  // namespace greenroom::actors
