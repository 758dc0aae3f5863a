// A bare RESTinio server that answers with the body it got: what the library does without a node.
#pragma once

#include <cstdint>
#include <memory>

namespace greenroom::bench {

class http_echo {
public:
  http_echo();  ///< On a free port of 127.0.0.1, on one thread of its own, as a node's I/O is.
  ~http_echo();
  http_echo(const http_echo&) = delete;
  http_echo& operator=(const http_echo&) = delete;
  [[nodiscard]] std::uint16_t port() const;

private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace greenroom::bench
