// Who may come in: looks at each request before its route does.
#pragma once

#include "actors/doors/http_routes.hpp"
#include "runtime/access/request_origin.hpp"
#include "runtime/machine/http/own_addresses.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

namespace greenroom::doors {

/// Follows `access` through reloads. Any thread.
class visitors {
public:
  /// `port` is known once the door is open.
  explicit visitors(std::string address) : address_{std::move(address)} {}
  void set_port(std::uint16_t port) { port_.store(port, std::memory_order_relaxed); }

  /// False when it has answered: who may not come in, and a browser that asks beforehand whether a
  /// page may (a preflight). Where a page may read the answer, its head will say so.
  [[nodiscard]] bool let_in(const door& here, call& one);

private:
  [[nodiscard]] std::shared_ptr<const runtime::access::request_origin> rules(
      const config::access& said);

  const std::string address_;
  std::atomic<std::uint16_t> port_{0};
  machine::http::own_addresses own_;
  std::mutex mutex_;  ///< Guards what follows.
  config::access said_;
  std::shared_ptr<const runtime::access::request_origin> rules_;
};

}  // namespace greenroom::doors
