// What handing a task to another thread and back costs without any of what makes it safe.
#pragma once

#include "apps/bench/report.hpp"

#include <cstddef>

namespace greenroom::bench {

/// A plain ring each way between two threads that spin; what has gathered is published in batches.
[[nodiscard]] figures ring_floor(std::size_t specialists, std::size_t window, double seconds);

/// The same rings under Poisson arrivals; latencies count from the intended send time. With
/// `service_ns` the other side takes so long for each, as one with the capacity 1e9 / `service_ns`
/// would that never stops by itself: what is late there is this machine's doing.
[[nodiscard]] figures ring_floor_open(std::size_t specialists, double rate_per_s, double seconds,
                                      double service_ns = 0);

/// A Boost.Lockfree queue each way, one task a push, one worker thread.
[[nodiscard]] figures queue_floor(std::size_t specialists, std::size_t window, double seconds);

/// What one of two threads that do nothing but look at the clock loses on this machine, in the mean
/// of the two: the least that the two threads of any hand-over lose.
struct pauses {
  double lost_ms_per_s = 0;
  double over_1ms_per_s = 0;  ///< How many pauses of a millisecond or more.
  double longest_ms = 0;
};
[[nodiscard]] pauses pauses_of_two_threads(double seconds);

/// How long a cache line takes to another thread and back, ns: what every hand-over is made of. On
/// virtual machines it changes by five with where the host runs the cores.
[[nodiscard]] double line_round_trip_ns();

}  // namespace greenroom::bench
