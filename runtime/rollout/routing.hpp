// Selects the pool for a task: stable for a case, monotone in the percentage.
#pragma once

#include "protocols/base/pool_kind.hpp"

#include <cstdint>
#include <string_view>

namespace greenroom::runtime::rollout {

using base::pool_kind;

/// `idle`: no rollout is running; the configured pool answers.
enum class mode : std::uint8_t { idle, shadow, hybrid, full, fallback };
std::string_view name_of(mode what);

/// Every key has a fixed position in [0, 1) that depends only on the key and the salt; keys below
/// the percentage go to the intelligent pool. So a higher percentage only adds keys, and a lower
/// one removes the keys added last.
class routing {
public:
  explicit routing(std::uint64_t salt = 0x67726e726f6f6d31) : salt_(salt) {}

  /// `percentage` is clamped to [0, 100]: 0 sends no key to the intelligent pool, 100 every key.
  pool_kind side_of(std::uint64_t key, double percentage) const;
  double position_of(std::uint64_t key) const;

private:
  std::uint64_t salt_;
};

/// The routing key of a task: its case if it has one, so that a session stays in one pool; else its
/// idempotency key, so that a repeated request goes to the same pool; else its own ID.
std::uint64_t routing_key(std::string_view case_id, std::string_view idempotency_key,
                          std::string_view task_id);

/// The pool whose output the caller gets. `configured` is the pool of `pool.mode`, used when idle.
pool_kind answering_side(mode now, double percentage, std::uint64_t key, const routing& routes,
                         pool_kind configured);

}  // namespace greenroom::runtime::rollout
