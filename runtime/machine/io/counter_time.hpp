// Time from a counter of the processor.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace greenroom::machine {

/// Turns the ticks of a counter that runs evenly, how fast is not known, into the nanoseconds of a
/// clock that is looked at now and then. Between two looks it is a straight line, drawn on from the
/// last one (as the kernel keeps its own time, Corbet: "Clocksources and clock events", LWN 2007).
/// Any thread reads; one at a time observes.
class counter_time {
public:
  static constexpr std::int64_t unknown = -1;
  /// So long an observation is good for, and at least half of that lies between two that count.
  static constexpr std::int64_t span_ns = 10'000'000;

  /// Nanoseconds at `ticks`, or `unknown`: before two observations have agreed how fast the counter
  /// runs, and when the last one is `span_ns` ago: the machine may have slept since. Never less
  /// than what the line before said, as long as the counter keeps within a thousandth of its pace.
  [[nodiscard]] std::int64_t at(std::uint64_t ticks) const {
    const auto version = version_.load(std::memory_order_acquire);
    const auto base_ticks = base_ticks_.load(std::memory_order_acquire);
    const auto base_ns = base_ns_.load(std::memory_order_acquire);
    const auto pace = pace_.load(std::memory_order_acquire);
    const auto span = span_.load(std::memory_order_acquire);
    if (version % 2 != 0 || version_.load(std::memory_order_relaxed) != version) return unknown;
    const auto since = ticks - base_ticks;  // Of one that went back it is enormous.
    if (since >= span) return unknown;
    return base_ns + static_cast<std::int64_t>(since * pace >> pace_bits);
  }

  /// The counter was at `ticks` when the clock was at `ns`. One caller at a time.
  void observe(std::uint64_t ticks, std::int64_t ns) {
    const auto more_ns = ns - seen_ns_;
    if (seen_ && more_ns >= 0 && more_ns < span_ns / 2) return;  // Too close to tell the pace.
    const auto more = ticks - seen_ticks_;
    const bool usable = seen_ && more_ns > 0 && more > 0 && more < most_ticks;
    const auto pace = usable ? static_cast<double>(more_ns) / static_cast<double>(more) : 0;
    const bool agrees = seen_pace_ > 0 && pace > seen_pace_ * (1 - tolerance)
                        && pace < seen_pace_ * (1 + tolerance);
    // Where the line before is by now; it may be ahead, and then goes slower until it is met.
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
  // A minute of a counter of 16 GHz. What comes after a longer pause tells nothing.
  static constexpr std::uint64_t most_ticks = std::uint64_t{1} << 40U;

  void draw(std::uint64_t ticks, std::int64_t ns, double pace, std::uint64_t span) {
    const auto version = version_.load(std::memory_order_relaxed);
    version_.store(version + 1, std::memory_order_relaxed);
    // Who sees one of these sees that the version is odd, or a later one.
    base_ticks_.store(ticks, std::memory_order_release);
    base_ns_.store(ns, std::memory_order_release);
    pace_.store(static_cast<std::uint64_t>(pace * (std::uint64_t{1} << pace_bits)),
                std::memory_order_release);
    span_.store(span, std::memory_order_release);
    version_.store(version + 2, std::memory_order_release);
  }

  alignas(64) std::atomic<std::uint64_t> version_{0};  // Odd while the line is being drawn.
  std::atomic<std::uint64_t> base_ticks_{0};
  std::atomic<std::int64_t> base_ns_{0};
  std::atomic<std::uint64_t> pace_{0};  // Nanoseconds a tick, in 2^-32.
  std::atomic<std::uint64_t> span_{0};  // Ticks from the base on; 0: nothing is known.

  // The observer's own.
  alignas(64) bool seen_ = false;
  std::uint64_t seen_ticks_ = 0;
  std::int64_t seen_ns_ = 0;
  double seen_pace_ = 0;  // 0: not known.
};

}  // namespace greenroom::machine
