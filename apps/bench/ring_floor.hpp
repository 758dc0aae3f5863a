// The cost of passing a task to another thread and back, without any of the node's safety.
#pragma once

#include "apps/bench/report.hpp"

#include <cstddef>

namespace greenroom::bench {

/// A plain ring in each direction between two spinning threads, published in batches.
[[nodiscard]] figures ring_floor(std::size_t specialists, std::size_t window, double seconds);

/// The same rings under Poisson arrivals. Latency counts from the intended send time. With
/// `service_ns` the other side takes that long per task, like a server with the capacity 1e9 /
/// `service_ns` that never pauses: any excess latency comes from this machine.
[[nodiscard]] figures ring_floor_open(std::size_t specialists, double rate_per_s, double seconds,
                                      double service_ns = 0);

/// A Boost.Lockfree queue in each direction, one task per push, one worker thread.
[[nodiscard]] figures queue_floor(std::size_t specialists, std::size_t window, double seconds);

/// The time that a thread loses which only reads the clock, as the mean of two such threads: the
/// least that any hand-over between two threads loses on this machine.
struct pauses {
  double lost_ms_per_s = 0;
  double over_1ms_per_s = 0;  ///< Number of pauses of 1 ms or more.
  double longest_ms = 0;
};
[[nodiscard]] pauses pauses_of_two_threads(double seconds);

/// Round trip of a cache line between two threads, ns: the unit of every hand-over. On virtual
/// machines it varies fivefold with the host's placement of the cores.
[[nodiscard]] double line_round_trip_ns();

}  // namespace greenroom::bench
