// Units: factors, and durations and memory as numbers.
#pragma once

#include "runtime/machine/metrics/gauges.hpp"

#include <atomic>
#include <chrono>

namespace greenroom::actors {

inline constexpr double ms_per_ns = 1e-6;
inline constexpr double bytes_per_mb = 1e6;

[[nodiscard]] constexpr double seconds_of(std::chrono::milliseconds duration) {
  return std::chrono::duration<double>{duration}.count();
}

/// The measured memory of a specialist's worker; until it is measured, what is configured.
[[nodiscard]] inline double memory_mb_of(const machine::specialist_gauge& gauge,
                                         double configured_mb) {
  const auto bytes = gauge.memory_seen_bytes.load(std::memory_order_relaxed);
  return bytes > 0 ? static_cast<double>(bytes) / bytes_per_mb : configured_mb;
}

}  // namespace greenroom::actors
