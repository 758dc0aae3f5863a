// Time from a processor's counter.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace greenroom::machine {

/// Converts a steady counter's ticks, of unknown frequency, into a clock's nanoseconds; the clock
/// is observed periodically. Between two observations, time is a straight line continued from the
/// last one (as in the kernel's timekeeping, Corbet: "Clocksources and clock events", LWN 2007).
/// Any thread reads; one thread at a time observes.
class counter_time {
public:
  static constexpr std::int64_t unknown = -1;
  /// Validity of an observation; observations closer than half of this to the last one are ignored.
  static constexpr std::int64_t span_ns = 10'000'000;

  /// Returns nanoseconds at `ticks`, or `unknown`: before two observations have agreed on the
  /// frequency, and `span_ns` after the last observation (the machine may have slept). Time never
  /// goes back as long as the frequency is stable within a thousandth.
  [[nodiscard]] std::int64_t at(std::uint64_t ticks) const {
    const auto version = version_.load(std::memory_order_acquire);
    const auto base_ticks = base_ticks_.load(std::memory_order_acquire);
    const auto base_ns = base_ns_.load(std::memory_order_acquire);
    const auto pace = pace_.load(std::memory_order_acquire);
    const auto span = span_.load(std::memory_order_acquire);
    if (version % 2 != 0 || version_.load(std::memory_order_relaxed) != version) return unknown;
    const auto since = ticks - base_ticks;  // Huge if the counter went back.
    if (since >= span) return unknown;
    return base_ns + static_cast<std::int64_t>(since * pace >> pace_bits);
  }

  /// Records that the counter was at `ticks` when the clock was at `ns`. One caller at a time.
  void observe(std::uint64_t ticks, std::int64_t ns) {
    const auto more_ns = ns - seen_ns_;
    if (seen_ && more_ns >= 0 && more_ns < span_ns / 2) return;  // Too close for a measurement.
    const auto more = ticks - seen_ticks_;
    const bool usable = seen_ && more_ns > 0 && more > 0 && more < most_ticks;
    const auto pace = usable ? static_cast<double>(more_ns) / static_cast<double>(more) : 0;
    const bool agrees = seen_pace_ > 0 && pace > seen_pace_ * (1 - tolerance)
                        && pace < seen_pace_ * (1 + tolerance);
    // The old line's value now; if it is ahead, the new line runs slower until they meet.
    const auto reached = at(ticks);
    seen_ = true;
    seen_ticks_ = ticks;
    seen_ns_ = ns;
    seen_pace_ = pace;
    if (!agrees) return draw(ticks, ns, 0, 0);
    const auto ahead_ns = reached == unknown ? 0 : std::max<std::int64_t>(reached - ns, 0);
    const auto slower =
        std::max(1 - static_cast<double>(ahead_ns) / static_cast<double>(span_ns), 0.5);
    draw(ticks, ns + ahead_ns, pace * slower,
         static_cast<std::uint64_t>(static_cast<double>(span_ns) / pace));
  }

private:
  static constexpr int pace_bits = 32;
  static constexpr double tolerance = 1e-3;
  // A minute of a counter of 16 GHz. A longer pause says nothing about the frequency.
  static constexpr std::uint64_t most_ticks = std::uint64_t{1} << 40U;

  void draw(std::uint64_t ticks, std::int64_t ns, double pace, std::uint64_t span) {
    const auto version = version_.load(std::memory_order_relaxed);
    version_.store(version + 1, std::memory_order_relaxed);
    // A reader of a new value sees the odd version, or a later one.
    base_ticks_.store(ticks, std::memory_order_release);
    base_ns_.store(ns, std::memory_order_release);
    pace_.store(static_cast<std::uint64_t>(pace * (std::uint64_t{1} << pace_bits)),
                std::memory_order_release);
    span_.store(span, std::memory_order_release);
    version_.store(version + 2, std::memory_order_release);
  }

  alignas(64) std::atomic<std::uint64_t> version_{0};  // Odd during an update.
  std::atomic<std::uint64_t> base_ticks_{0};
  std::atomic<std::int64_t> base_ns_{0};
  std::atomic<std::uint64_t> pace_{0};  // Nanoseconds per tick, in units of 2^-32.
  std::atomic<std::uint64_t> span_{0};  // Valid ticks from the base on; 0: none.

  // Used by the observer only.
  alignas(64) bool seen_ = false;
  std::uint64_t seen_ticks_ = 0;
  std::int64_t seen_ns_ = 0;
  double seen_pace_ = 0;  // 0: unknown.
};

}  // namespace greenroom::machine
