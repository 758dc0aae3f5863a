// The HTTP client: one request, from connect to the end of the answer.
#pragma once

#include "protocols/base/http_url.hpp"
#include "protocols/task_types.hpp"
#include "runtime/machine/http/content_coding.hpp"

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
#include <utility>

namespace greenroom::machine {

struct http_connection {
  explicit http_connection(boost::asio::io_context& loop) : socket{loop} {}
  boost::asio::ip::tcp::socket socket;
  /// Set for https. The server's certificate must match the server's name and be signed by an
  /// authority that OpenSSL knows (set others with SSL_CERT_FILE and SSL_CERT_DIR).
  std::optional<boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>> secured;
  boost::beast::flat_buffer buffer;
};

struct http_answer {
  std::string failure;  ///< The reason why there is no answer; empty: there is one.
  /// The system's reason of a failure; none where the call itself refused what came.
  boost::system::error_code error;
  bool is_final = false;  ///< Of a failure: a retry would fail in the same way.
  unsigned status = 0;
  std::string content_type;           ///< As received; empty: no such field.
  std::string location;               ///< The target of a redirect.
  std::int64_t retry_after_ms = 0;    ///< 0: no pause requested.
  boost::beast::http::fields fields;  ///< All header fields, once the answer is whole.
  std::string body;
  /// A reused connection ended without a byte of an answer: the server had closed it.
  bool stale = false;
  /// Set when the connection can be reused.
  std::shared_ptr<http_connection> connection;
};

/// Runs on one loop; keeps itself alive until `done` was called or the call is cancelled.
class http_call : public std::enable_shared_from_this<http_call> {
public:
  /// Takes a piece of the body. False: stop; the call ends as if the body did, and the connection
  /// is closed.
  using piece_taker = std::function<bool(std::string_view)>;
  /// Takes status and fields of a 2xx answer. True: the body goes to the `piece_taker` and is not
  /// kept, so its length is not limited.
  using head_taker = std::function<bool(const http_answer&)>;
  using end_taker = std::function<void(http_answer)>;
  /// Checks a new connection before anything is sent. Calls `go_on` on the loop with "", or with a
  /// sentence that says why this is the wrong server.
  using endpoint = boost::asio::ip::tcp::endpoint;
  using server_check = std::function<void(const endpoint& there, const endpoint& here,
                                          std::function<void(std::string)> go_on)>;

  http_call(boost::asio::io_context& loop, base::http_url where, std::size_t body_bytes_max);

  /// A `body` is sent as JSON, with POST also an empty one. `old` may be empty: then connects.
  /// Calls `done` once, never from within `start`.
  void start(boost::beast::http::verb verb, const std::string& path, std::string body,
             std::string_view key, std::shared_ptr<http_connection> old, end_taker done);
  // Call these before `start`:
  void on_body(head_taker on_head, piece_taker on_piece);
  /// Asked before each further piece of a streamed body; while false, nothing is read, so that the
  /// server must wait too.
  void pace(std::function<bool()> takes_more) { pace_ = std::move(takes_more); }
  void verify_server(server_check check) { server_check_ = std::move(check); }
  /// Limit on the body of an answer other than 2xx; the rest is cut off.
  void keep_errors(std::size_t bytes_max) { error_bytes_max_ = bytes_max; }
  /// Who sets the limit on the body, for the failure's text; the default is the key that limits
  /// the answers of workers.
  void name_limit(std::string name) { limit_name_ = std::move(name); }
  /// Adds a request header; it replaces a default header of that name.
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
  std::string limit_name_ = "limits.output_bytes";
  std::size_t error_bytes_max_ = protocols::upstream_bytes_max;
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
  server_check server_check_;
  std::function<bool()> pace_;
  boost::asio::steady_timer pause_;
  head_taker on_head_;
  piece_taker on_piece_;
  end_taker done_;
  bool streamed_ = false;  ///< The body goes to `on_piece_`.
  bool enough_ = false;    ///< The rest of the body is not wanted.
  bool too_long_ = false;
  int interim_ = 0;
};

}  // namespace greenroom::machine
