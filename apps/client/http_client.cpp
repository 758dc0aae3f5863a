#include "apps/client/http_client.hpp"

#include "protocols/base/http_url.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

namespace greenroom::apps {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

constexpr std::uint64_t body_max = std::uint64_t{256} << 20;

std::string lower(std::string_view text) {
  std::string result{text};
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

template <class Fields>
std::map<std::string, std::string> headers_of(const Fields& fields) {
  std::map<std::string, std::string> result;
  for (const auto& field : fields)
    result[lower({field.name_string().data(), field.name_string().size()})] =
        std::string{field.value().data(), field.value().size()};
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

std::string node_address::url() const {
  const bool v6 = host.find(':') != std::string::npos;
  return "http://" + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port) + path;
}

std::string_view http_answer::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view{} : std::string_view{found->second};
}

class http_client::connection {
public:
  explicit connection(node_address where) : where_{std::move(where)} {}

  http_result ask(std::string_view method, std::string_view target, std::string body,
                  std::chrono::milliseconds timeout) {
    // The node may have closed an idle connection. A GET is then sent again over a new connection;
    // other methods are not, since the node may have received them.
    const bool kept = stream_.has_value();
    auto result = ask_once(method, target, body, timeout);
    if (const auto* failed = std::get_if<http_failure>(&result);
        failed != nullptr && kept && !failed->timed_out && method == "GET")
      result = ask_once(method, target, body, timeout);
    return result;
  }

  http_result stream(std::string_view target, const std::function<bool(std::string_view)>& hear,
                     std::chrono::milliseconds silence) {
    if (auto problem = connect(std::chrono::seconds{5})) return *problem;
    const auto request = make_request("GET", target, {});
    if (auto problem = wait(std::chrono::seconds{10}, [&](auto handler) {
          http::async_write(*stream_, request, std::move(handler));
        }))
      return drop(*problem);

    http::response_parser<http::buffer_body> parser;
    parser.body_limit(boost::none);
    beast::flat_buffer buffer;
    if (auto problem = wait(std::chrono::seconds{30}, [&](auto handler) {
          http::async_read_header(*stream_, buffer, parser, std::move(handler));
        }))
      return drop(*problem);

    http_answer answer{parser.get().result_int(), headers_of(parser.get()), {}};
    char piece[16384];
    while (!parser.is_done()) {
      parser.get().body().data = piece;
      parser.get().body().size = sizeof piece;
      parser.get().body().more = true;
      auto problem = wait(silence, [&](auto handler) {
        http::async_read_some(*stream_, buffer, parser, std::move(handler));
      });
      const std::size_t got = sizeof piece - parser.get().body().size;
      const std::string_view text{piece, got};
      if (!answer.good())
        answer.body += text;
      else if (got > 0 && !hear(text))
        break;
      if (problem && last_ != http::error::need_buffer) {
        if (!problem->timed_out && last_ != http::error::end_of_stream) return drop(*problem);
        break;
      }
    }
    stream_.reset();
    return answer;
  }

private:
  http::request<http::string_body> make_request(std::string_view method, std::string_view target,
                                                std::string body) const {
    http::request<http::string_body> request;
    request.method_string({method.data(), method.size()});
    request.target(where_.path + std::string{target});
    request.version(11);
    const bool v6 = where_.host.find(':') != std::string::npos;
    request.set(http::field::host,
                (v6 ? "[" + where_.host + "]" : where_.host) + ":" + std::to_string(where_.port));
    request.set(http::field::user_agent, "greenroom/" GREENROOM_VERSION);
    if (!body.empty()) request.set(http::field::content_type, "application/json");
    request.body() = std::move(body);
    request.prepare_payload();
    return request;
  }

  http_result ask_once(std::string_view method, std::string_view target, const std::string& body,
                       std::chrono::milliseconds timeout) {
    if (auto problem = connect(std::min(timeout, std::chrono::milliseconds{5000}))) return *problem;
    const auto request = make_request(method, target, body);
    if (auto problem = wait(timeout, [&](auto handler) {
          http::async_write(*stream_, request, std::move(handler));
        }))
      return drop(*problem);
    http::response_parser<http::string_body> parser;
    parser.body_limit(body_max);
    if (method == "HEAD") parser.skip(true);
    beast::flat_buffer buffer;
    if (auto problem = wait(timeout, [&](auto handler) {
          http::async_read(*stream_, buffer, parser, std::move(handler));
        }))
      return drop(*problem);
    auto answer = parser.release();
    if (!answer.keep_alive()) stream_.reset();
    return http_answer{answer.result_int(), headers_of(answer), std::move(answer.body())};
  }

  std::optional<http_failure> connect(std::chrono::milliseconds timeout) {
    if (stream_) return std::nullopt;
    error_code failed;
    asio::ip::tcp::resolver resolver{io_};
    const auto found = resolver.resolve(where_.host, std::to_string(where_.port), failed);
    if (failed) return http_failure{"cannot find the host \"" + where_.host + "\"", false};
    stream_.emplace(io_);
    auto problem = wait(timeout, [&](auto handler) {
      stream_->async_connect(
          found,
          [handler](error_code code, const asio::ip::tcp::endpoint&) mutable { handler(code, 0); });
    });
    if (problem) return drop(*problem);
    stream_->socket().set_option(asio::ip::tcp::no_delay{true}, failed);
    return std::nullopt;
  }

  /// Runs one asynchronous operation until it ends or times out.
  template <class Begin>
  std::optional<http_failure> wait(std::chrono::milliseconds timeout, Begin begin) {
    stream_->expires_after(timeout);
    std::optional<error_code> ended;
    begin([&ended](error_code code, std::size_t) { ended = code; });
    io_.restart();
    while (!ended && io_.run_one() > 0) {
    }
    last_ = ended.value_or(error_code{});
    if (!last_) return std::nullopt;
    if (last_ == beast::error::timeout)
      return http_failure{"no answer within " + std::to_string(timeout.count()) + " ms", true};
    return http_failure{last_.message(), false};
  }

  http_failure drop(http_failure why) {
    stream_.reset();
    return why;
  }

  node_address where_;
  asio::io_context io_{1};
  std::optional<beast::tcp_stream> stream_;
  error_code last_;
};

http_client::http_client(node_address where)
    : connection_{std::make_unique<connection>(std::move(where))} {}
http_client::~http_client() = default;
http_client::http_client(http_client&&) noexcept = default;
http_client& http_client::operator=(http_client&&) noexcept = default;

http_result http_client::ask(std::string_view method, std::string_view target, std::string body,
                             std::chrono::milliseconds timeout) {
  return connection_->ask(method, target, std::move(body), timeout);
}

http_result http_client::stream(std::string_view target,
                                const std::function<bool(std::string_view)>& hear,
                                std::chrono::milliseconds silence) {
  return connection_->stream(target, hear, silence);
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
