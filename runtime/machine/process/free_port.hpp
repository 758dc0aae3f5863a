// TCP ports for the servers that this node starts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace greenroom::machine {

/// A port that was free when taken; no other part of this process gets the port until the
/// destructor. Nothing is bound to the port, so another program may still take it: the user must
/// check who listens (`listeners_at`, `whose`).
class free_port {
public:
  /// Takes a port that is free on the loopback address and on all others. Null on failure, with
  /// errno.
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
