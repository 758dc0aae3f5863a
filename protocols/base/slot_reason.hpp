// Why a director grants a specialist a warm slot or takes the slot back.
#pragma once

#include <cstdint>

namespace greenroom::base {

/// The numbers are sent and saved: append only.
enum class slot_reason : std::uint8_t {
  demand,     ///< A task waits for the specialist.
  pinned,     ///< Configured to be always warm.
  predicted,  ///< Expected soon.
  workflow,   ///< The next step of a workflow in progress.
  cooldown,   ///< Idle for longer than the specialist's value justifies.
  evicted,    ///< The slot is needed for another specialist.
  memory,     ///< The memory budget is exceeded.
  by_hand,    ///< Requested by an operator.
};

}  // namespace greenroom::base
