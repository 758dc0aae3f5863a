// Measured memory of workers over time, from which the memory efficiency is computed.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>

namespace greenroom::actors {

/// Written by the memory sampler, read by any thread.
struct memory_sum {
  std::atomic<std::uint64_t> used_kib_ms{0};    ///< In use.
  std::atomic<std::uint64_t> always_kib_ms{0};  ///< Had every worker been warm.

  /// 1 - used / always, between 0 and 1; nothing before anything was measured.
  [[nodiscard]] std::optional<double> efficiency() const {
    const auto used = static_cast<double>(used_kib_ms.load(std::memory_order_relaxed));
    const auto always = static_cast<double>(always_kib_ms.load(std::memory_order_relaxed));
    if (always <= 0) return std::nullopt;
    return std::clamp(1 - used / always, 0.0, 1.0);
  }
};

struct memory_use {
  memory_sum intelligent;  ///< Of the intelligent pool, while it works.
  memory_sum all;          ///< Of both pools, since a second pool was opened or closed.
};

}  // namespace greenroom::actors
