// Notifications from the node to the service manager (systemd).
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
  /// Reads the variables and removes them from the environment, so that no worker can answer for
  /// the node.
  service_manager();

  void ready(const std::string& status);
  /// Says that the configuration is read again, with the timestamp that Type=notify-reload
  /// requires.
  void reloading();
  /// Says that the node drains for at most `grace`, and extends the stop timeout by that time.
  void stopping(std::chrono::milliseconds grace);

  /// How often to call `beat`; nothing when the manager expects no keep-alive messages.
  [[nodiscard]] std::optional<std::chrono::microseconds> beat_period() const;
  /// Sends the keep-alive message if a message through the actors' scheduler and a job on every I/O
  /// thread have returned since the last call, then starts the next round trip. A node with stuck
  /// threads stays silent, and the manager restarts it.
  void beat(node& running);

private:
  struct round_trip;
  void send(const std::string& state) const;

  std::string socket_;
  std::chrono::microseconds watchdog_{0};
  std::shared_ptr<round_trip> under_way_;
};

}  // namespace greenroom::apps
