#include "runtime/machine/http/connection_record.hpp"

#include "runtime/machine/http/peer_socket.hpp"
#include "runtime/machine/http/response_head.hpp"

#include <boost/asio/post.hpp>

#include <http_parser.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>

namespace greenroom::machine::http {

namespace {

/// Limits on time and bytes of a client's input after an error answer.
constexpr std::chrono::milliseconds linger_time{2'000};
constexpr std::uint64_t linger_bytes = std::uint64_t{64} << 20;
/// Connections that may linger at once on one loop; further ones are closed at once.
constexpr std::size_t lingering_max = 256;

/// Answers up to this size are bounded by the number of requests.
constexpr std::size_t few_bytes = 4096;
/// After a second, a client that has shut down its sending side is probed.
constexpr std::uint64_t probe_ticks = 4;
/// A client that read nothing for a second may be cut off when the limit is reached.
constexpr std::uint64_t slow_reader_ticks = 4;

constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";

struct lingering_socket : std::enable_shared_from_this<lingering_socket> {
  lingering_socket(plain_socket from, std::shared_ptr<lane> place)
      : socket{std::move(from)}, timer{place->io}, home{std::move(place)} {
    ++home->lingering;
  }
  lingering_socket(const lingering_socket&) = delete;
  lingering_socket& operator=(const lingering_socket&) = delete;
  ~lingering_socket() { --home->lingering; }

  void start() {
    timer.expires_after(linger_time);
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      boost::system::error_code ignored;
      if (!error) self->socket.close(ignored);
    });
    read();
  }
  void read() {
    socket.async_read_some(
        boost::asio::buffer(dropped),
        [self = shared_from_this()](const boost::system::error_code& error, std::size_t length) {
          self->left -= std::min<std::uint64_t>(length, self->left);
          if (!error && self->left > 0) return self->read();
          self->timer.cancel();
        });
  }

  plain_socket socket;
  boost::asio::steady_timer timer;
  std::shared_ptr<lane> home;
  std::uint64_t left = linger_bytes;
  std::array<char, 8192> dropped;
};

}  // namespace

void linger(plain_socket socket, const std::shared_ptr<lane>& home) {
  if (home->lingering >= lingering_max) return;
  boost::system::error_code ignored;
  socket.shutdown(boost::asio::socket_base::shutdown_send, ignored);
  std::make_shared<lingering_socket>(std::move(socket), home)->start();
}

void connection_record::read(const char* bytes, std::size_t length) {
  if (last_words_said) return;
  latest = {bytes, length};
  if (stage == reading::nothing) {
    stage = reading::headers;
    begun = home->now;
  } else {
    // Most requests arrive in one read and never get here.
    unfinished += length;
    const auto all =
        home->totals->unfinished_bytes.fetch_add(length, std::memory_order_relaxed) + length;
    if (all > home->options.unfinished_bytes
        && unfinished > home->options.unfinished_bytes / home->options.connections) {
      home->totals->refused.fetch_add(1, std::memory_order_relaxed);
      return say_last_words(503, "uploads-full", "Too many large requests arrive; retry later.");
    }
  }
  const auto before = grammar.heads();
  if (const auto wrong = grammar.read(latest); wrong.status != 0) {
    // Earlier requests in the same read are dropped too, because such a client cannot be trusted.
    home->totals->malformed.fetch_add(1, std::memory_order_relaxed);
    return say_last_words(wrong.status, wrong.status == 413 ? "too-large" : "malformed",
                          wrong.detail);
  }
  if (stage == reading::headers && !grammar.in_head()) stage = reading::body;
  // A client that expects "100 Continue" sends nothing after the empty line, and the interim answer
  // must not come before answers to earlier requests.
  if (grammar.heads() == before + 1 && grammar.wants_leave(home->options.request_bytes))
    owes_leave = true;
  give_leave();
}

void connection_record::give_leave() {
  if (!owes_leave || unanswered > 0 || unwritten > 0 || last_words_said || !socket) return;
  owes_leave = false;
  (void)::send(socket->native_handle(), go_on.data(), go_on.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool connection_record::asks_strangely() const {
  const auto line = latest.substr(0, latest.find("\r\n"));
  const auto name = line.substr(0, line.find(' '));
  for (int known = 0; known <= HTTP_SOURCE; ++known)
    if (name == ::http_method_str(static_cast<::http_method>(known))) return false;
  // The token of RFC 9110, section 5.6.2.
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  const auto is_token = [&](unsigned char c) {
    return std::isalnum(c) != 0 || marks.find(static_cast<char>(c)) != std::string_view::npos;
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), is_token)
         && (line.ends_with(" HTTP/1.1") || line.ends_with(" HTTP/1.0"));
}

void connection_record::say_why_not_parsed() {
  home->totals->malformed.fetch_add(1, std::memory_order_relaxed);
  switch (grammar.exceeded()) {
    case 413:
      return say_last_words(413, "too-large",
                            "The body is larger than this node takes (limits.request_bytes).");
    case 414: return say_last_words(414, "malformed", "The address is too long.");
    case 431:
      return say_last_words(431, "malformed", "The header fields are too large or too many.");
    default: break;
  }
  if (asks_strangely())
    return say_last_words(501, "not-implemented", "This server knows no method of that name.");
  say_last_words(400, "malformed", "This is not HTTP/1.1.");
}

void connection_record::request_complete() {
  // The beginning of the next request may be in the same read.
  stage = grammar.in_head() ? reading::headers : reading::nothing;
  begun = home->now;
  owes_leave = false;
  if (unfinished != 0) {
    home->totals->unfinished_bytes.fetch_sub(unfinished, std::memory_order_relaxed);
    unfinished = 0;
  }
  ++unanswered;
  ++unwritten;
}

void connection_record::answer_written() {
  --unwritten;
  give_leave();
  if (held_end && unanswered == 0 && unwritten == 0) return end_now(boost::asio::error::eof);
  if (home->closing) leave_if_answered();
}

bool connection_record::may_outlive_end() const {
  return socket && unanswered > 0 && !streaming && !home->closing
         && peer_of(socket->native_handle()) != peer_state::gone;
}

void connection_record::hold_end(std::function<void(boost::system::error_code)> end) {
  held_end = std::move(end);
  held_since = home->now;
  socket->async_wait(boost::asio::socket_base::wait_error,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       if (!error) self->end_now(boost::asio::error::connection_reset);
                     });
}

void connection_record::look_at_peer() {
  const auto now = peer_of(socket->native_handle());
  if (now == peer_state::gone) return end_now(boost::asio::error::connection_reset);
  // Probe: a peer on another machine that is gone answers with a reset; a peer that only shut down
  // its sending side ignores an interim answer. HTTP/1.0 has no interim answers.
  if (now == peer_state::unknown && home->now - held_since == probe_ticks && unwritten == unanswered
      && !grammar.is_old())
    (void)::send(socket->native_handle(), go_on.data(), go_on.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void connection_record::end_now(boost::system::error_code why) {
  if (!held_end) return;
  // Posted, because the caller may be inside RESTinio's write.
  boost::asio::post(home->io, [self = shared_from_this(), end = std::exchange(held_end, {}), why] {
    end(self->socket ? why : boost::asio::error::operation_aborted);
  });
}

void connection_record::leave_if_answered() {
  if (unanswered > 0 || unwritten > 0) return;
  if (stage == reading::nothing) return cut();
  say_last_words(503, "draining", "The node is shutting down and accepts no new tasks.");
}

bool connection_record::counts(std::size_t bytes) const { return streaming || bytes > few_bytes; }

bool connection_record::take_on(std::size_t bytes) {
  auto& all = home->totals->unsent_bytes;
  const auto fits = [&] {
    const auto now = all.load(std::memory_order_relaxed);
    return now == 0 || now + bytes <= home->options.unsent_bytes;
  };
  while (!fits()) {
    connection_record* slowest = nullptr;
    for (const auto& [other, record] : home->records)
      if (record.get() != this && record->unsent > 0
          && home->now - record->progress >= slow_reader_ticks
          && (slowest == nullptr || record->progress < slowest->progress))
        slowest = record.get();
    if (slowest == nullptr) return false;
    home->totals->streams_cut.fetch_add(1, std::memory_order_relaxed);
    slowest->sent_off(slowest->unsent);
    slowest->cut();
  }
  if (unsent == 0) progress = home->now;
  unsent += bytes;
  all.fetch_add(bytes, std::memory_order_relaxed);
  return true;
}

void connection_record::sent_off(std::size_t bytes) {
  const auto counted = std::min<std::uint64_t>(bytes, unsent);
  unsent -= counted;
  home->totals->unsent_bytes.fetch_sub(counted, std::memory_order_relaxed);
}

void connection_record::say_last_words(int status, std::string_view type, std::string_view detail) {
  if (!socket || last_words_said) return;
  last_words_said = true;
  // An error in the middle of another answer would be read as a part of that answer.
  if (unanswered == 0 && unwritten == 0 && !streaming) {
    const auto text = last_words(status, type, detail,
                                 grammar.asks_openai() ? error_form::openai : error_form::problem);
    (void)::send(socket->native_handle(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  }
  // Cancels a running read; the guarded socket returns an error, so RESTinio closes.
  end_now(boost::asio::error::connection_reset);
  boost::system::error_code ignored;
  socket->cancel(ignored);
}

void connection_record::cut() {
  end_now(boost::asio::error::connection_reset);
  if (socket) (void)::shutdown(socket->native_handle(), SHUT_RDWR);
}

void connection_record::closed(bool tell) {
  if (!socket) return;
  socket = nullptr;
  auto& totals = *home->totals;
  totals.connections.fetch_sub(1, std::memory_order_relaxed);
  totals.unfinished_bytes.fetch_sub(unfinished, std::memory_order_relaxed);
  unfinished = 0;
  totals.unsent_bytes.fetch_sub(std::exchange(unsent, 0), std::memory_order_relaxed);
  if (unanswered > 0) totals.hung_up.fetch_add(1, std::memory_order_relaxed);
  auto told = std::exchange(at_close, {});
  const auto dropped_end = std::exchange(held_end, {});
  const auto dropped = std::move(link);
  const auto self = home->records.extract(number);
  if (!tell || told.empty()) return;
  // Posted, because the caller may be inside RESTinio's close, and the callbacks are foreign code.
  boost::asio::post(home->io, [told = std::move(told)] {
    for (const auto& one : told) one.gone();
  });
}

void guarded_socket::shutdown(boost::asio::socket_base::shutdown_type how,
                              boost::system::error_code& error) {
  if (std::exchange(record_->parsing, false)) record_->say_why_not_parsed();
  plain_.shutdown(record_->last_words_said ? boost::asio::socket_base::shutdown_send : how, error);
}

void guarded_socket::close() {
  const auto lingers = record_->last_words_said;
  record_->closed(true);
  boost::system::error_code error;
  const auto& home = record_->home;
  if (!lingers || home->lingering >= lingering_max) {
    plain_.close(error);
    return;
  }
  const auto protocol = plain_.local_endpoint(error).protocol();
  // Like a close, a release completes pending operations with operation_aborted.
  const auto handle = plain_.release(error);
  if (error) return;
  plain_socket moved{home->io.get_executor()};
  moved.assign(protocol, handle, error);
  if (error) {
    ::close(handle);
    return;
  }
  linger(std::move(moved), home);
}

}  // namespace greenroom::machine::http
