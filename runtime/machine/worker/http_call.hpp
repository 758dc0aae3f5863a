// One HTTP request of a worker, from its connection to the end of the answer.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
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

/// Where a server is: the parts of http[s]://HOST[:PORT][/BASE].
struct http_address {
  bool secure = false;    ///< https
  std::string host;       ///< Without the brackets of an IPv6 address.
  std::string port;       ///< 80 or 443 unless the URL says otherwise.
  std::string base;       ///< Put before every path; without a slash at its end.
  std::string authority;  ///< For the Host header.
};
/// False for anything but such a URL.
[[nodiscard]] bool parse_http_url(std::string_view url, http_address& result);

/// How long a `Retry-After` field asks to wait, in milliseconds (RFC 9110, section 10.2.3): whole
/// seconds, or a date, which is told from the answer's own `date` where that is good, so that the
/// server's clock may go wrong, and from `now_unix_s` otherwise. 0: not at all, or nonsense.
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
  std::string failure;  ///< Empty: there is an answer. Otherwise why there is none.
  unsigned status = 0;
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
  using piece_taker = std::function<void(std::string_view)>;
  using end_taker = std::function<void(http_answer)>;

  http_call(boost::asio::io_context& loop, http_address where, std::size_t body_bytes_max);

  /// `old` may be empty; then a connection is made. `on_piece` (may be empty) hears the body of a
  /// 2xx answer as it comes. `done` is called once, never from within `start`.
  void start(boost::beast::http::verb verb, const std::string& path, std::string body,
             std::string_view key, std::shared_ptr<http_connection> old, piece_taker on_piece,
             end_taker done);
  /// One more header of the request, before it is started.
  void add_header(const std::string& name, const std::string& value);
  /// Closes the connection; `done` is not called any more.
  void cancel();

private:
  using parser = boost::beast::http::response_parser<boost::beast::http::buffer_body>;
  void resolve();
  void connect(const boost::asio::ip::tcp::resolver::results_type& found);
  void secure();
  void write();
  template <class Use>
  void with_stream(Use use);
  void read_head();
  void on_head();
  void note_pause();
  void read_piece();
  void on_piece(boost::system::error_code error);
  void finish(http_answer answer);
  void fail(const char* what, boost::system::error_code error);

  boost::asio::io_context& loop_;
  const http_address where_;
  const std::size_t body_bytes_max_;
  boost::asio::ip::tcp::resolver resolver_;
  std::shared_ptr<http_connection> connection_;
  bool reused_ = false;
  bool answered_ = false;
  boost::beast::http::request<boost::beast::http::string_body> request_;
  std::optional<parser> parser_;
  std::array<char, 16384> piece_{};
  http_answer answer_;
  piece_taker on_piece_;
  end_taker done_;
};

}  // namespace greenroom::machine
