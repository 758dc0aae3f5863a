// One HTTP request of a worker, from its connection to the end of the answer.
#pragma once

#include "protocols/base/http_url.hpp"
#include "runtime/machine/worker/content_coding.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace greenroom::machine {

/// How long a `Retry-After` field asks to wait, in milliseconds (RFC 9110, section 10.2.3):
/// seconds, whole or with a fraction as some servers say them, or a date in one of HTTP's three
/// forms. A date is told from the answer's own `date` where that is good, so that the server's
/// clock may go wrong, and from `now_unix_s` otherwise. 0: not at all, or nonsense.
[[nodiscard]] std::int64_t retry_after_ms(std::string_view field, std::string_view date,
                                          std::int64_t now_unix_s);

struct http_connection {
  explicit http_connection(boost::asio::io_context& loop) : socket{loop} {}
  boost::asio::ip::tcp::socket socket;
  /// With https. The server's certificate must be good for its name, by the authorities that
  /// OpenSSL knows (SSL_CERT_FILE and SSL_CERT_DIR name others).
  std::optional<boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>> secured;
  boost::beast::flat_buffer buffer;
};

struct http_answer {
  std::string failure;    ///< Empty: there is an answer. Otherwise why there is none.
  bool is_final = false;  ///< Of a failure: another attempt would meet the same.
  unsigned status = 0;
  std::string content_type;         ///< As it came; empty: the server named none.
  std::string location;             ///< Of a redirect.
  std::int64_t retry_after_ms = 0;  ///< 0: it does not ask for a pause.
  std::string body;
  /// The connection was an old one and ended without a byte of an answer: the server had closed it.
  bool stale = false;
  /// Set when the connection may be used again.
  std::shared_ptr<http_connection> connection;
};

/// Runs on one loop and keeps itself alive until `done` was called or it is cancelled.
class http_call : public std::enable_shared_from_this<http_call> {
public:
  /// Hears the body as it comes. False: enough; the call ends as if the answer did, and the
  /// connection is closed.
  using piece_taker = std::function<bool(std::string_view)>;
  /// Sees status and fields of a 2xx answer. True: its body is for the `piece_taker` and is not
  /// kept, so that it may be of any length.
  using head_taker = std::function<bool(const http_answer&)>;
  using end_taker = std::function<void(http_answer)>;
  /// Looks at a connection that was just made, before anything is sent. Calls `go_on` on the loop
  /// with nothing, or with a sentence that says why this is not the server that was meant.
  using endpoint = boost::asio::ip::tcp::endpoint;
  using gate = std::function<void(const endpoint& there, const endpoint& here,
                                  std::function<void(std::string)> go_on)>;

  http_call(boost::asio::io_context& loop, base::http_url where, std::size_t body_bytes_max);

  /// `old` may be empty; then a connection is made. `done` is called once, never from within
  /// `start`.
  void start(boost::beast::http::verb verb, const std::string& path, std::string body,
             std::string_view key, std::shared_ptr<http_connection> old, end_taker done);
  // Before it is started:
  void on_body(head_taker on_head, piece_taker on_piece);
  /// Asked before each further piece of a streamed body; as long as it says no, nothing is read, so
  /// that the server has to wait too.
  void pace(std::function<bool()> takes_more) { pace_ = std::move(takes_more); }
  void guard(gate admits) { gate_ = std::move(admits); }
  /// One more header of the request; it takes the place of what is sent by default.
  void add_header(const std::string& name, const std::string& value);
  /// Closes the connection; `done` is not called any more.
  void cancel();

private:
  using parser = boost::beast::http::response_parser<boost::beast::http::buffer_body>;
  void resolve();
  void connect(const boost::asio::ip::tcp::resolver::results_type& found);
  void connected();
  void secure();
  void write();
  bool set_by_default(boost::beast::http::field name, std::string_view value);
  template <class Use>
  void with_stream(Use use);
  void read_head();
  void on_head();
  void note_pause();
  bool unpack_from_here();
  void read_piece();
  void on_piece(boost::system::error_code error);
  bool take(std::string_view piece);
  void finish(http_answer answer);
  void fail(const char* what, boost::system::error_code error);
  void fail_for_good(std::string why);
  [[nodiscard]] std::string name() const;
  [[nodiscard]] bool succeeds() const { return answer_.status >= 200 && answer_.status < 300; }

  boost::asio::io_context& loop_;
  const base::http_url where_;
  const std::size_t body_bytes_max_;
  boost::asio::ip::tcp::resolver resolver_;
  std::shared_ptr<http_connection> connection_;
  boost::system::error_code write_error_;
  bool reused_ = false;
  bool answered_ = false;
  boost::beast::http::request<boost::beast::http::string_body> request_;
  std::optional<parser> parser_;
  std::array<char, 16384> piece_{};
  http_answer answer_;
  std::optional<content_unpacker> unpacker_;
  gate gate_;
  std::function<bool()> pace_;
  boost::asio::steady_timer pause_;
  head_taker on_head_;
  piece_taker on_piece_;
  end_taker done_;
  bool streamed_ = false;  ///< The body goes to `on_piece_`.
  bool enough_ = false;    ///< What still comes of the body is not wanted.
  bool too_long_ = false;
  int interim_ = 0;
};

}  // namespace greenroom::machine
