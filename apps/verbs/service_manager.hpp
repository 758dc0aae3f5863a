// What the node tells the service manager (systemd) that started it.
#pragma once

#include "actors/node/node.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace greenroom::apps {

/// The notification protocol of systemd (sd_notify(3), sd_watchdog_enabled(3)). Without
/// NOTIFY_SOCKET in the environment nothing is sent. Use from one thread.
class service_manager {
public:
  /// Reads the environment and takes what it says out of it, so that no worker answers for the
  /// node.
  service_manager();

  void ready(const std::string& status);
  /// The configuration is being read again: with the time that Type=notify-reload asks for.
  void reloading();
  /// The node drains for at most `grace`: it needs that much more time to stop.
  void stopping(std::chrono::milliseconds grace);

  /// How often `beat` is to be called; nothing when the manager expects no keep-alive messages.
  [[nodiscard]] std::optional<std::chrono::microseconds> beat_period() const;
  /// Sends the keep-alive message when a message through the actors' scheduler and a job through
  /// every I/O thread have come back since the last call, then sends the next ones. A node whose
  /// threads are stuck stays silent, and the manager restarts it.
  void beat(node& running);

private:
  struct round_trip;
  void send(const std::string& state) const;

  std::string socket_;
  std::chrono::microseconds watchdog_{0};
  std::shared_ptr<round_trip> under_way_;
};

}  // namespace greenroom::apps
