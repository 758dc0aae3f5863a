// What the server knows of one connection beside RESTinio: who waits for its end, how far its
// request has come. Private to this folder; everything here belongs to one loop thread.
#pragma once

#include "runtime/machine/http/request_grammar.hpp"
#include "runtime/machine/http/server.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace greenroom::machine::http {

using plain_socket =
    boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

/// Counters that every loop adds to.
struct server_totals {
  std::atomic<std::size_t> connections{0};
  std::atomic<std::uint64_t> accepted{0}, requests{0}, refused{0}, malformed{0}, timed_out{0},
      hung_up{0}, streams_cut{0}, unfinished_bytes{0}, unsent_bytes{0};
};

struct connection_record;

/// What is shared by the connections of one loop.
struct lane {
  lane(boost::asio::io_context& on, server_options chosen, std::shared_ptr<server_totals> counted)
      : io{on}, options{std::move(chosen)}, totals{std::move(counted)} {}

  boost::asio::io_context& io;
  const server_options options;
  std::shared_ptr<server_totals> totals;
  server::handler handle;  ///< Empty once the server has stopped.
  bool closing = false;    ///< Each answer is the last of its connection.
  /// Nothing is posted to the loop any more; it may be gone. From any thread.
  std::atomic<bool> ended{false};
  std::unordered_map<std::uint64_t, std::shared_ptr<connection_record>> records;
  std::size_t lingering = 0;
  std::uint64_t now = 0;  ///< Counts `tick_time`s; reading a clock per request would cost more.
};

constexpr std::chrono::milliseconds tick_time{250};
constexpr std::size_t field_name_bytes = 256;  ///< Of a header field, at most.

/// How far the request being read has come.
enum class reading : std::uint8_t { nothing, headers, body };

struct connection_record : std::enable_shared_from_this<connection_record> {
  explicit connection_record(std::uint64_t id, std::shared_ptr<lane> place)
      : number{id},
        home{std::move(place)},
        grammar{{home->options.url_bytes, field_name_bytes,
                 home->options.header_bytes - 1,  // RESTinio takes no value of as many as allowed.
                 home->options.header_fields, home->options.request_bytes}} {}

  const std::uint64_t number;
  const std::shared_ptr<lane> home;
  plain_socket* socket = nullptr;  ///< Null once it is closed.
  /// RESTinio's connection, kept here while it is open: when it neither reads nor writes nobody
  /// else holds it, and an answer that outlives the loop must not.
  std::shared_ptr<void> link;
  std::size_t unanswered = 0;    ///< Requests that a handler has and that are not answered yet.
  std::size_t unwritten = 0;     ///< Requests whose answers are not wholly in the socket yet.
  bool handling = false;         ///< The handler is running for this connection.
  bool streaming = false;        ///< The headers of an answer are out and its end is not.
  bool owes_leave = false;       ///< The client waits for leave to send its body.
  bool last_words_said = false;  ///< An error was written; what the client still sends is dropped.
  bool leaving = false;          ///< RESTinio was told to close after an answer.
  /// RESTinio works on bytes that have arrived. When it closes the connection meanwhile, they are
  /// no request to its parser: it tells the reason to nobody.
  bool parsing = false;
  reading stage = reading::nothing;
  std::string_view latest;  ///< What came last; in RESTinio's buffer while it parses it.
  request_grammar grammar;
  /// Hears the end of what the client sends, once its requests are answered: it has ended its
  /// sending side and may still read. Empty: it has not.
  std::function<void(boost::system::error_code)> held_end;
  std::uint64_t held_since = 0;  ///< In ticks.
  std::uint64_t unfinished = 0;  ///< Bytes of an incomplete request that the totals know of.
  std::uint64_t begun = 0;       ///< In ticks of the lane.
  std::uint64_t unsent = 0;      ///< Bytes of large answers that the totals know of.
  std::uint64_t progress = 0;    ///< When its client last took something of them. In ticks.
  struct waiting {
    std::uint64_t request = 0;
    std::function<void()> gone;
  };
  std::vector<waiting> at_close;  ///< Whom to tell when the connection closes before the answer.

  /// Sees all bytes before the parser does.
  void read(const char* bytes, std::size_t length);
  /// What came last begins as a request does, but with a method that nobody knows. Only while
  /// RESTinio is `parsing`.
  [[nodiscard]] bool asks_strangely() const;
  /// The parser has refused what came; the grammar knows whether a limit was the reason.
  void say_why_not_parsed();
  /// Says so, unless answers to earlier requests are owed: theirs come first.
  void give_leave();
  /// The parser has a whole request.
  void request_complete();
  /// The last byte of an answer is in the socket.
  void answer_written();
  /// The client sends nothing more, but what it asked is not answered, and it may still read.
  [[nodiscard]] bool may_outlive_end() const;
  /// Calls `end` when all is answered, or when it turns out that the client is gone.
  /// @pre `may_outlive_end`
  void hold_end(std::function<void(boost::system::error_code)> end);
  /// Whether it is still there. Each tick. @pre `held_end`
  void look_at_peer();
  void end_now(boost::system::error_code why);
  /// Whether an answer, or a piece of one, is counted: large ones, and whatever a stream consists
  /// of. Other small answers are bounded by how many there may be.
  [[nodiscard]] bool counts(std::size_t bytes) const;
  /// Counts bytes in that are to be sent; at their cost slow readers go. False when they are too
  /// many all the same.
  [[nodiscard]] bool take_on(std::size_t bytes);
  void sent_off(std::size_t bytes);
  /// Ends it unless an answer is owed; who is in the middle of a request is told.
  void leave_if_answered();
  /// Writes an answer as far as the socket takes it at once, and makes RESTinio close.
  void say_last_words(int status, std::string_view type, std::string_view detail);
  /// Both directions; RESTinio hears of it and closes.
  void cut();
  void closed(bool tell);
};

/// Reads and drops what a client still sends after its error answer, for a short while: closing
/// with unread bytes would reset the connection, and the client would not see the answer.
void linger(plain_socket socket, const std::shared_ptr<lane>& home);

/// The socket that RESTinio is given. It is the place where hang-ups, slow requests and parser
/// errors can be seen, for which RESTinio 0.6 has no interface.
class guarded_socket {
public:
  using executor_type = boost::asio::io_context::executor_type;

  explicit guarded_socket(plain_socket socket) : plain_{std::move(socket)} {}
  guarded_socket(guarded_socket&& other) noexcept = default;
  guarded_socket& operator=(guarded_socket&&) = delete;
  ~guarded_socket() {
    if (record_) record_->closed(false);
  }

  executor_type get_executor() { return plain_.get_executor(); }
  plain_socket& plain() { return plain_; }
  [[nodiscard]] bool is_open() const { return plain_.is_open(); }
  auto native_handle() { return plain_.native_handle(); }

  /// From here on the socket stays where it is.
  void attach(std::shared_ptr<connection_record> record) {
    record_ = std::move(record);
    record_->socket = &plain_;
  }

  template <class Buffer, class Handler>
  void async_read_some(const Buffer& buffer, Handler&& then) {
    const boost::asio::mutable_buffer into{buffer};
    plain_.async_read_some(
        into, [record = record_.get(), data = static_cast<const char*>(into.data()),
               inner = std::forward<Handler>(then)](const boost::system::error_code& error,
                                                    std::size_t length) mutable {
          // The record lives as long as the socket, and `inner` owns the connection.
          if (!error) record->read(data, length);
          if (record->last_words_said) return inner(boost::asio::error::connection_reset, 0);
          if (error == boost::asio::error::eof && record->may_outlive_end()) {
            const auto kept = std::make_shared<std::decay_t<Handler>>(std::move(inner));
            return record->hold_end(
                [kept](boost::system::error_code why) { (*kept)(why, std::size_t{0}); });
          }
          record->parsing = !error;
          inner(error, length);
          record->parsing = false;
        });
  }

  template <class Buffers, class Handler>
  void async_write_some(const Buffers& buffers, Handler&& then) {
    plain_.async_write_some(
        buffers, [record = record_.get(), inner = std::forward<Handler>(then)](
                     const boost::system::error_code& error, std::size_t length) mutable {
          record->progress = record->home->now;
          // After an answer RESTinio goes on with a request that came behind the one answered.
          record->parsing = !error && !record->leaving;
          inner(error, length);
          record->parsing = false;
        });
  }

  void cancel(boost::system::error_code& error) { plain_.cancel(error); }

  /// RESTinio calls this first when it closes a connection, for whatever reason.
  void shutdown(boost::asio::socket_base::shutdown_type how, boost::system::error_code& error);
  void close();

private:
  plain_socket plain_;
  std::shared_ptr<connection_record> record_;
};

}  // namespace greenroom::machine::http
