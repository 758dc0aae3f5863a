// Events and alerts over HTTP.
#include "actors/doors/answers.hpp"
#include "actors/doors/event_streams.hpp"
#include "actors/doors/route_handlers.hpp"
#include "protocols/base/json_writer.hpp"
#include "protocols/base/number.hpp"

#include <optional>
#include <string>

namespace greenroom::doors {

void list_alerts(const door_ptr& door, route_call& call) {
  const auto items = door->node->alerts();
  answer_json(call.reply, 200, base::json_object{{"items", base::json_raw{items}}});
}

void stream_events(const door_ptr& door, route_call& call) {
  if (call.request.verb() == machine::http::method::head)
    return call.reply.begin(200, "text/event-stream", "Cache-Control: no-store\r\n");
  std::optional<std::uint64_t> after;
  auto text = call.parameter("after");
  if (const auto last = call.request.header("Last-Event-ID")) text = std::string{*last};
  if (text) {
    after = base::parse_number<std::uint64_t>(*text);
    if (!after)
      return answer(call.reply, malformed("Last-Event-ID (or after) must be the number of an "
                                          "event."));
  }
  call.request.release();
  door->events->add(call.reply, after, door->catalog().config.limits.event_readers);
}

}  // namespace greenroom::doors
