// Control messages that several actors understand. None of them carries a task.
#pragma once

#include "protocols/base/pool_kind.hpp"

#include <caf/meta/type_name.hpp>

#include <cstdint>
#include <vector>

namespace greenroom::protocols {

/// The catalog in force has changed, or a setting of the routing table that is read with it.
struct settings_changed {};

/// Ask every idle worker whether it is alive, and end those that are stuck while they start or
/// stop.
struct check_workers {};

/// A slot may have been forgotten: every department reports its state to its director again.
struct reconcile_slots {};

/// An operator's wish: warm this specialist now, if there is room.
struct warm_by_hand {
  std::uint32_t specialist = 0;
};

/// An operator's wish: cool this specialist; if it has tasks, when they are done.
struct cool_by_hand {
  std::uint32_t specialist = 0;
};

/// The receiver's pool is being left: its queued tasks go to the other pool. With `fence` its
/// running tasks go too, and their workers cannot answer them any more.
struct hand_over_tasks {
  bool fence = false;
};

/// Some tasks of these specialists were ended elsewhere (cancelled, out of time): the holder must
/// release them.
struct purge {
  std::vector<std::uint32_t> specialists;
};

template <class Inspector>
auto inspect(Inspector& f, settings_changed&) {
  return f(caf::meta::type_name("settings_changed"));
}
template <class Inspector>
auto inspect(Inspector& f, check_workers&) {
  return f(caf::meta::type_name("check_workers"));
}
template <class Inspector>
auto inspect(Inspector& f, reconcile_slots&) {
  return f(caf::meta::type_name("reconcile_slots"));
}
template <class Inspector>
auto inspect(Inspector& f, warm_by_hand& x) {
  return f(caf::meta::type_name("warm_by_hand"), x.specialist);
}
template <class Inspector>
auto inspect(Inspector& f, cool_by_hand& x) {
  return f(caf::meta::type_name("cool_by_hand"), x.specialist);
}
template <class Inspector>
auto inspect(Inspector& f, hand_over_tasks& x) {
  return f(caf::meta::type_name("hand_over_tasks"), x.fence);
}
template <class Inspector>
auto inspect(Inspector& f, purge& x) {
  return f(caf::meta::type_name("purge"), x.specialists);
}

}  // namespace greenroom::protocols
