// A circuit breaker per specialist, after Nygard, "Release It!", ch. 5.
#pragma once

#include <chrono>
#include <cstddef>
#include <limits>

namespace greenroom::runtime {

/// Counts consecutive failures, so that it also opens for a rarely called specialist. Opens at
/// `failures` in a row, or at two in a row that are `patience` apart. After `open` it admits
/// `probes` attempts at a time: a success closes it, a failure opens it again.
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

  /// Whether one more attempt may start. In half-open this reserves a probe; each true result must
  /// be followed by one `success`, `failure` or `forget`.
  [[nodiscard]] bool admit(const settings& set, time_point now);
  /// The number of attempts that `admit` would allow now.
  [[nodiscard]] std::size_t room(const settings& set, time_point now) const;
  void success();
  /// Returns true when the breaker has just opened. `own_fault` is false for a failure caused by
  /// the caller, through a deadline shorter than the specialist's: it counts towards `failures` in
  /// a row only, because two such failures, however far apart, must not block all other callers.
  bool failure(const settings& set, time_point now, bool own_fault = true);
  /// The admitted attempt ended without a result (cancelled, refused by the worker's own rules).
  void forget();
  /// At most `attempts` are under way: further probes have ended without a report.
  void under_way(std::size_t attempts);

  [[nodiscard]] bool is_closed() const { return !open_; }
  [[nodiscard]] state now_is(const settings& set, time_point now) const;
  /// When the next probe is admitted; only meaningful while open.
  [[nodiscard]] time_point opens_until() const { return until_; }

private:
  std::size_t failed_ = 0;  // In a row.
  std::size_t own_ = 0;     // Of `failed_`: the specialist's own.
  std::size_t probing_ = 0;
  bool open_ = false;
  time_point first_{};
  time_point until_{};
};

}  // namespace greenroom::runtime
