#include "actors/doors/event_streams.hpp"

#include "actors/doors/http_routes.hpp"
#include "actors/state/event_log.hpp"
#include "protocols/base/json_text.hpp"
#include "protocols/base/number.hpp"
#include "protocols/base/time_text.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <utility>

namespace greenroom::doors {

namespace {

std::string as_text(const event& what) {
  std::string text = "id: " + std::to_string(what.number);
  text += "\ndata: {\"number\":" + std::to_string(what.number);
  text += ",\"at\":\"" + base::rfc3339(what.unix_ms) + "\",\"kind\":";
  text += base::json_string(what.kind);
  text += ",\"detail\":";
  if (what.json.empty()) {
    text += "null";
  } else {
    base::append_one_line(text, what.json);
  }
  return text + "}\n\n";
}

}  // namespace

struct event_streams::pulse {
  explicit pulse(boost::asio::io_context& loop) : timer{loop} {}
  boost::asio::steady_timer timer;
};

std::shared_ptr<event_streams> event_streams::open(node& of, machine::engine& on) {
  auto streams = std::make_shared<event_streams>(of, on);
  streams->subscription_ = of.on_event([weak = std::weak_ptr{streams}](const event&) {
    if (const auto self = weak.lock()) self->wake();
  });
  const auto own = std::make_shared<pulse>(on.loop(0));
  streams->pulse_ = own;
  streams->beat(own);
  return streams;
}

event_streams::event_streams(node& of, machine::engine& on) : of_{&of}, loop_{&on.loop(0)} {}

void event_streams::add(const machine::http::responder& reply, std::optional<std::uint64_t> after,
                        std::size_t clients_max) {
  {
    const std::lock_guard lock{guard_};
    if (closed_)
      return answer_refusal(reply,
                            {protocols::failure::draining, "The node is going down.", {}, {}});
    if (clients_.size() >= clients_max)
      return answer_refusal(reply, {protocols::failure::queue_full,
                                    "As many clients listen to events as may (limits.event_readers "
                                        + std::to_string(clients_max) + "); retry later.",
                                    {},
                                    heartbeat});
    const auto [oldest, newest] = of_->event_numbers();
    client fresh{reply, newest};
    reply.limit_send_buffer(piece_bytes);
    reply.on_room([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->wake();
    });
    reply.begin(200, "text/event-stream", "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n");
    // A browser comes back after this long.
    reply.write("retry: 2000\n\n");
    if (after) {
      // A number from before a restart of the node says nothing: tell all that is known.
      const auto from = *after > newest ? 0 : *after;
      if (oldest > 0 && from + 1 < oldest && from != 0)
        reply.write(": events " + std::to_string(from + 1) + " to " + std::to_string(oldest - 1)
                    + " are no longer kept\n\n");
      fresh.last = std::max(from, oldest > 0 ? oldest - 1 : 0);
    }
    clients_.push_back(std::move(fresh));
  }
  reply.on_close([weak = weak_from_this()] {
    // The next turn finds it closed; this is to let it go at once.
    if (const auto self = weak.lock()) self->wake();
  });
  wake();
}

void event_streams::wake() {
  // No lock: a client calls this while it is being written to. The engine outlives this object
  // until close(), and it outlives the threads that publish.
  if (closed_ || woken_.exchange(true, std::memory_order_acq_rel)) return;
  boost::asio::post(*loop_, [self = shared_from_this()] { self->pump(); });
}

void event_streams::pump() {
  // So many clients a turn, and so many bytes: a millisecond or so.
  constexpr std::size_t clients_per_turn = 64;
  constexpr std::size_t bytes_per_turn = std::size_t{512} << 10;
  const std::lock_guard lock{guard_};
  if (closed_) return;
  // From here on whoever wakes asks for another round.
  if (turns_left_ == 0) {
    woken_.store(false, std::memory_order_release);
    turns_left_ = clients_.size();
  }
  std::size_t seen = 0, bytes = 0;
  while (turns_left_ > 0 && seen < clients_per_turn && bytes < bytes_per_turn
         && !clients_.empty()) {
    --turns_left_;
    ++seen;
    auto& one = clients_.front();
    const auto before = one.reply.unsent();
    if (!feed(one)) {
      clients_.pop_front();
      continue;
    }
    bytes += one.reply.unsent() > before ? one.reply.unsent() - before : 0;
    clients_.splice(clients_.end(), clients_, clients_.begin());
  }
  if (clients_.empty()) {
    turns_left_ = 0;
    pieces_.clear();
  }
  // Those of this round that had no turn yet.
  if (turns_left_ > 0) boost::asio::post(*loop_, [self = shared_from_this()] { self->pump(); });
}

// False when it is to be let go.
bool event_streams::feed(client& one) {
  if (one.reply.closed()) return false;
  // The rest follows when this is in the socket.
  while (one.reply.unsent() < piece_bytes) {
    const auto [oldest, newest] = of_->event_numbers();
    if (one.last >= newest) return true;
    if (one.last + 1 < oldest) {
      // It reads more slowly than things happen, and would miss some without knowing it.
      one.reply.abort();
      return false;
    }
    const auto next = piece_after(one.last);
    if (next.last == 0) return true;
    if (!one.reply.write(*next.text)) return false;
    one.last = next.last;
  }
  return true;
}

event_streams::piece event_streams::piece_after(std::uint64_t number) {
  constexpr std::size_t pieces_max = 16;
  const auto known = std::ranges::find(pieces_, number, &piece::after);
  const auto newest = of_->event_numbers().second;
  // One that was the newest when it was made may have grown meanwhile; it is made again then.
  if (known != pieces_.end() && (known->last == newest || known->text->size() >= piece_bytes / 2))
    return *known;
  if (known != pieces_.end()) pieces_.erase(known);
  piece made;
  made.after = number;
  std::string text;
  for (const auto& one : of_->shared_events(number, piece_bytes)) {
    text += as_text(one);
    made.last = one.number;
  }
  made.text = std::make_shared<const std::string>(std::move(text));
  if (made.last == 0) return made;
  pieces_.push_back(made);
  if (pieces_.size() > pieces_max) pieces_.pop_front();
  return made;
}

void event_streams::beat(const std::shared_ptr<pulse>& with) {
  with->timer.expires_after(heartbeat);
  with->timer.async_wait([weak = weak_from_this(), with](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self) return;
    {
      const std::lock_guard inner{self->guard_};
      if (self->closed_) return;
      // One that still has something to read needs no sign of life.
      std::erase_if(self->clients_, [](const client& one) {
        return one.reply.closed()
               || (one.reply.unsent() == 0 && !one.reply.write(": heartbeat\n\n"));
      });
      self->turns_left_ = std::min(self->turns_left_, self->clients_.size());
    }
    self->beat(with);
  });
}

void event_streams::close() {
  std::shared_ptr<void> subscription;
  std::list<client> ended;
  {
    const std::lock_guard lock{guard_};
    if (closed_) return;
    closed_ = true;
    for (const auto& one : clients_) one.reply.end();
    ended.swap(clients_);
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
  if (one.asked.verb() == machine::http::method::head)
    return one.reply.begin(200, "text/event-stream", "Cache-Control: no-store\r\n");
  std::optional<std::uint64_t> after;
  auto text = one.parameter("after");
  if (const auto last = one.asked.header("Last-Event-ID")) text = std::string{*last};
  if (text) {
    after = base::parse_number<std::uint64_t>(*text);
    if (!after)
      return answer_problem(one.reply,
                            protocols::problem_of(protocols::failure::malformed,
                                                  "Last-Event-ID (or after) must be the number of "
                                                  "an event."));
  }
  one.asked.release();
  here->events->add(one.reply, after, here->cast().config.limits.event_readers);
}

}  // namespace greenroom::doors
