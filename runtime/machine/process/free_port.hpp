// TCP ports that this node hands out to the servers it starts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace greenroom::machine {

/// A port on which nobody listened when it was taken, and that no other part of this process is
/// given until this is destroyed. Nothing is bound to it: another program may still come first, so
/// whoever uses it looks who listens there (`find_listener`).
class free_port {
public:
  /// Of the loopback address and of all others. Null when there is none, with errno.
  [[nodiscard]] static std::unique_ptr<free_port> take();
  ~free_port();
  free_port(const free_port&) = delete;
  free_port& operator=(const free_port&) = delete;

  [[nodiscard]] std::uint16_t number() const { return number_; }

private:
  explicit free_port(std::uint16_t number) : number_{number} {}
  const std::uint16_t number_;
};

}  // namespace greenroom::machine
