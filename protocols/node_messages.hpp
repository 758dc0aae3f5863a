// Messages between a node's actors. Tasks themselves travel through rings; these messages are the
// rare control traffic. All of them can be sent to another node.
#pragma once

#include <caf/all.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace greenroom::protocols {

/// Department to director: a task waits for a specialist that is not warm. Repeated while that is
/// so; the director must accept repetitions.
struct slot_need {
  std::uint32_t specialist = 0;
  std::uint64_t lease = 0;  ///< As in slot_news.
};

/// Director to department: a slot is granted; start the specialist. `why` is a runtime::reason.
/// Repeated until answered.
struct slot_grant {
  std::uint32_t specialist = 0;
  std::uint8_t why = 0;
  std::uint64_t lease = 0;  ///< Grows with every grant of a pool; 0: not numbered.
};

/// Director to department: cool the specialist unless it is in use. With `turn` also if in use:
/// running tasks end and queued tasks wait, because another specialist has waited for long.
struct slot_recall {
  std::uint32_t specialist = 0;
  std::uint8_t why = 0;
  bool turn = false;
};

/// Department to director: a worker's state has changed.
struct slot_news {
  enum class kind : std::uint8_t {
    warming,   ///< The worker is starting.
    warm,      ///< The worker is ready after `load_ms`.
    cooling,   ///< The worker is stopping; the slot is held until the process has ended.
    released,  ///< The worker has ended or was never started: the slot is free.
    kept,      ///< The worker is in use, so a recall was ignored.
    failed,    ///< Released after failed starts: start again only for a task or by hand.
  };
  std::uint32_t specialist = 0;
  kind what = kind::released;
  std::int64_t load_ms = 0;
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

/// Specialist to department: a change of the worker.
struct worker_news {
  enum class kind : std::uint8_t { ready, gone };
  std::uint32_t specialist = 0;
  kind what = kind::gone;
  std::int64_t start_ns = 0;  ///< With ready: how long the start took.
  bool asked = false;         ///< With gone: the stop was requested.
  bool before_ready = false;  ///< With gone.
  std::string why;
};

/// To the dispatcher or a department: some tasks of these specialists were ended elsewhere
/// (cancelled, out of time); the holder must release them.
struct purge {
  std::vector<std::uint32_t> specialists;
};

/// Memory sampler to director: measured memory of running workers.
struct memory_survey {
  std::vector<std::uint32_t> specialists;
  std::vector<std::uint64_t> bytes;
};

/// A specialist that will probably be called within `within_s` seconds. `why` is a runtime::reason.
struct expected_call {
  std::uint32_t specialist = 0;
  double probability = 0;
  double within_s = 0;
  std::uint8_t why = 0;
};

/// Predictor to director: the most probable call first. All numbers are finite.
struct expectation_batch {
  std::vector<expected_call> calls;
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
template <class Inspector>
auto inspect(Inspector& f, worker_news& x) {
  return f(caf::meta::type_name("worker_news"), x.specialist, x.what, x.start_ns, x.asked,
           x.before_ready, x.why);
}
template <class Inspector>
auto inspect(Inspector& f, purge& x) {
  return f(caf::meta::type_name("purge"), x.specialists);
}
template <class Inspector>
auto inspect(Inspector& f, memory_survey& x) {
  return f(caf::meta::type_name("memory_survey"), x.specialists, x.bytes);
}
template <class Inspector>
auto inspect(Inspector& f, expected_call& x) {
  return f(caf::meta::type_name("expected_call"), x.specialist, x.probability, x.within_s, x.why);
}
template <class Inspector>
auto inspect(Inspector& f, expectation_batch& x) {
  return f(caf::meta::type_name("expectation_batch"), x.calls);
}

}  // namespace greenroom::protocols

// IDs are positions: append at the end, never reorder, never remove.
CAF_BEGIN_TYPE_ID_BLOCK(greenroom, caf::first_custom_type_id)
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::slot_need))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::slot_grant))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::slot_recall))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::slot_news))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::arrival))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::usage))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::usage_batch))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::worker_news))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::purge))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::memory_survey))
CAF_ADD_ATOM(greenroom, greenroom::protocols, warm_up_atom, "warm_up")
CAF_ADD_ATOM(greenroom, greenroom::protocols, cool_atom, "cool")
CAF_ADD_ATOM(greenroom, greenroom::protocols, drop_atom, "drop")
CAF_ADD_ATOM(greenroom, greenroom::protocols, check_atom, "check")
CAF_ADD_ATOM(greenroom, greenroom::protocols, tick_atom, "tick")
CAF_ADD_ATOM(greenroom, greenroom::protocols, report_atom, "report")
CAF_ADD_ATOM(greenroom, greenroom::protocols, hire_atom, "hire")
CAF_ADD_ATOM(greenroom, greenroom::protocols, reload_atom, "reload")
CAF_ADD_ATOM(greenroom, greenroom::protocols, open_atom, "open")
CAF_ADD_ATOM(greenroom, greenroom::protocols, switch_atom, "switch")
CAF_ADD_ATOM(greenroom, greenroom::protocols, steer_atom, "steer")
CAF_ADD_ATOM(greenroom, greenroom::protocols, written_atom, "written")
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::expected_call))
CAF_ADD_TYPE_ID(greenroom, (greenroom::protocols::expectation_batch))
CAF_ADD_ATOM(greenroom, greenroom::protocols, again_atom, "again")
CAF_END_TYPE_ID_BLOCK(greenroom)
