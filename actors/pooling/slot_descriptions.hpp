// The catalog and the measurements of a pool in the terms of `runtime::slot_allocator`.
#pragma once

#include "actors/state/catalog.hpp"
#include "actors/state/pool_records.hpp"
#include "config/pool.hpp"
#include "protocols/base/pool_kind.hpp"
#include "runtime/pooling/slot_allocator.hpp"
#include "runtime/pooling/warm_policy.hpp"

#include <cstddef>
#include <vector>

namespace greenroom::actors {

/// `baseline_warm`: the pool is the baseline pool and must keep every specialist warm.
[[nodiscard]] runtime::pool_limits limits_of(const config::pool& from, std::size_t specialists,
                                             protocols::pool_kind pool, bool baseline_warm);

/// By index in the catalog.
[[nodiscard]] std::vector<runtime::slot_description> describe_slots(const catalog& current,
                                                                    const pool_record& records,
                                                                    bool baseline_warm);

}  // namespace greenroom::actors
