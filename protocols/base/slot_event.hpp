// What became of a slot, as a department tells its director.
#pragma once

#include <cstdint>

namespace greenroom::base {

/// The numbers are sent: append only.
enum class slot_event : std::uint8_t {
  warming,   ///< The worker is starting.
  warm,      ///< The worker is ready.
  cooling,   ///< The worker is stopping; the slot is held until the process has ended.
  released,  ///< The worker has ended or was never started: the slot is free.
  kept,      ///< The worker is in use, so a recall was ignored.
  failed,    ///< Released after failed starts: start again only for a task or by hand.
};

}  // namespace greenroom::base
