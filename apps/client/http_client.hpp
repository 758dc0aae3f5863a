// A blocking connection to a node, on the HTTP client of runtime/machine/http, which stays in the
// source file.
#pragma once

#include "protocols/base/expected.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace greenroom::apps {

/// The parts of `http://ADDR:PORT`.
struct node_address {
  std::string host;
  std::uint16_t port = 0;
  std::string path;  ///< Prefix before `/v1`, for nodes behind a proxy; usually empty.

  /// Nothing unless the text is an http URL with a host. The default port is 7117.
  static std::optional<node_address> parse(std::string_view url);
  [[nodiscard]] std::string url() const;
};

struct http_answer {
  unsigned status = 0;
  std::map<std::string, std::string> headers;  ///< Names in lower case.
  std::string body;

  [[nodiscard]] bool good() const { return status >= 200 && status < 300; }
  [[nodiscard]] std::string_view header(const std::string& name) const;
};

/// Why there is no answer.
struct http_failure {
  std::string what;
  bool timed_out = false;
  bool connected = false;  ///< The connection was made; the rest failed.
};

using http_result = base::expected<http_answer, http_failure>;

/// Keeps the connection alive between requests and reconnects when the node has closed it. Not
/// thread-safe.
class http_client {
public:
  explicit http_client(node_address where);
  ~http_client();
  http_client(http_client&&) noexcept;
  http_client& operator=(http_client&&) noexcept;

  /// `target` is path and query. A body is sent as JSON. `timeout` bounds the
  /// answer, and the connecting before it at most 5 s more.
  http_result ask(std::string_view method, std::string_view target, std::string body = {},
                  std::chrono::milliseconds timeout = std::chrono::seconds{30});

  /// Passes the body to `on_piece` in pieces until the node ends it, `on_piece` returns false, or
  /// no piece arrives for `silence` (not a failure). The answer's body is empty unless the status
  /// is an error.
  http_result stream(std::string_view target, const std::function<bool(std::string_view)>& on_piece,
                     std::chrono::milliseconds silence);

private:
  class connection;
  std::unique_ptr<connection> connection_;
};

/// Percent-encodes one part of a path or query.
std::string url_escape(std::string_view text);

}  // namespace greenroom::apps
