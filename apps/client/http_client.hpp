// One connection to a node, for the verbs: asks and waits. Boost.Beast stays in the source file.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace greenroom::apps {

/// `http://ADDR:PORT`, taken apart.
struct node_address {
  std::string host;
  std::uint16_t port = 0;
  std::string path;  ///< What comes before `/v1`, for nodes behind a proxy; mostly empty.

  /// Nothing unless it is an http URL with a host; the port is 7117 when it is not given.
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

/// No answer came: the node is not there, or it did not answer in time.
struct http_failure {
  std::string what;
  bool timed_out = false;  ///< It was there, but too slow.
};

using http_result = std::variant<http_answer, http_failure>;

/// Keeps its connection alive between requests and opens it again when the node closed it.
/// Not for use by several threads at once.
class http_client {
public:
  explicit http_client(node_address where);
  ~http_client();
  http_client(http_client&&) noexcept;
  http_client& operator=(http_client&&) noexcept;

  /// `target` is path and query. A body is sent as JSON. `timeout` bounds it all.
  http_result ask(std::string_view method, std::string_view target, std::string body = {},
                  std::chrono::milliseconds timeout = std::chrono::seconds{30});

  /// Hands over the body piece by piece until the node ends it, `hear` returns false, or nothing
  /// came for `silence` (which is not a failure). The answer's body is empty unless its status
  /// says that something went wrong.
  http_result stream(std::string_view target, const std::function<bool(std::string_view)>& hear,
                     std::chrono::milliseconds silence);

private:
  class connection;
  std::unique_ptr<connection> connection_;
};

/// Escapes one part of a path or query.
std::string url_escape(std::string_view text);

}  // namespace greenroom::apps
