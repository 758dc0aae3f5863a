// The server's state of one connection, beside RESTinio's: callbacks for the end, progress of the
// request. Private to this folder; everything here belongs to one loop thread.
#pragma once

#include "runtime/machine/http/request_grammar.hpp"
#include "runtime/machine/http/server_options.hpp"

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

/// Counters shared by all loops.
struct server_totals {
  std::atomic<std::size_t> connections{0};
  std::atomic<std::uint64_t> accepted{0}, requests{0}, refused{0}, malformed{0}, timed_out{0},
      hung_up{0}, streams_cut{0}, unfinished_bytes{0}, unsent_bytes{0};
};

struct connection_record;

/// State shared by one loop's connections.
struct lane {
  lane(boost::asio::io_context& on, server_options chosen, std::shared_ptr<server_totals> counted)
      : io{on}, options{std::move(chosen)}, totals{std::move(counted)} {}

  boost::asio::io_context& io;
  const server_options options;
  std::shared_ptr<server_totals> totals;
  request_handler handle;  ///< Empty once the server has stopped.
  bool closing = false;    ///< Each answer closes its connection.
  /// No handler may be posted to the loop, which may be destroyed. Set by any thread.
  std::atomic<bool> ended{false};
  std::unordered_map<std::uint64_t, std::shared_ptr<connection_record>> records;
  std::size_t lingering = 0;
  std::uint64_t now = 0;  ///< Counts `tick_time`s; a clock read per request would cost more.
};

constexpr std::chrono::milliseconds tick_time{250};
constexpr std::size_t field_name_bytes = 256;  ///< Limit on the name of a header field.

/// How much of the current request has arrived.
enum class reading : std::uint8_t { nothing, headers, body };

struct connection_record : std::enable_shared_from_this<connection_record> {
  explicit connection_record(std::uint64_t id, std::shared_ptr<lane> place)
      : number{id},
        home{std::move(place)},
        grammar{{home->options.url_bytes, field_name_bytes,
                 home->options.header_bytes - 1,  // RESTinio accepts only shorter values.
                 home->options.header_fields, home->options.request_bytes}} {}

  const std::uint64_t number;
  const std::shared_ptr<lane> home;
  plain_socket* socket = nullptr;  ///< Null once closed.
  /// RESTinio's connection, held while open: RESTinio itself holds it only while reading or
  /// writing, and an answer that outlives the loop must not hold it.
  std::shared_ptr<void> link;
  std::size_t unanswered = 0;    ///< Requests that a handler has and that are not answered.
  std::size_t unwritten = 0;     ///< Requests whose answers are not yet completely in the socket.
  bool handling = false;         ///< The handler is running for this connection.
  bool streaming = false;        ///< An answer's headers are sent and its end is not.
  bool owes_leave = false;       ///< The client waits for "100 Continue" before it sends the body.
  bool last_words_said = false;  ///< An error was written; further input is dropped.
  bool leaving = false;          ///< RESTinio was told to close after an answer.
  /// RESTinio parses received bytes. If RESTinio closes the connection meanwhile, its parser has
  /// refused the bytes; RESTinio does not pass the reason on.
  bool parsing = false;
  reading stage = reading::nothing;
  std::string_view latest;  ///< The last bytes read; valid while RESTinio parses its buffer.
  request_grammar grammar;
  /// Completes a held end of input: the client has shut down its sending side with requests
  /// unanswered, and may still read. Empty: no end is held.
  std::function<void(boost::system::error_code)> held_end;
  std::uint64_t held_since = 0;  ///< In ticks.
  std::uint64_t unfinished = 0;  ///< Bytes of an incomplete request that are counted in the totals.
  std::uint64_t begun = 0;       ///< In ticks.
  std::uint64_t unsent = 0;      ///< Bytes of large answers that are counted in the totals.
  std::uint64_t progress = 0;    ///< Last tick at which the client accepted bytes.
  struct waiting {
    std::uint64_t request = 0;
    std::function<void()> gone;
  };
  std::vector<waiting> at_close;  ///< Callbacks for a close before the answer.

  /// Sees all bytes before the parser does.
  void read(const char* bytes, std::size_t length);
  /// True if the last bytes begin a request with an unknown method. Call only while RESTinio is
  /// `parsing`.
  [[nodiscard]] bool asks_strangely() const;
  /// Answers bytes that the parser has refused; the grammar knows whether a limit was exceeded.
  void say_why_not_parsed();
  /// Sends "100 Continue", unless answers to earlier requests must be sent first.
  void give_leave();
  /// The parser has a complete request.
  void request_complete();
  /// The last byte of an answer is in the socket.
  void answer_written();
  /// True if requests are unanswered after the client's end of input; the client may still read.
  [[nodiscard]] bool may_outlive_end() const;
  /// Calls `end` when all requests are answered, or when the client is gone.
  /// @pre `may_outlive_end`
  void hold_end(std::function<void(boost::system::error_code)> end);
  /// Checks whether the client is still there. Called each tick. @pre `held_end`
  void look_at_peer();
  void end_now(boost::system::error_code why);
  /// Whether an answer, or a piece of a stream, counts towards the totals: large answers and all
  /// pieces of streams do. The number of requests bounds the other answers.
  [[nodiscard]] bool counts(std::size_t bytes) const;
  /// Counts bytes to be sent; over the limit, cuts off slow readers. False if still over the limit.
  [[nodiscard]] bool take_on(std::size_t bytes);
  void sent_off(std::size_t bytes);
  /// Closes the connection unless an answer is due; answers an incomplete request with an error.
  void leave_if_answered();
  /// Writes as much of an error answer as the socket takes at once, and makes RESTinio close.
  void say_last_words(int status, std::string_view type, std::string_view detail);
  /// Shuts both directions down; RESTinio notices and closes.
  void cut();
  void closed(bool tell);
};

/// Reads and drops the client's remaining input after an error answer, for a short time: a close
/// with unread bytes would reset the connection, and the client would not see the answer.
void linger(plain_socket socket, const std::shared_ptr<lane>& home);

/// The socket type for RESTinio. Detects hang-ups, slow requests and parser errors, for which
/// RESTinio 0.6 has no interface.
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

  /// From here on the socket must not be moved.
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
          // After an answer, RESTinio would process a request that arrived behind the answered one.
          record->parsing = !error && !record->leaving;
          inner(error, length);
          record->parsing = false;
        });
  }

  void cancel(boost::system::error_code& error) { plain_.cancel(error); }

  /// RESTinio's first call whenever it closes a connection.
  void shutdown(boost::asio::socket_base::shutdown_type how, boost::system::error_code& error);
  void close();

private:
  plain_socket plain_;
  std::shared_ptr<connection_record> record_;
};

}  // namespace greenroom::machine::http
