#include "actors/tasks/journal_backlog.hpp"

#include <algorithm>
#include <variant>

namespace greenroom::actors {

void journal_backlog::add(protocols::event_to_log event) {
  records_.emplace_back(
      machine::event_record{std::move(event.kind), event.unix_ms, std::move(event.json)});
}

void journal_backlog::add(protocols::state_to_keep state, bool replace) {
  if (replace)
    for (auto& record : records_)
      if (auto* known = std::get_if<machine::state_record>(&record);
          known != nullptr && known->name == state.name) {
        known->value = std::move(state.value);
        return;
      }
  records_.emplace_back(machine::state_record{std::move(state.name), std::move(state.value)});
}

void journal_backlog::add(protocols::state_to_confirm state, bool replace) {
  const auto known = std::ranges::find_if(
      confirmations_, [&](const confirmation& one) { return one.writer == state.writer; });
  if (known == confirmations_.end())
    confirmations_.push_back({std::move(state.writer), state.token});
  else
    known->token = std::max(known->token, state.token);
  add(protocols::state_to_keep{std::move(state.name), std::move(state.value)}, replace);
}

void journal_backlog::trim() {
  while (records_.size() > records_max) {
    const auto event = std::ranges::find_if(records_, [](const machine::record& record) {
      return std::holds_alternative<machine::event_record>(record);
    });
    records_.erase(event == records_.end() ? records_.begin() : event);
  }
}

std::vector<journal_backlog::confirmation> journal_backlog::take_confirmations() {
  records_.clear();
  return std::exchange(confirmations_, {});
}

}  // namespace greenroom::actors
