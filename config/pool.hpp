// How many specialists are warm, and for how long.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace greenroom::config {

enum class pool_mode : std::uint8_t {
  intelligent,  ///< Warm on demand and by prediction, within the limits below.
  baseline,     ///< Every specialist always warm, as without Greenroom.
};

constexpr std::string_view to_string(pool_mode mode) {
  constexpr std::string_view names[] = {"intelligent", "baseline"};
  const auto at = static_cast<std::size_t>(mode);
  return at < std::size(names) ? names[at] : std::string_view{};
}

enum class pool_policy : std::uint8_t {
  greenroom,  ///< By the learned call pattern of each specialist.
  lru,        ///< Cool after the cooldown; without a free slot, evict the longest idle one.
};

constexpr std::string_view to_string(pool_policy policy) {
  constexpr std::string_view names[] = {"greenroom", "lru"};
  const auto at = static_cast<std::size_t>(policy);
  return at < std::size(names) ? names[at] : std::string_view{};
}

/// Limits of the warm pool. Memory is in megabytes as measured (PSS).
struct pool {
  pool_mode mode = pool_mode::intelligent;
  pool_policy policy = pool_policy::greenroom;  ///< Read when the node starts.
  std::size_t max_warm = 17;
  double memory_budget_mb = 0;  ///< Hard cap on measured memory; 0: none.
  double target_memory = 0;     ///< Mean share of always-warm to aim at, 0 to 1; 0: none.
  /// Minimum time before a started specialist may be evicted. Nothing: twice the measured start
  /// time, at most two seconds.
  std::optional<std::chrono::milliseconds> min_residency;
  std::chrono::milliseconds cooldown{45'000};
  double warm_threshold = 0.3;  ///< Adapts within [0.2, 0.6].
  bool adaptive = true;
  std::size_t warming_concurrency = 3;  ///< Concurrent starts.

  friend bool operator==(const pool&, const pool&) = default;
};

/// The predictor's memory, and how many predictions the pool uses at once.
struct prediction {
  std::size_t window = 10;     ///< Length of the sequence of recent tasks.
  std::size_t batch_size = 5;  ///< Limit on prewarmed specialists per review.
  double usage_decay = 0.02;   ///< Share of the old observations forgotten per new one, 0 to 1.

  friend bool operator==(const prediction&, const prediction&) = default;
};

}  // namespace greenroom::config
