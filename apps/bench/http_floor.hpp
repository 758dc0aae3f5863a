// A bare RESTinio server that echoes the body: the HTTP library's rate without a node.
#pragma once

#include <cstdint>
#include <memory>

namespace greenroom::bench {

class http_echo {
public:
  http_echo();  ///< On a free port of 127.0.0.1, on one thread, like the node's I/O.
  ~http_echo();
  http_echo(const http_echo&) = delete;
  http_echo& operator=(const http_echo&) = delete;
  [[nodiscard]] std::uint16_t port() const;

private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace greenroom::bench
