#include "actors/doors/event_streams.hpp"

#include "actors/doors/answers.hpp"
#include "actors/node/parts.hpp"
#include "actors/state/event_log.hpp"
#include "protocols/base/json_writer.hpp"
#include "protocols/base/time_text.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <utility>

namespace greenroom::doors {

namespace {

std::string as_text(const event& what) {
  std::string detail;
  if (what.json.empty())
    detail = "null";
  else
    base::append_one_line(detail, what.json);
  base::json_object data{
      {"number", what.number}, {"at", base::rfc3339(what.unix_ms)}, {"kind", what.kind}};
  data.raw("detail", detail);
  return "id: " + std::to_string(what.number) + "\ndata: " + std::move(data).text() + "\n\n";
}

}  // namespace

struct event_streams::heartbeat_timer {
  explicit heartbeat_timer(boost::asio::io_context& loop) : timer{loop} {}
  boost::asio::steady_timer timer;
};

std::shared_ptr<event_streams> event_streams::open(node& served, machine::engine& engine) {
  auto streams = std::make_shared<event_streams>(served, engine);
  streams->subscription_ = served.on_event([weak = std::weak_ptr{streams}](const event&) {
    if (const auto self = weak.lock()) self->wake();
  });
  const auto own = std::make_shared<heartbeat_timer>(engine.loop(0));
  streams->heartbeat_timer_ = own;
  streams->arm_heartbeat(own);
  return streams;
}

event_streams::event_streams(node& served, machine::engine& engine)
    : parts_{&served.inside()}, loop_{&engine.loop(0)} {}

void event_streams::add(const machine::http::responder& reply, std::optional<std::uint64_t> after,
                        std::size_t clients_max) {
  {
    const std::lock_guard lock{guard_};
    if (closed_)
      return answer_refusal(reply,
                            {protocols::failure::draining, "The node is going down.", {}, {}});
    if (clients_.size() >= clients_max)
      return answer_refusal(reply, {protocols::failure::queue_full,
                                    "Too many clients read events (limits.event_readers "
                                        + std::to_string(clients_max) + "); retry later.",
                                    {},
                                    heartbeat});
    const auto [oldest, newest] = parts_->event_numbers();
    client fresh{reply, newest};
    reply.limit_send_buffer(piece_bytes);
    reply.on_room([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->wake();
    });
    reply.begin(200, "text/event-stream", "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n");
    // The time until a browser reconnects.
    reply.write("retry: 2000\n\n");
    if (after) {
      // A greater number is from before a restart of the node: send all events that are kept.
      const auto from = *after > newest ? 0 : *after;
      if (oldest > 0 && from + 1 < oldest && from != 0)
        reply.write(": events " + std::to_string(from + 1) + " to " + std::to_string(oldest - 1)
                    + " are no longer kept\n\n");
      fresh.last = std::max(from, oldest > 0 ? oldest - 1 : 0);
    }
    clients_.push_back(std::move(fresh));
  }
  reply.on_close([weak = weak_from_this()] {
    // The next turn would notice it; this releases the client at once.
    if (const auto self = weak.lock()) self->wake();
  });
  wake();
}

void event_streams::wake() {
  // No lock: called while a client is being written to. The engine outlives this object until
  // close(), and the threads that publish events.
  if (closed_ || woken_.exchange(true, std::memory_order_acq_rel)) return;
  boost::asio::post(*loop_, [self = shared_from_this()] { self->send_some(); });
}

void event_streams::send_some() {
  // Limits of a turn, so that it takes about a millisecond.
  constexpr std::size_t clients_per_turn = 64;
  constexpr std::size_t bytes_per_turn = std::size_t{512} << 10;
  const std::lock_guard lock{guard_};
  if (closed_) return;
  // A wake-up from here on begins another round.
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
    if (!send_to(one)) {
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
  // The clients that had no turn in this round yet.
  if (turns_left_ > 0)
    boost::asio::post(*loop_, [self = shared_from_this()] { self->send_some(); });
}

// False when the client is to be dropped.
bool event_streams::send_to(client& one) {
  if (one.reply.closed()) return false;
  // The rest follows when the socket has taken this.
  while (one.reply.unsent() < piece_bytes) {
    const auto [oldest, newest] = parts_->event_numbers();
    if (one.last >= newest) return true;
    if (one.last + 1 < oldest) {
      // The client reads too slowly: the log has dropped events that it has not got.
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
  const auto newest = parts_->event_numbers().second;
  // A piece that ended with the newest event may be too short by now: it is made again.
  if (known != pieces_.end() && (known->last == newest || known->text->size() >= piece_bytes / 2))
    return *known;
  if (known != pieces_.end()) pieces_.erase(known);
  piece made;
  made.after = number;
  std::string text;
  for (const auto& one : parts_->events_after(number, piece_bytes)) {
    text += as_text(one);
    made.last = one.number;
  }
  made.text = std::make_shared<const std::string>(std::move(text));
  if (made.last == 0) return made;
  pieces_.push_back(made);
  if (pieces_.size() > pieces_max) pieces_.pop_front();
  return made;
}

void event_streams::arm_heartbeat(const std::shared_ptr<heartbeat_timer>& with) {
  with->timer.expires_after(heartbeat);
  with->timer.async_wait([weak = weak_from_this(), with](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self) return;
    {
      const std::lock_guard inner{self->guard_};
      if (self->closed_) return;
      // A client with unsent bytes needs no heartbeat.
      std::erase_if(self->clients_, [](const client& one) {
        return one.reply.closed()
               || (one.reply.unsent() == 0 && !one.reply.write(": heartbeat\n\n"));
      });
      self->turns_left_ = std::min(self->turns_left_, self->clients_.size());
    }
    self->arm_heartbeat(with);
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
  if (const auto own = heartbeat_timer_.lock())
    boost::asio::post(own->timer.get_executor(), [own] { own->timer.cancel(); });
}

}  // namespace greenroom::doors
