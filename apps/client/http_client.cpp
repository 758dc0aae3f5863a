#include "apps/client/http_client.hpp"

#include "protocols/base/http_url.hpp"
#include "runtime/machine/http/http_call.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/verb.hpp>

#include <algorithm>
#include <cctype>
#include <utility>

namespace greenroom::apps {
namespace {

namespace asio = boost::asio;
namespace wire = boost::beast::http;
using boost::system::error_code;
using machine::http_call;
using std::chrono::milliseconds;

constexpr std::size_t body_max = std::size_t{256} << 20;
constexpr milliseconds connect_limit{5000};
constexpr milliseconds stream_head_limit{30'000};

std::map<std::string, std::string> headers_of(const wire::fields& fields) {
  std::map<std::string, std::string> result;
  for (const auto& field : fields) {
    std::string name{field.name_string().data(), field.name_string().size()};
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    result[std::move(name)] = std::string{field.value().data(), field.value().size()};
  }
  return result;
}

http_answer answer_of(machine::http_answer reply) {
  return {reply.status, headers_of(reply.fields), std::move(reply.body)};
}

base::http_url url_of(const node_address& where) {
  base::http_url result;
  result.host = where.host;
  result.port = where.port;
  const bool v6 = where.host.find(':') != std::string::npos;
  result.authority = (v6 ? "[" + where.host + "]" : where.host) + ":" + std::to_string(where.port);
  result.base = where.path;
  return result;
}

}  // namespace

std::optional<node_address> node_address::parse(std::string_view url) {
  constexpr std::string_view scheme = "http://";
  const bool bare = url.find("://") == std::string_view::npos;
  auto parts =
      base::parse_http_url(bare ? std::string{scheme} + std::string{url} : std::string{url});
  if (!parts || parts->secure || !parts->query.empty()) return std::nullopt;
  node_address result;
  result.host = std::move(parts->host);
  const auto port_at = parts->authority.find(':', parts->authority.rfind(']') + 1);
  result.port = port_at == std::string::npos ? 7117 : parts->port;
  result.path = std::move(parts->base);
  while (result.path.ends_with('/')) result.path.pop_back();
  return result;
}

std::string node_address::url() const { return "http://" + url_of(*this).authority + path; }

std::string_view http_answer::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view{} : std::string_view{found->second};
}

/// Runs one call at a time on a loop of its own, in the caller's thread.
class http_client::connection {
public:
  explicit connection(node_address where) : url_{url_of(where)} {}

  http_result ask(std::string_view method, std::string_view target, const std::string& body,
                  milliseconds timeout) {
    auto result = ask_once(method, target, body, timeout);
    // The node may have closed an idle connection. A GET is then sent again over a new connection;
    // other methods are not, since the node may have received them.
    if (!result && stale_ && method == "GET") return ask_once(method, target, body, timeout);
    return result;
  }

  http_result stream(std::string_view target, const std::function<bool(std::string_view)>& on_piece,
                     milliseconds silence) {
    kept_.reset();
    const auto call = make_call(stream_head_limit);
    http_answer head;
    call->on_body(
        [&](const machine::http_answer& begun) {
          head.status = begun.status;
          limit(silence);
          return true;
        },
        [&](std::string_view piece) {
          limit(silence);
          return on_piece(piece);
        });
    auto reply = run(*call, wire::verb::get, target, {}, stream_head_limit);
    kept_.reset();
    const bool ended = !reply || reply->error == wire::error::end_of_stream;
    if (head.status != 0 && (ended || reply->failure.empty())) return head;
    if (!reply || !reply->failure.empty()) return failure(reply);
    return answer_of(*std::move(reply));
  }

private:
  http_result ask_once(std::string_view method, std::string_view target, const std::string& body,
                       milliseconds timeout) {
    const auto call = make_call(timeout);
    auto reply =
        run(*call, wire::string_to_verb({method.data(), method.size()}), target, body, timeout);
    stale_ = reply && reply->stale;
    if (!reply || !reply->failure.empty()) return failure(reply);
    kept_ = std::move(reply->connection);
    return answer_of(*std::move(reply));
  }

  std::shared_ptr<http_call> make_call(milliseconds timeout) {
    auto call = std::make_shared<http_call>(io_, url_, body_max);
    call->add_header("User-Agent", "greenroom/" GREENROOM_VERSION);
    call->keep_errors(body_max);
    call->name_limit("this client");
    call->verify_server([this, timeout](const auto&, const auto&, const auto& go_on) {
      connected_ = true;
      limit(timeout);
      go_on({});
    });
    return call;
  }

  /// Nothing: the time was over.
  std::optional<machine::http_answer> run(http_call& call, wire::verb verb, std::string_view target,
                                          const std::string& body, milliseconds timeout) {
    std::optional<machine::http_answer> result;
    over_ = false;
    connected_ = kept_ != nullptr;
    limit(kept_ ? timeout : std::min(timeout, connect_limit));
    call.start(verb, std::string{target}, body, {}, std::move(kept_),
               [&result](machine::http_answer reply) { result = std::move(reply); });
    io_.restart();
    while (!result && !over_ && io_.run_one() > 0) {
    }
    call.cancel();
    ++turn_;
    limit_.cancel();
    return result;
  }

  /// Ends the call after that time from now.
  void limit(milliseconds time) {
    limit_ms_ = time;
    limit_.expires_after(time);
    limit_.async_wait([this, turn = ++turn_](error_code stopped) {
      // A timer that is set again may have expired already.
      if (!stopped && turn == turn_) over_ = true;
    });
  }

  http_failure failure(const std::optional<machine::http_answer>& reply) const {
    if (!reply)
      return {(connected_ ? "no answer within " : "no connection within ")
                  + std::to_string(limit_ms_.count()) + " ms",
              true, connected_};
    if (reply->error.category() == asio::error::get_netdb_category())
      return {"cannot find the host \"" + url_.host + "\"", false, connected_};
    return {reply->error ? reply->error.message() : reply->failure, false, connected_};
  }

  const base::http_url url_;
  asio::io_context io_{1};
  asio::steady_timer limit_{io_};
  std::shared_ptr<machine::http_connection> kept_;
  milliseconds limit_ms_{0};
  std::uint64_t turn_ = 0;
  bool over_ = false;
  bool connected_ = false;  ///< The current call has a connection.
  bool stale_ = false;
};

http_client::http_client(node_address where)
    : connection_{std::make_unique<connection>(std::move(where))} {}
http_client::~http_client() = default;
http_client::http_client(http_client&&) noexcept = default;
http_client& http_client::operator=(http_client&&) noexcept = default;

http_result http_client::ask(std::string_view method, std::string_view target, std::string body,
                             std::chrono::milliseconds timeout) {
  return connection_->ask(method, target, body, timeout);
}

http_result http_client::stream(std::string_view target,
                                const std::function<bool(std::string_view)>& on_piece,
                                std::chrono::milliseconds silence) {
  return connection_->stream(target, on_piece, silence);
}

std::string url_escape(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string result;
  for (const char letter : text) {
    const auto code = static_cast<unsigned char>(letter);
    if (std::isalnum(code) != 0 || letter == '-' || letter == '_' || letter == '.'
        || letter == '~') {
      result += letter;
    } else {
      result += '%';
      result += digits[code >> 4U];
      result += digits[code & 15U];
    }
  }
  return result;
}

}  // namespace greenroom::apps
