// What the actors of a node say to each other. Tasks themselves travel through ports; these are the
// rare words around them. All of them can cross to another node.
#pragma once

#include <caf/all.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace greenroom::protocols {

/// Department to director: a task waits for a specialist that is not warm. Said again and again for
/// as long as that is so; the director may hear it any number of times.
struct slot_need {
  std::uint32_t specialist = 0;
  std::uint64_t lease = 0;  ///< As in slot_news.
};

/// Director to department: start it, there is room. `why` is a runtime::reason. Said again when it
/// is not answered.
struct slot_grant {
  std::uint32_t specialist = 0;
  std::uint8_t why = 0;
  std::uint64_t lease = 0;  ///< Grows with every grant of a pool; 0: not numbered.
};

/// Director to department: let it cool, unless it is in use. With `turn` also when it is: what runs
/// ends, what waits for it waits, because somebody else has waited for long.
struct slot_recall {
  std::uint32_t specialist = 0;
  std::uint8_t why = 0;
  bool turn = false;
};

/// Department to director: how it is with a worker now.
struct slot_news {
  enum class kind : std::uint8_t {
    warming,   ///< It is being started.
    warm,      ///< It is ready after `load_ms`.
    cooling,   ///< It is being stopped; its slot is held until it is really gone.
    released,  ///< It is gone, or was never started: the slot is free.
    kept,      ///< It is in use, so a recall was not followed.
    failed,    ///< Released, and its starts failed: none but for a task or by hand.
  };
  std::uint32_t specialist = 0;
  kind what = kind::released;
  std::int64_t load_ms = 0;
  /// The last grant that was heard before this was said, so that nobody takes it for the answer to
  /// a later one. A new department has heard all that went to its predecessors. 0: the latest.
  std::uint64_t lease = 0;
};

/// One arrival, for those who learn from the order of tasks. Times are Unix milliseconds.
struct arrival {
  std::uint32_t specialist = 0;
  std::uint64_t case_key = 0;
  std::int64_t unix_us = 0;
};

/// How busy one specialist is now.
struct usage {
  std::uint32_t specialist = 0;
  std::uint32_t tasks = 0;        ///< Waiting and running.
  std::int64_t idle_unix_us = 0;  ///< When its last task ended; 0: it is in use.
};

/// Department to director, in batches: what happened since the last one. `lost` arrivals were too
/// many to be listed.
struct usage_batch {
  std::uint32_t department = 0;
  std::vector<arrival> arrivals;
  std::vector<usage> changed;
  std::uint64_t lost = 0;
};

/// Specialist to department: news of its worker.
struct worker_news {
  enum class kind : std::uint8_t { ready, gone };
  std::uint32_t specialist = 0;
  kind what = kind::gone;
  std::int64_t start_ns = 0;  ///< With ready: how long the start took.
  bool asked = false;         ///< With gone: it was told to go.
  bool before_ready = false;  ///< With gone.
  std::string why;
};

/// Anyone to the bridge or a department: these tasks have ended from outside (cancelled, out of
/// time); whoever holds them lets go.
struct purge {
  std::vector<std::uint32_t> specialists;
};

/// Surveyor to director: measured memory of running workers.
struct memory_survey {
  std::vector<std::uint32_t> specialists;
  std::vector<std::uint64_t> bytes;
};

/// Someone who will probably be called within so many seconds. `why` is a runtime::reason.
struct expected_call {
  std::uint32_t specialist = 0;
  double probability = 0;
  double within_s = 0;
  std::uint8_t why = 0;
};

/// Predictor to director: the most probable first. All numbers are finite.
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
