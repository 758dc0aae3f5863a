// The wire to a server: passes bytes between a node and it, except while a lease says otherwise.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace greenroom::apps {

/// Listens on a free port of the loopback address and connects each caller to the server. One
/// thread of its own. Any thread may call any method.
class tcp_wire {
public:
  enum class fault : std::uint8_t {
    none,
    down,    ///< Every connection is reset, those that are there at once.
    silent,  ///< Connections are taken; no byte passes, in neither direction.
    slow,    ///< What the server says is held back for `by`.
  };

  /// Port 0 of `port()` afterwards: it could not listen.
  explicit tcp_wire(std::uint16_t server_port);
  ~tcp_wire();
  tcp_wire(const tcp_wire&) = delete;
  tcp_wire& operator=(const tcp_wire&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  /// A lease: it ends by its own timer. Another one replaces it.
  void lease(fault what, std::chrono::milliseconds lasts, std::chrono::milliseconds by);

private:
  struct inside;
  std::unique_ptr<inside> inside_;
};

}  // namespace greenroom::apps
