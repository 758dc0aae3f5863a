// Which pool answers a task: stable for a case, monotone in the percentage.
#pragma once

#include "protocols/base/pool_kind.hpp"

#include <cstdint>
#include <string_view>

namespace greenroom::runtime::rollout {

using base::pool_kind;

/// `idle`: no rollout is running, and the pool that the configuration names answers.
enum class mode : std::uint8_t { idle, shadow, hybrid, full, fallback };
std::string_view name_of(mode what);

/// Every key has one position in [0, 1) that depends on nothing but the key and the salt; those
/// under the percentage go to the intelligent pool. So raising the percentage only adds keys and
/// lowering it only takes away the ones added last.
class routing {
public:
  explicit routing(std::uint64_t salt = 0x67726e726f6f6d31) : salt_(salt) {}

  /// `percentage` is clamped to [0, 100]; 0 sends nobody, 100 everybody.
  pool_kind side_of(std::uint64_t key, double percentage) const;
  double position_of(std::uint64_t key) const;

private:
  std::uint64_t salt_;
};

/// The key of a task: its case if it belongs to one, so that a session stays where it is; else its
/// idempotency key, so that a repeated request meets the same pool; else its own id.
std::uint64_t routing_key(std::string_view case_id, std::string_view idempotency_key,
                          std::string_view task_id);

/// Who answers the caller. `configured` is the pool of `pool.mode`, which answers when idle.
pool_kind answering_side(mode now, double percentage, std::uint64_t key, const routing& routes,
                         pool_kind configured);

/// Whether a task is also given to the intelligent pool, its answer only compared.
/// `unsafe` tasks never are.
bool mirrored(mode now, bool unsafe);

}  // namespace greenroom::runtime::rollout
