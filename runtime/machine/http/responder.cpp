#include "runtime/machine/http/responder.hpp"

#include "runtime/machine/http/exchange.hpp"
#include "runtime/machine/http/response_head.hpp"

#include <array>
#include <charconv>
#include <mutex>
#include <optional>
#include <utility>

namespace greenroom::machine::http {

namespace net = boost::asio;

namespace {

/// Sends the outbox. Loop thread.
void flush(const std::shared_ptr<incoming>& asked) {
  auto& ours = exchange_of(*asked);
  std::string bytes;
  auto last = false;
  {
    const std::lock_guard lock{ours.guard};
    ours.flushing = false;
    bytes.swap(ours.outbox);
    last = ours.ended && !ours.complete;
    if (last) ours.complete = true;
  }
  if (bytes.empty() && !last) return;
  if (last) ours.connection->streaming = false;
  const auto size = bytes.size();
  // The callback must not own the request: request → connection → callback would be a cycle.
  send(ours, {}, std::move(bytes), last, [weak = std::weak_ptr{asked}, size] {
    const auto still = weak.lock();
    if (!still) return;
    auto& mine = exchange_of(*still);
    if (mine.unsent.fetch_sub(size, std::memory_order_relaxed) == size && mine.room) mine.room();
  });
}

/// Appends to a begun answer's outbox and schedules a flush.
template <class Append>
void gather(const std::shared_ptr<incoming>& asked, Append append) {
  auto& ours = exchange_of(*asked);
  {
    const std::lock_guard lock{ours.guard};
    if (ours.ended) return;
    const auto before = ours.outbox.size();
    append(ours.outbox);
    ours.unsent.fetch_add(ours.outbox.size() - before, std::memory_order_relaxed);
    if (std::exchange(ours.flushing, true)) return;
  }
  run_on_loop(ours, [asked] { flush(asked); });
}

void append_chunk(std::string& to, std::string_view piece, bool chunked) {
  if (!chunked) {
    to += piece;
    return;
  }
  std::array<char, 20> size{};
  const auto end = std::to_chars(size.data(), size.data() + size.size(), piece.size(), 16).ptr;
  to.append(size.data(), end);
  to += "\r\n";
  to += piece;
  to += "\r\n";
}

}  // namespace

void responder::answer(int status, std::string_view content_type, std::string body,
                       std::string_view headers) const {
  const auto asked = std::static_pointer_cast<incoming>(inside_);
  auto& ours = exchange_of(*asked);
  if (ours.answered.exchange(true)) return;
  /// Up to this size one buffer is cheaper than two.
  constexpr std::size_t joined_max = 8192;
  std::string head;
  const auto joined = !ours.head && body.size() <= joined_max;
  std::string all_headers;
  if (!ours.more_headers.empty()) {
    all_headers.append(headers).append(ours.more_headers);
    headers = all_headers;
  }
  head.reserve(256 + headers.size() + (joined ? body.size() : 0));
  append_head(head, {status, content_type, headers, body.size(), ours.keep_alive, ours.old_client});
  if (joined || ours.head) {
    if (joined) head += body;
    body.clear();
  }
  run_on_loop(ours, [asked, head = std::move(head), body = std::move(body)]() mutable {
    send(exchange_of(*asked), std::move(head), std::move(body), true);
  });
}

void responder::add_headers(std::string_view lines) const {
  exchange_of(of(inside_.get())).more_headers += lines;
}

void responder::begin(int status, std::string_view content_type, std::string_view headers) const {
  const auto asked = std::static_pointer_cast<incoming>(inside_);
  auto& ours = exchange_of(*asked);
  if (ours.answered.exchange(true)) return;
  // For HTTP/1.0 the end of the connection marks the end of the answer.
  if (ours.old_client) ours.keep_alive = false;
  run_on_loop(ours, [asked] { exchange_of(*asked).connection->streaming = true; });
  const auto all_headers = std::string{headers} + ours.more_headers;
  gather(asked, [&](std::string& to) {
    append_head(
        to, {status, content_type, all_headers, std::nullopt, ours.keep_alive, ours.old_client});
  });
  if (ours.head) end();
}

bool responder::write(std::string_view piece) const {
  const auto asked = std::static_pointer_cast<incoming>(inside_);
  auto& ours = exchange_of(*asked);
  if (ours.gone.load(std::memory_order_relaxed)) return false;
  // An empty chunk would end the answer.
  if (piece.empty() || ours.head) return true;
  const auto most = ours.connection->home->options.stream_bytes;
  if (ours.unsent.load(std::memory_order_relaxed) > most) {
    ours.connection->home->totals->streams_cut.fetch_add(1, std::memory_order_relaxed);
    ours.gone.store(true, std::memory_order_relaxed);
    abort();
    return false;
  }
  gather(asked, [&](std::string& to) { append_chunk(to, piece, !ours.old_client); });
  return true;
}

std::size_t responder::unsent() const {
  return exchange_of(of(inside_.get())).unsent.load(std::memory_order_relaxed);
}

void responder::on_room(std::function<void()> room) const {
  const auto asked = std::static_pointer_cast<incoming>(inside_);
  run_on_loop(exchange_of(*asked), [asked, room = std::move(room)]() mutable {
    exchange_of(*asked).room = std::move(room);
  });
}

void responder::limit_send_buffer(std::size_t bytes) const {
  const auto asked = std::static_pointer_cast<incoming>(inside_);
  run_on_loop(exchange_of(*asked), [asked, bytes] {
    const auto& record = *exchange_of(*asked).connection;
    if (record.socket == nullptr) return;
    boost::system::error_code ignored;
    record.socket->set_option(net::socket_base::send_buffer_size{static_cast<int>(bytes)}, ignored);
  });
}

bool responder::crowded() const {
  const auto& ours = exchange_of(of(inside_.get()));
  return !ours.gone.load(std::memory_order_relaxed)
         && ours.unsent.load(std::memory_order_relaxed)
                > ours.connection->home->options.stream_bytes / 2;
}

void responder::end() const {
  const auto asked = std::static_pointer_cast<incoming>(inside_);
  auto& ours = exchange_of(*asked);
  {
    const std::lock_guard lock{ours.guard};
    if (ours.ended) return;
    if (!ours.old_client && !ours.head) ours.outbox += "0\r\n\r\n";
    ours.ended = true;
    if (std::exchange(ours.flushing, true)) return;
  }
  run_on_loop(ours, [asked] { flush(asked); });
}

void responder::abort() const {
  const auto asked = std::static_pointer_cast<incoming>(inside_);
  run_on_loop(exchange_of(*asked), [asked] { exchange_of(*asked).connection->cut(); });
}

void responder::on_close(std::function<void()> gone) const {
  const auto asked = std::static_pointer_cast<incoming>(inside_);
  run_on_loop(exchange_of(*asked), [asked, gone = std::move(gone)]() mutable {
    auto& ours = exchange_of(*asked);
    auto& record = *ours.connection;
    auto told = [weak = std::weak_ptr{asked}, gone = std::move(gone)] {
      if (const auto still = weak.lock()) exchange_of(*still).gone.store(true);
      gone();
    };
    if (ours.sent) return;
    if (!record.socket) return net::post(record.home->io, std::move(told));
    record.at_close.push_back({ours.number, std::move(told)});
  });
}

bool responder::is_openai() const { return exchange_of(of(inside_.get())).openai; }

bool responder::closed() const {
  return exchange_of(of(inside_.get())).gone.load(std::memory_order_relaxed);
}

}  // namespace greenroom::machine::http
