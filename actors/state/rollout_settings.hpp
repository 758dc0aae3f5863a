// What the configuration says about rollout and rollback, in the words of the decisions.
#pragma once

#include "config/node.hpp"
#include "runtime/rollout/rollback_plan.hpp"
#include "runtime/rollout/rollback_watch.hpp"
#include "runtime/rollout/rollout_plan.hpp"

#include <chrono>

namespace greenroom::actors {

[[nodiscard]] runtime::rollout::rollout_settings settings_of(const config::node& from);
[[nodiscard]] runtime::rollout::rollback_thresholds thresholds_of(const config::node& from);
[[nodiscard]] runtime::rollout::rollback_settings way_back_of(const config::node& from);

/// How much longer than the baseline a response may take, in milliseconds, before it counts.
[[nodiscard]] double slack_of(const config::node& from);

}  // namespace greenroom::actors
