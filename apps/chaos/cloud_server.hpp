// Runs the simulated cloud server as a child process.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace greenroom::apps {

/// The destructor kills the server; the kernel kills it when this program dies.
class cloud_server {
public:
  /// Starts the server from `bin_directory` and waits until it listens. On failure `port()` is 0
  /// and `problem()` says why.
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
