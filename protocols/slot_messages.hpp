// The conversation of a director with its departments about warm slots.
#pragma once

#include "protocols/base/slot_event.hpp"
#include "protocols/base/slot_reason.hpp"

#include <caf/meta/type_name.hpp>

#include <cstdint>
#include <vector>

namespace greenroom::protocols {

/// Department to director: a task waits for a specialist that is not warm. Repeated while that is
/// so; the director must accept repetitions.
struct slot_need {
  std::uint32_t specialist = 0;
  std::uint64_t lease = 0;  ///< As in slot_news.
};

/// Director to department: a slot is granted; start the specialist. Repeated until
/// answered.
struct slot_grant {
  std::uint32_t specialist = 0;
  base::slot_reason why = base::slot_reason::demand;
  std::uint64_t lease = 0;  ///< Grows with every grant of a pool; 0: not numbered.
};

/// Director to department: cool the specialist unless it is in use. With `turn` also if in use:
/// running tasks end and queued tasks wait, because another specialist has waited for long.
struct slot_recall {
  std::uint32_t specialist = 0;
  base::slot_reason why = base::slot_reason::demand;
  bool turn = false;
};

/// Department to director: a worker's state has changed.
struct slot_news {
  using kind = base::slot_event;
  std::uint32_t specialist = 0;
  kind what = kind::released;
  std::int64_t load_ms = 0;  ///< With warm: how long the start took; 0: not measured.
  /// The last grant that the department received before this message, so that the message is not
  /// taken for an answer to a later grant. A new department has received its predecessors' grants.
  /// 0: the latest.
  std::uint64_t lease = 0;
};

/// One arrival, for models of the task order. The time is Unix microseconds.
struct arrival {
  std::uint32_t specialist = 0;
  std::uint64_t case_key = 0;
  std::int64_t unix_us = 0;
};

/// The current load of one specialist.
struct usage {
  std::uint32_t specialist = 0;
  std::uint32_t tasks = 0;        ///< Queued and running.
  std::int64_t idle_unix_us = 0;  ///< When the last task ended; 0: in use.
};

/// Department to director, in batches: the changes since the last batch. `lost` arrivals exceeded
/// the batch's limit.
struct usage_batch {
  std::uint32_t department = 0;
  std::vector<arrival> arrivals;
  std::vector<usage> changed;
  std::uint64_t lost = 0;
};

template <class Inspector>
auto inspect(Inspector& f, slot_need& x) {
  return f(caf::meta::type_name("slot_need"), x.specialist, x.lease);
}
template <class Inspector>
auto inspect(Inspector& f, slot_grant& x) {
  return f(caf::meta::type_name("slot_grant"), x.specialist, x.why, x.lease);
}
template <class Inspector>
auto inspect(Inspector& f, slot_recall& x) {
  return f(caf::meta::type_name("slot_recall"), x.specialist, x.why, x.turn);
}
template <class Inspector>
auto inspect(Inspector& f, slot_news& x) {
  return f(caf::meta::type_name("slot_news"), x.specialist, x.what, x.load_ms, x.lease);
}
template <class Inspector>
auto inspect(Inspector& f, arrival& x) {
  return f(caf::meta::type_name("arrival"), x.specialist, x.case_key, x.unix_us);
}
template <class Inspector>
auto inspect(Inspector& f, usage& x) {
  return f(caf::meta::type_name("usage"), x.specialist, x.tasks, x.idle_unix_us);
}
template <class Inspector>
auto inspect(Inspector& f, usage_batch& x) {
  return f(caf::meta::type_name("usage_batch"), x.department, x.arrivals, x.changed, x.lost);
}

}  // namespace greenroom::protocols
