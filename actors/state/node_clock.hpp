// The node's time: the steady clock that decisions use, and the wall clock that people read.
#pragma once

#include "runtime/machine/io/clock.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace greenroom::actors {

/// Any thread. Steady times are nanoseconds of the steady clock.
class node_clock {
public:
  explicit node_clock(std::shared_ptr<const machine::clock> source)
      : source_{std::move(source)},
        unix_offset_ns_{source_->unix_ms() * 1'000'000 - source_->now_ns()},
        wall_offset_ns_{unix_offset_ns_} {}

  [[nodiscard]] std::int64_t now_ns() const { return source_->now_ns(); }
  [[nodiscard]] std::int64_t unix_ms() const { return source_->unix_ms(); }
  /// Unix time for decisions: it never goes back, even when the wall clock is set.
  [[nodiscard]] double unix_s(std::int64_t steady_ns) const {
    return static_cast<double>(steady_ns + unix_offset_ns_) * 1e-9;
  }
  [[nodiscard]] std::int64_t unix_us(std::int64_t steady_ns) const {
    return (steady_ns + unix_offset_ns_) / 1000;
  }
  /// Unix time for people and for the journal: it follows the wall clock.
  [[nodiscard]] std::int64_t wall_ms(std::int64_t steady_ns) const {
    return (steady_ns + wall_offset_ns_.load(std::memory_order_relaxed)) / 1'000'000;
  }
  /// Reads the wall clock again, which an operator may have set.
  void read_wall_clock() {
    wall_offset_ns_.store(source_->unix_ms() * 1'000'000 - source_->now_ns(),
                          std::memory_order_relaxed);
  }
  [[nodiscard]] const std::shared_ptr<const machine::clock>& source() const { return source_; }

private:
  std::shared_ptr<const machine::clock> source_;
  std::int64_t unix_offset_ns_;
  std::atomic<std::int64_t> wall_offset_ns_;
};

}  // namespace greenroom::actors
