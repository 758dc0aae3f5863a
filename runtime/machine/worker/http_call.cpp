#include "runtime/machine/worker/http_call.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>
#include <utility>

namespace greenroom::machine {

namespace asio = boost::asio;
namespace wire = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

bool parse_http_url(std::string_view url, http_address& result) {
  constexpr std::string_view plain = "http://", tls = "https://";
  result.secure = url.starts_with(tls);
  if (!result.secure && !url.starts_with(plain)) return false;
  url.remove_prefix(result.secure ? tls.size() : plain.size());
  result.port = result.secure ? "443" : "80";
  const auto slash = url.find('/');
  auto authority = url.substr(0, slash);
  result.base = slash == std::string_view::npos ? "" : std::string{url.substr(slash)};
  while (!result.base.empty() && result.base.back() == '/') result.base.pop_back();
  result.authority = std::string{authority};
  if (authority.starts_with('[')) {
    const auto bracket = authority.find(']');
    if (bracket == std::string_view::npos) return false;
    result.host = std::string{authority.substr(1, bracket - 1)};
    authority.remove_prefix(bracket + 1);
  } else {
    const auto colon = authority.find(':');
    result.host = std::string{authority.substr(0, colon)};
    authority.remove_prefix(std::min(colon, authority.size()));
  }
  if (authority.starts_with(':')) {
    result.port = std::string{authority.substr(1)};
    if (result.port.empty() || result.port.find_first_not_of("0123456789") != std::string::npos)
      return false;
  } else if (!authority.empty()) {
    return false;
  }
  return !result.host.empty();
}

namespace {

/// A date of HTTP as Unix seconds: of the three forms the one that anybody writes today.
std::optional<std::int64_t> unix_s_of(std::string_view text) {
  const std::string whole{text};
  std::tm parts{};
  const auto* const end = ::strptime(whole.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return ::timegm(&parts);
}

}  // namespace

std::int64_t retry_after_ms(std::string_view field, std::string_view date,
                            std::int64_t now_unix_s) {
  constexpr std::int64_t most_s = 1'000'000'000;  // A longer one is as good as for ever.
  std::int64_t seconds = 0;
  if (field.find_first_not_of("0123456789") == std::string_view::npos) {
    const auto end = field.data() + field.size();
    const auto read = std::from_chars(field.data(), end, seconds);
    if (read.ec == std::errc::result_out_of_range) seconds = most_s;
  } else if (const auto then = unix_s_of(field)) {
    seconds = *then - unix_s_of(date).value_or(now_unix_s);
  }
  return std::clamp<std::int64_t>(seconds, 0, most_s) * 1000;
}

namespace {

/// One for the process: reading the certificates of all authorities takes a while.
asio::ssl::context& certificates() {
  static asio::ssl::context shared = [] {
    asio::ssl::context made{asio::ssl::context::tls_client};
    error_code ignored;
    made.set_default_verify_paths(ignored);  // Without any, no certificate is good.
    made.set_verify_mode(asio::ssl::verify_peer);
    SSL_CTX_set_min_proto_version(made.native_handle(), TLS1_2_VERSION);
    return made;
  }();
  return shared;
}

}  // namespace

http_call::http_call(asio::io_context& loop, http_address where, std::size_t body_bytes_max)
    : loop_{loop}, where_{std::move(where)}, body_bytes_max_{body_bytes_max}, resolver_{loop} {}

void http_call::start(wire::verb verb, const std::string& path, std::string body,
                      std::string_view key, std::shared_ptr<http_connection> old,
                      piece_taker on_piece, end_taker done) {
  on_piece_ = std::move(on_piece);
  done_ = std::move(done);
  request_.method(verb);
  request_.target(where_.base + path);
  request_.version(11);
  request_.set(wire::field::host, where_.authority);
  request_.set(wire::field::user_agent, "greenroom");
  request_.set(wire::field::accept, "application/json, text/event-stream, */*");
  if (verb == wire::verb::post) {
    request_.set(wire::field::content_type, "application/json");
    if (!key.empty())
      request_.set("Idempotency-Key", boost::beast::string_view{key.data(), key.size()});
    request_.body() = std::move(body);
    request_.prepare_payload();
  }
  if (old) {
    connection_ = std::move(old);
    reused_ = true;
    return write();
  }
  connection_ = std::make_shared<http_connection>(loop_);
  resolve();
}

void http_call::cancel() {
  done_ = nullptr;
  on_piece_ = nullptr;
  resolver_.cancel();
  error_code ignored;
  if (connection_) connection_->socket.close(ignored);
}

void http_call::resolve() {
  error_code not_literal;
  const auto literal = asio::ip::make_address(where_.host, not_literal);
  if (!not_literal) {
    const tcp::endpoint there{literal, static_cast<unsigned short>(std::stoul(where_.port))};
    return connect(tcp::resolver::results_type::create(there, where_.host, where_.port));
  }
  resolver_.async_resolve(
      where_.host, where_.port,
      [self = shared_from_this()](error_code error, const tcp::resolver::results_type& found) {
        if (error) return self->fail("cannot find", error);
        self->connect(found);
      });
}

void http_call::connect(const tcp::resolver::results_type& found) {
  asio::async_connect(connection_->socket, found,
                      [self = shared_from_this()](error_code error, const tcp::endpoint&) {
                        if (error) return self->fail("cannot reach", error);
                        error_code ignored;
                        self->connection_->socket.set_option(tcp::no_delay{true}, ignored);
                        if (self->where_.secure)
                          self->secure();
                        else
                          self->write();
                      });
}

void http_call::secure() {
  auto& tls = connection_->secured.emplace(connection_->socket, certificates());
  error_code address;
  asio::ip::make_address(where_.host, address);
  // A name, not an address: the server may have several, and shows the certificate of this one.
  if (address) SSL_set_tlsext_host_name(tls.native_handle(), where_.host.c_str());
  tls.set_verify_callback(asio::ssl::host_name_verification{where_.host});
  tls.async_handshake(asio::ssl::stream_base::client,
                      [self = shared_from_this()](error_code error) {
                        if (error) return self->fail("no safe connection to", error);
                        self->write();
                      });
}

template <class Use>
void http_call::with_stream(Use use) {
  if (connection_->secured)
    use(*connection_->secured);
  else
    use(connection_->socket);
}

void http_call::add_header(const std::string& name, const std::string& value) {
  request_.insert(name, value);
}

void http_call::write() {
  with_stream([this](auto& stream) {
    wire::async_write(stream, request_, [self = shared_from_this()](error_code error, std::size_t) {
      if (error) return self->fail("cannot write to", error);
      self->read_head();
    });
  });
}

void http_call::read_head() {
  parser_.emplace();
  parser_->header_limit(std::uint32_t{64} << 10);
  parser_->body_limit(body_bytes_max_);
  with_stream([this](auto& stream) {
    wire::async_read_header(stream, connection_->buffer, *parser_,
                            [self = shared_from_this()](error_code error, std::size_t bytes) {
                              self->answered_ |= bytes > 0;
                              if (error) return self->fail("no answer from", error);
                              self->on_head();
                            });
  });
}

void http_call::on_head() {
  answer_.status = parser_->get().result_int();
  if (answer_.status < 200) return read_head();  // 100 Continue and its like: the answer follows.
  if (answer_.status >= 400) note_pause();
  if (parser_->is_done()) return finish(std::move(answer_));
  read_piece();
}

void http_call::note_pause() {
  const auto text = [this](wire::field name) {
    const auto found = parser_->get()[name];
    return std::string_view{found.data(), found.size()};
  };
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  answer_.retry_after_ms =
      machine::retry_after_ms(text(wire::field::retry_after), text(wire::field::date),
                              std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

void http_call::read_piece() {
  auto& body = parser_->get().body();
  body.data = piece_.data();
  body.size = piece_.size();
  body.more = true;
  with_stream([this](auto& stream) {
    wire::async_read_some(
        stream, connection_->buffer, *parser_,
        [self = shared_from_this()](error_code error, std::size_t) { self->on_piece(error); });
  });
}

void http_call::on_piece(error_code error) {
  if (error == wire::error::body_limit) return fail("too long an answer from", error);
  // `need_buffer` only says that the piece is full.
  if (error && error != wire::error::need_buffer) return fail("half an answer from", error);
  const auto count = piece_.size() - parser_->get().body().size;
  const std::string_view piece{piece_.data(), count};
  answer_.body += piece;
  if (answer_.body.size() > body_bytes_max_)
    return fail("too long an answer from", wire::error::body_limit);
  if (count > 0 && on_piece_ && answer_.status < 300) on_piece_(piece);
  if (!done_) return;
  if (parser_->is_done()) return finish(std::move(answer_));
  read_piece();
}

void http_call::finish(http_answer answer) {
  if (parser_ && answer.failure.empty() && parser_->keep_alive() && connection_->buffer.size() == 0)
    answer.connection = std::move(connection_);
  // It may be idle for long.
  if (answer.connection) answer.connection->buffer.shrink_to_fit();
  connection_.reset();
  if (const auto done = std::exchange(done_, nullptr)) done(std::move(answer));
}

void http_call::fail(const char* what, error_code error) {
  http_answer answer;
  answer.failure = std::string{what} + (where_.secure ? " https://" : " http://") + where_.authority
                   + ": " + error.message();
  answer.stale = reused_ && !answered_;
  finish(std::move(answer));
}

}  // namespace greenroom::machine
