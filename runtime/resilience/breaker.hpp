// Is this specialist worth asking at all? The circuit breaker of Nygard, "Release It!", ch. 5.
#pragma once

#include <chrono>
#include <cstddef>
#include <limits>

namespace greenroom::runtime {

/// Counts consecutive failures, so that it trips for a specialist that is called rarely too. Opens
/// at `failures` in a row, or at two in a row that are `patience` apart. After `open` it lets
/// `probes` attempts through at a time: a success closes it, a failure opens it again.
class breaker {
public:
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<std::chrono::steady_clock, duration>;
  struct settings {
    std::size_t failures = 5;
    duration open{std::chrono::seconds{5}};
    std::size_t probes = 1;
    duration patience{std::chrono::milliseconds{1500}};
  };
  enum class state : unsigned char { closed, open, half_open };

  /// May one more attempt start? In half-open this reserves a probe; each true answer must be
  /// followed by one `success`, `failure` or `forget`.
  [[nodiscard]] bool admit(const settings& set, time_point now);
  /// How many more attempts `admit` would let through now.
  [[nodiscard]] std::size_t room(const settings& set, time_point now) const;
  void success();
  /// Returns true when it opened just now. One that a caller brought about himself, by a deadline
  /// shorter than the specialist's own, counts towards `failures` in a row only: two of them,
  /// however far apart, must not close the specialist for everybody.
  bool failure(const settings& set, time_point now, bool own_fault = true);
  /// The admitted attempt ended without a verdict (cancelled, refused by the worker's own rules).
  void forget();
  /// So many attempts are under way at most: a probe beyond that has ended unheard.
  void under_way(std::size_t attempts);

  [[nodiscard]] bool is_closed() const { return !open_; }
  [[nodiscard]] state now_is(const settings& set, time_point now) const;
  /// When it will let a probe through; only meaningful while open.
  [[nodiscard]] time_point opens_until() const { return until_; }

private:
  std::size_t failed_ = 0;  // In a row.
  std::size_t own_ = 0;     // Of these, the failures that are the specialist's own fault.
  std::size_t probing_ = 0;
  bool open_ = false;
  time_point first_{};
  time_point until_{};
};

}  // namespace greenroom::runtime
