#include "runtime/machine/worker/http_call.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include <utility>

namespace greenroom::machine {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

bool parse_http_url(std::string_view url, http_address& result) {
  constexpr std::string_view scheme = "http://";
  if (!url.starts_with(scheme)) return false;
  url.remove_prefix(scheme.size());
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

http_call::http_call(asio::io_context& loop, const http_address& where, std::size_t body_bytes_max)
    : loop_{loop}, where_{where}, body_bytes_max_{body_bytes_max}, resolver_{loop} {}

void http_call::start(http::verb verb, const std::string& path, std::string body,
                      std::string_view key, std::shared_ptr<http_connection> old,
                      piece_taker on_piece, end_taker done) {
  on_piece_ = std::move(on_piece);
  done_ = std::move(done);
  request_.method(verb);
  request_.target(where_.base + path);
  request_.version(11);
  request_.set(http::field::host, where_.authority);
  request_.set(http::field::user_agent, "greenroom");
  request_.set(http::field::accept, "application/json, text/event-stream, */*");
  if (verb == http::verb::post) {
    request_.set(http::field::content_type, "application/json");
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
                        self->write();
                      });
}

void http_call::write() {
  http::async_write(connection_->socket, request_,
                    [self = shared_from_this()](error_code error, std::size_t) {
                      if (error) return self->fail("cannot write to", error);
                      self->read_head();
                    });
}

void http_call::read_head() {
  parser_.emplace();
  parser_->header_limit(std::uint32_t{64} << 10);
  parser_->body_limit(body_bytes_max_);
  http::async_read_header(connection_->socket, connection_->buffer, *parser_,
                          [self = shared_from_this()](error_code error, std::size_t bytes) {
                            self->answered_ |= bytes > 0;
                            if (error) return self->fail("no answer from", error);
                            self->on_head();
                          });
}

void http_call::on_head() {
  answer_.status = parser_->get().result_int();
  if (answer_.status < 200) return read_head();  // 100 Continue and its like: the answer follows.
  if (parser_->is_done()) return finish(std::move(answer_));
  read_piece();
}

void http_call::read_piece() {
  auto& body = parser_->get().body();
  body.data = piece_.data();
  body.size = piece_.size();
  body.more = true;
  http::async_read_some(connection_->socket, connection_->buffer, *parser_,
                        [self = shared_from_this()](error_code error, std::size_t) {
                          // `need_buffer` only says that the piece is full.
                          if (error == http::error::body_limit)
                            return self->fail("too long an answer from", error);
                          if (error && error != http::error::need_buffer)
                            return self->fail("half an answer from", error);
                          const auto count = self->piece_.size() - self->parser_->get().body().size;
                          const std::string_view piece{self->piece_.data(), count};
                          self->answer_.body += piece;
                          if (self->answer_.body.size() > self->body_bytes_max_)
                            return self->fail("too long an answer from", http::error::body_limit);
                          if (count > 0 && self->on_piece_ && self->answer_.status < 300)
                            self->on_piece_(piece);
                          if (!self->done_) return;
                          if (self->parser_->is_done())
                            return self->finish(std::move(self->answer_));
                          self->read_piece();
                        });
}

void http_call::finish(http_answer answer) {
  if (parser_ && answer.failure.empty() && parser_->keep_alive() && connection_->buffer.size() == 0)
    answer.connection = std::move(connection_);
  connection_.reset();
  if (const auto done = std::exchange(done_, nullptr)) done(std::move(answer));
}

void http_call::fail(const char* what, error_code error) {
  http_answer answer;
  answer.failure = std::string{what} + " http://" + where_.authority + ": " + error.message();
  answer.stale = reused_ && !answered_;
  finish(std::move(answer));
}

}  // namespace greenroom::machine
