// The access rules: which Host, Origin and kind of body a request may have.
#pragma once

#include "actors/doors/route_call.hpp"
#include "config/access.hpp"
#include "runtime/access/request_origin.hpp"
#include "runtime/machine/http/own_addresses.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

namespace greenroom::doors {

/// Any thread.
class host_origin_check {
public:
  /// `port` is known once the door is open.
  explicit host_origin_check(std::string address) : address_{std::move(address)} {}
  void set_port(std::uint16_t port) { port_.store(port, std::memory_order_relaxed); }

  /// True when a route may handle the request; else the request has been answered: it is not
  /// allowed, or it is a browser's preflight. Adds the headers that let a page read the answer.
  [[nodiscard]] bool admit(const config::access& settings, const route_call& call);

private:
  [[nodiscard]] std::shared_ptr<const runtime::access::request_origin> rules(
      const config::access& settings);

  const std::string address_;
  std::atomic<std::uint16_t> port_{0};
  machine::http::own_addresses own_;
  std::mutex mutex_;         ///< Guards what follows.
  config::access settings_;  ///< `rules_` are made from these.
  std::shared_ptr<const runtime::access::request_origin> rules_;
};

}  // namespace greenroom::doors
