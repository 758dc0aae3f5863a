// The server that plays the cloud, as a process of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace greenroom::apps {

/// Killed with this object, and by the kernel when this program dies.
class cloud_server {
public:
  /// Starts it from `bin_directory` and waits until it listens. Then `port()` is where; 0 when it
  /// could not be started, and `problem()` says why.
  explicit cloud_server(const std::string& bin_directory);
  ~cloud_server();
  cloud_server(const cloud_server&) = delete;
  cloud_server& operator=(const cloud_server&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] const std::string& problem() const { return problem_; }

private:
  struct child;
  std::unique_ptr<child> child_;
  std::uint16_t port_ = 0;
  std::string problem_;
};

}  // namespace greenroom::apps
