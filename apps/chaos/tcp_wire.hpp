// A TCP proxy between a node and a server, which injects faults while a lease lasts.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace greenroom::apps {

/// Listens on a free loopback port and forwards each connection to the server, on a thread of its
/// own. All methods are thread-safe.
class tcp_wire {
public:
  enum class fault : std::uint8_t {
    none,
    down,    ///< Resets every connection, including open ones.
    silent,  ///< Accepts connections but passes no bytes in either direction.
    slow,    ///< Delays what the server sends by `by`.
  };

  /// On failure `port()` is 0.
  explicit tcp_wire(std::uint16_t server_port);
  ~tcp_wire();
  tcp_wire(const tcp_wire&) = delete;
  tcp_wire& operator=(const tcp_wire&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  /// Sets a fault that ends after `lasts`. A new lease replaces the current one.
  void lease(fault what, std::chrono::milliseconds lasts, std::chrono::milliseconds by);

private:
  struct inside;
  std::unique_ptr<inside> inside_;
};

}  // namespace greenroom::apps
