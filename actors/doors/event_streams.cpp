#include "actors/doors/event_streams.hpp"

#include "actors/doors/http_routes.hpp"
#include "protocols/json_text.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <charconv>

namespace greenroom::doors {

namespace {

std::string as_text(const event& what) {
  std::string text = "id: " + std::to_string(what.number);
  text += "\ndata: {\"number\":" + std::to_string(what.number);
  text += ",\"at\":\"" + protocols::rfc3339(what.unix_ms) + "\",\"kind\":";
  text += protocols::json_string_of_any(what.kind);
  text += ",\"detail\":";
  if (what.json.empty()) {
    text += "null";
  } else {
    protocols::append_one_line(text, what.json);
  }
  return text + "}\n\n";
}

}  // namespace

struct event_streams::pulse {
  explicit pulse(boost::asio::io_context& loop) : timer{loop} {}
  boost::asio::steady_timer timer;
};

std::shared_ptr<event_streams> event_streams::open(node& of, machine::engine& on) {
  auto streams = std::make_shared<event_streams>(of);
  streams->subscription_ = of.on_event([weak = std::weak_ptr{streams}](const event&) {
    if (const auto self = weak.lock()) self->pump();
  });
  const auto own = std::make_shared<pulse>(on.loop(0));
  streams->pulse_ = own;
  streams->beat(own);
  return streams;
}

event_streams::event_streams(node& of) : of_{&of} {
  if (const auto all = of.events_after(0); !all.empty()) newest_ = all.back().number;
}

void event_streams::add(const machine::http::responder& reply, std::optional<std::uint64_t> after) {
  const std::lock_guard lock{guard_};
  if (closed_)
    return answer_refusal(reply, {protocols::failure::draining, "The node is going down.", {}, {}});
  reply.begin(200, "text/event-stream", "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n");
  // A browser comes back after this long.
  reply.write("retry: 2000\n\n");
  client fresh{reply, newest_};
  const auto kept = of_->events_after(0);
  const auto last = kept.empty() ? 0 : kept.back().number;
  if (after) {
    // A number from before a restart of the node says nothing: tell all that is known.
    const auto from = *after > last ? 0 : *after;
    if (!kept.empty() && from + 1 < kept.front().number && from != 0)
      reply.write(": events " + std::to_string(from + 1) + " to "
                  + std::to_string(kept.front().number - 1) + " are no longer kept\n\n");
    for (const auto& one : kept)
      if (one.number > from) reply.write(as_text(one));
  }
  fresh.last = last;
  clients_.push_back(std::move(fresh));
  reply.on_close([weak = weak_from_this()] {
    // The next write finds it closed; this is to let it go at once.
    if (const auto self = weak.lock()) self->pump();
  });
}

void event_streams::pump() {
  const std::lock_guard lock{guard_};
  if (clients_.empty()) return;
  auto from = clients_.front().last;
  for (const auto& one : clients_) from = std::min(from, one.last);
  const auto fresh = of_->events_after(from);
  std::vector<std::string> texts;
  texts.reserve(fresh.size());
  for (const auto& one : fresh) texts.push_back(as_text(one));
  std::erase_if(clients_, [&](client& one) {
    if (one.reply.closed()) return true;
    for (std::size_t i = 0; i < fresh.size(); ++i) {
      if (fresh[i].number <= one.last) continue;
      if (!one.reply.write(texts[i])) return true;
      one.last = fresh[i].number;
    }
    return false;
  });
}

void event_streams::beat(const std::shared_ptr<pulse>& with) {
  with->timer.expires_after(heartbeat);
  with->timer.async_wait([weak = weak_from_this(), with](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self) return;
    {
      const std::lock_guard lock{self->guard_};
      if (self->closed_) return;
      std::erase_if(self->clients_,
                    [](const client& one) { return !one.reply.write(": heartbeat\n\n"); });
    }
    self->beat(with);
  });
}

void event_streams::close() {
  std::shared_ptr<void> subscription;
  {
    const std::lock_guard lock{guard_};
    if (closed_) return;
    closed_ = true;
    for (const auto& one : clients_) one.reply.end();
    clients_.clear();
    subscription = std::move(subscription_);
  }
  if (const auto own = pulse_.lock())
    boost::asio::post(own->timer.get_executor(), [own] { own->timer.cancel(); });
}

void list_alerts(const door_ptr& here, call& one) {
  const auto items = here->options.alerts ? here->options.alerts() : here->of->alerts();
  answer_json(one.reply, 200, "{\"items\":" + items + "}");
}

void stream_events(const door_ptr& here, call& one) {
  std::optional<std::uint64_t> after;
  auto text = one.parameter("after");
  if (const auto last = one.asked.header("Last-Event-ID")) text = std::string{*last};
  if (text) {
    const std::string_view digits{*text};
    std::uint64_t number = 0;
    const auto* const end = digits.data() + digits.size();
    const auto parsed = std::from_chars(digits.data(), end, number);
    if (parsed.ec != std::errc{} || parsed.ptr != end)
      return answer_problem(one.reply,
                            protocols::problem_of(protocols::failure::malformed,
                                                  "Last-Event-ID (or after) must be the number of "
                                                  "an event."));
    after = number;
  }
  here->events->add(one.reply, after);
}

}  // namespace greenroom::doors
