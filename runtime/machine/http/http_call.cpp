#include "runtime/machine/http/http_call.hpp"

#include "runtime/machine/http/retry_after.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

namespace greenroom::machine {

namespace asio = boost::asio;
namespace wire = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

/// One for the process, because loading all authorities' certificates is slow.
asio::ssl::context& certificates() {
  static asio::ssl::context shared = [] {
    asio::ssl::context made{asio::ssl::context::tls_client};
    error_code ignored;
    made.set_default_verify_paths(ignored);  // Without authorities, every certificate is refused.
    made.set_verify_mode(asio::ssl::verify_peer);
    SSL_CTX_set_min_proto_version(made.native_handle(), TLS1_2_VERSION);
    return made;
  }();
  return shared;
}

}  // namespace

http_call::http_call(asio::io_context& loop, base::http_url where, std::size_t body_bytes_max)
    : loop_{loop},
      where_{std::move(where)},
      body_bytes_max_{body_bytes_max},
      resolver_{loop},
      pause_{loop} {}

void http_call::start(wire::verb verb, const std::string& path, std::string body,
                      std::string_view key, std::shared_ptr<http_connection> old, end_taker done) {
  done_ = std::move(done);
  auto target = path.empty() ? where_.base : base::joined_path(where_.base, path);
  if (!target.starts_with('/')) target.insert(0, 1, '/');
  if (path.empty() && !where_.query.empty()) target += '?' + where_.query;
  request_.method(verb);
  request_.target(target);
  request_.version(11);
  request_.set(wire::field::host, where_.authority);
  set_by_default(wire::field::user_agent, "greenroom");
  set_by_default(wire::field::accept, "application/json, text/event-stream, */*");
  // A compressed stream arrives late; gzip and deflate are decoded if a server compresses anyway.
  set_by_default(wire::field::accept_encoding, "identity");
  if (verb == wire::verb::post || !body.empty()) {
    set_by_default(wire::field::content_type, "application/json");
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

bool http_call::set_by_default(wire::field name, std::string_view value) {
  if (request_.find(name) != request_.end()) return false;
  request_.set(name, boost::beast::string_view{value.data(), value.size()});
  return true;
}

void http_call::on_body(head_taker on_head, piece_taker on_piece) {
  on_head_ = std::move(on_head);
  on_piece_ = std::move(on_piece);
}

void http_call::cancel() {
  // If called from within one of these functions, that function must outlive the call.
  const auto kept_piece = std::exchange(on_piece_, nullptr);
  const auto kept_head = std::exchange(on_head_, nullptr);
  done_ = nullptr;
  server_check_ = nullptr;
  pace_ = nullptr;
  pause_.cancel();
  resolver_.cancel();
  error_code ignored;
  if (connection_) connection_->socket.close(ignored);
}

void http_call::resolve() {
  error_code not_literal;
  const auto literal = asio::ip::make_address(where_.host, not_literal);
  if (!not_literal) {
    const tcp::endpoint there{literal, where_.port};
    return connect(
        tcp::resolver::results_type::create(there, where_.host, std::to_string(where_.port)));
  }
  resolver_.async_resolve(
      where_.host, std::to_string(where_.port),
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
                        self->connected();
                      });
}

void http_call::connected() {
  const auto go_on = [self = shared_from_this()](std::string fault) {
    if (!self->done_) return;
    if (!fault.empty()) {
      http_answer none;
      none.failure = std::move(fault);
      return self->finish(std::move(none));
    }
    if (self->where_.secure)
      self->secure();
    else
      self->write();
  };
  error_code error;
  const auto there = connection_->socket.remote_endpoint(error);
  const auto here = connection_->socket.local_endpoint(error);
  if (!server_check_ || error) return go_on({});
  server_check_(there, here, go_on);
}

void http_call::secure() {
  auto& tls = connection_->secured.emplace(connection_->socket, certificates());
  error_code address;
  asio::ip::make_address(where_.host, address);
  // A server with several names needs the name (SNI) to select the certificate; not for an address.
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
      // A server may refuse a long body before it has read the body, and hang up: read the answer.
      self->write_error_ = error;
      self->read_head();
    });
  });
}

void http_call::read_head() {
  parser_.emplace();
  parser_->header_limit(std::uint32_t{64} << 10);
  // Counted in `take`, to distinguish a too long answer from a truncated one.
  parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
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
  constexpr int interim_max = 32;
  if (answer_.status < 200) {  // 100 Continue and similar: the final answer follows.
    if (++interim_ > interim_max)
      return fail_for_good(name() + " sends interim answers without end");
    return read_head();
  }
  const auto text = [this](wire::field name) {
    const auto found = parser_->get()[name];
    return std::string{found.data(), found.size()};
  };
  answer_.content_type = text(wire::field::content_type);
  if (answer_.status >= 300 && answer_.status < 400) answer_.location = text(wire::field::location);
  if (answer_.status >= 400) note_pause();
  if (!unpack_from_here()) return;
  streamed_ = succeeds() && on_head_ && on_head_(answer_);
  if (!done_) return;
  const auto length = parser_->content_length();
  if (succeeds() && !streamed_ && !unpacker_ && length && *length > body_bytes_max_)
    return fail_for_good(name() + " answered " + std::to_string(*length) + " bytes; " + limit_name_
                         + " allows " + std::to_string(body_bytes_max_));
  if (parser_->is_done()) return finish(std::move(answer_));
  read_piece();
}

/// Sets up the decoding of the body. False when the call has failed.
bool http_call::unpack_from_here() {
  const auto field = parser_->get()[wire::field::content_encoding];
  const auto coding = coding_in({field.data(), field.size()});
  if (coding == content_coding::identity || parser_->is_done()) return true;
  if (coding != content_coding::unknown) {
    unpacker_.emplace(coding);
    return true;
  }
  if (!succeeds()) {
    enough_ = true;  // Only the status matters here.
    return true;
  }
  fail_for_good(name() + " answered in the Content-Encoding \""
                + std::string{field.data(), std::min<std::size_t>(field.size(), 40)}
                + "\"; the node accepts only identity, gzip and deflate; turn the encoding off in the "
                  "server");
  return false;
}

void http_call::note_pause() {
  const auto text = [this](wire::field name) {
    const auto found = parser_->get()[name];
    return std::string_view{found.data(), found.size()};
  };
  // OpenAI's servers send this field too, in milliseconds.
  const auto exact = parser_->get()["retry-after-ms"];
  if (const auto exact_ms = parse_wait_ms({exact.data(), exact.size()}, 1)) {
    answer_.retry_after_ms = *exact_ms;
    return;
  }
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  answer_.retry_after_ms =
      machine::retry_after_ms(text(wire::field::retry_after), text(wire::field::date),
                              std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

void http_call::read_piece() {
  constexpr std::chrono::milliseconds pause{5};
  if (streamed_ && pace_ && !pace_()) {
    pause_.expires_after(pause);
    pause_.async_wait([self = shared_from_this()](error_code error) {
      if (!error && self->done_) self->read_piece();
    });
    return;
  }
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
  if (!done_) return;
  // `need_buffer` means that the piece is full.
  if (error && error != wire::error::need_buffer) {
    if (!succeeds()) return finish(std::move(answer_));  // The status is an answer.
    return fail("half an answer from", error);
  }
  const auto count = piece_.size() - parser_->get().body().size;
  const std::string_view piece{piece_.data(), count};
  if (enough_) {
  } else if (!unpacker_) {
    (void)take(piece);
  } else if (!unpacker_->feed(piece, [this](std::string_view out) { return take(out); })) {
    if (!succeeds()) return finish(std::move(answer_));
    return fail_for_good(name() + " sent a body that is not in the Content-Encoding it names");
  }
  if (!done_) return;
  if (too_long_)
    return fail_for_good(name() + " answered more than " + limit_name_ + " allows ("
                         + std::to_string(body_bytes_max_) + " bytes)"
                         + (unpacker_ ? " once it is unpacked" : ""));
  if (enough_ && !parser_->is_done()) return finish(std::move(answer_));
  if (!parser_->is_done()) return read_piece();
  if (unpacker_ && succeeds() && !enough_ && !unpacker_->whole())
    return fail("half an answer from", wire::error::partial_message);
  finish(std::move(answer_));
}

/// False: stop.
bool http_call::take(std::string_view piece) {
  if (piece.empty()) return true;
  if (streamed_) {
    enough_ = !on_piece_ || !on_piece_(piece);
    return !enough_;
  }
  const auto most = succeeds() ? body_bytes_max_ : error_bytes_max_;
  if (answer_.body.size() + piece.size() > most) {
    (succeeds() ? too_long_ : enough_) = true;
    piece = piece.substr(0, most - answer_.body.size());
  }
  answer_.body += piece;
  return !too_long_ && !enough_;
}

void http_call::finish(http_answer answer) {
  if (parser_ && answer.failure.empty())
    answer.fields = std::move(static_cast<wire::fields&>(parser_->get().base()));
  if (parser_ && answer.failure.empty() && parser_->is_done() && parser_->keep_alive()
      && connection_->buffer.size() == 0)
    answer.connection = std::move(connection_);
  // The connection may be idle for long.
  if (answer.connection) answer.connection->buffer.shrink_to_fit();
  connection_.reset();
  if (const auto done = std::exchange(done_, nullptr)) done(std::move(answer));
}

std::string http_call::name() const {
  return std::string{where_.secure ? "https://" : "http://"} + where_.authority;
}

void http_call::fail(const char* what, error_code error) {
  http_answer answer;
  if (write_error_ && !answered_) {
    what = "cannot write to";
    error = write_error_;
  }
  answer.failure = std::string{what} + ' ' + name() + ": " + error.message();
  answer.error = error;
  answer.stale = reused_ && !answered_;
  finish(std::move(answer));
}

void http_call::fail_for_good(std::string why) {
  http_answer answer;
  answer.failure = std::move(why);
  answer.is_final = true;
  finish(std::move(answer));
}

}  // namespace greenroom::machine
