// Specialists and predictions over HTTP.
#include "actors/doors/answers.hpp"
#include "actors/doors/parameters.hpp"
#include "actors/doors/route_handlers.hpp"
#include "actors/node/specialist_json.hpp"
#include "actors/state/text.hpp"
#include "protocols/base/json_writer.hpp"

#include <algorithm>
#include <array>

namespace greenroom::doors {

namespace {

using actors::decimal;
using base::json_array, base::json_object;

constexpr std::size_t lines_shown = 100;
constexpr std::size_t lines_shown_max = 10'000;

/// Warms or cools the specialist, and answers with its state.
void change_by_hand(const door_ptr& door, const route_call& call,
                    base::expected<void, refusal> (node::*change)(std::string_view)) {
  const auto& name = call.captured.front();
  if (const auto done = (door->node->*change)(name); !done)
    return answer_refusal(call.reply, done.error());
  const auto now = door->node->specialist(name);
  if (!now) return answer_refusal(call.reply, now.error());
  answer_json(call.reply, 200, actors::to_json(*now));
}

}  // namespace

void list_specialists(const door_ptr& door, route_call& call) {
  const auto department = call.parameter("department");
  const auto state = call.parameter("state");
  using enum worker_state;
  constexpr std::array states{cold, warming, warm, busy, cooling, failed};
  if (state && !state->empty()
      && std::ranges::none_of(states, [&](auto each) { return to_string(each) == *state; }))
    return answer(call.reply,
                  malformed("A state is one of cold, warming, warm, busy, cooling and failed."));
  auto all = door->node->specialists();
  std::erase_if(all, [&](const specialist_view& each) {
    return (department && !department->empty() && each.department != *department)
           || (state && !state->empty() && to_string(each.state) != *state);
  });
  const auto items = actors::to_json_array(all);
  answer_json(call.reply, 200, json_object{{"items", base::json_raw{items}}});
}

void get_specialist(const door_ptr& door, route_call& call) {
  const auto found = door->node->specialist(call.captured.front());
  if (!found) return answer_refusal(call.reply, found.error());
  answer_json(call.reply, 200, actors::to_json(*found));
}

void warm_specialist(const door_ptr& door, route_call& call) {
  change_by_hand(door, call, &node::warm);
}

void cool_specialist(const door_ptr& door, route_call& call) {
  change_by_hand(door, call, &node::cool);
}

void get_worker_lines(const door_ptr& door, route_call& call) {
  const auto most = count_in(call, "lines", lines_shown, lines_shown_max);
  if (!most) return answer(call.reply, most.error());
  const auto after = count_in(call, "after", 0, UINT64_MAX);
  if (!after) return answer(call.reply, after.error());
  const auto found =
      door->node->worker_lines(call.captured.front(), *after, static_cast<std::size_t>(*most));
  if (!found) return answer_refusal(call.reply, found.error());
  const base::json_array items{*found, [](const auto& each) {
                                 return base::json_object{{"number", each.number},
                                                          {"unix_ms", each.unix_ms},
                                                          {"line", each.text}};
                               }};
  answer_json(call.reply, 200, base::json_object{{"items", items}});
}

void list_predictions(const door_ptr& door, route_call& call) {
  const json_array items{
      door->node->predictions(), [](const auto& each) {
        const json_array reasons{
            each.reasons, [](const auto& because) {
              return json_object{{"reason", because.first}}.raw("weight", decimal(because.second));
            }};
        return json_object{{"specialist", each.specialist}}
            .raw("probability", decimal(each.probability))
            .raw("score", decimal(each.score))
            .add("state", each.state)
            .add("reasons", reasons);
      }};
  const auto state = door->node->prediction();
  json_object prediction{{"on", state.on}};
  prediction.raw("keep_alive_s", decimal(state.keep_s))
      .add("hits", state.hits)
      .add("wastes", state.wastes)
      .raw("wasted_s", decimal(state.wasted_s));
  answer_json(call.reply, 200, json_object{{"items", items}, {"prediction", prediction}});
}

void get_recording(const door_ptr& door, route_call& call) {
  call.reply.answer(200, "text/csv; charset=utf-8", door->node->recording());
}

}  // namespace greenroom::doors
