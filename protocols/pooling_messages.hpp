// Messages to the director, the predictor and the memory sampler.
#pragma once

#include "protocols/control_messages.hpp"
#include "protocols/department_messages.hpp"
#include "protocols/slot_messages.hpp"

#include <caf/meta/type_name.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <cstdint>
#include <vector>

namespace greenroom::protocols {

struct arrival_batch;
struct department_joined;
struct pool_joined;  // In supervision_messages.hpp.
struct predictor_joined;

/// The measured memory of running workers.
struct memory_survey {
  std::vector<std::uint32_t> specialists;
  std::vector<std::uint64_t> bytes;
};

/// A specialist that will probably be called within `within_s` seconds.
struct expected_call {
  std::uint32_t specialist = 0;
  double probability = 0;
  double within_s = 0;
  base::slot_reason why = base::slot_reason::predicted;
};

/// Predictor to director: the most probable call first. All numbers are finite.
struct expectation_batch {
  std::vector<expected_call> calls;
};

/// Every department of the pool has joined: reviews begin.
struct begin_reviews {};

// -- interfaces --

/// The director of one pool: it decides who may be warm.
using director_actor = caf::typed_actor<
    // From the pool: this department, or its replacement, takes messages now.
    caf::reacts_to<department_joined>,
    // From the root, through the pool: this predictor, or its replacement, takes messages now.
    caf::reacts_to<predictor_joined>,
    // From the pool, after the departments.
    caf::reacts_to<begin_reviews>,
    // From a department: a task waits for a specialist that is not warm.
    caf::reacts_to<slot_need>,
    // From a department: a worker's state has changed, or is reported again.
    caf::reacts_to<slot_news>,
    // From a department, in batches: what arrived, and who is in use.
    caf::reacts_to<usage_batch>,
    // From the predictor: who will probably be called.
    caf::reacts_to<expectation_batch>,
    // From the memory sampler, through the pool: what running workers take.
    caf::reacts_to<memory_survey>,
    // From an operator, through the root and the pool.
    caf::reacts_to<warm_by_hand>,
    // From an operator or the rollout, through the root and the pool.
    caf::reacts_to<cool_by_hand>,
    // From the monitor, through the root and the pool, when a task is stuck.
    caf::reacts_to<reconcile_slots>,
    // From the pool: read the catalog and the limits again.
    caf::reacts_to<settings_changed>>;

/// The predictor.
using predictor_actor = caf::typed_actor<
    // From the director of the intelligent pool: what arrived. Answered with `expectation_batch`.
    caf::reacts_to<arrival_batch>,
    // From the root: read the catalog again.
    caf::reacts_to<settings_changed>>;

/// The memory sampler.
using memory_sampler_actor = caf::typed_actor<
    // From the root: this pool, or its replacement, takes messages now.
    caf::reacts_to<pool_joined>>;

// -- messages with handles --

/// Pool to director: a department, or its replacement, takes messages now.
struct department_joined {
  std::uint32_t index = 0;  ///< In the catalog.
  department_actor department{};
};

/// A predictor, or its replacement, takes messages now.
struct predictor_joined {
  predictor_actor predictor{};
};

/// To a department: report the state of every specialist to `director`, which is the department's
/// director from now on, and ask again for every slot that is needed.
struct report_state {
  director_actor director{};
};

/// Director to predictor: arrivals since the last batch; `lost` arrivals are not in it. The
/// predictor answers `director`.
struct arrival_batch {
  std::vector<arrival> arrivals{};
  std::uint64_t lost = 0;
  director_actor director{};
};

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
template <class Inspector>
auto inspect(Inspector& f, begin_reviews&) {
  return f(caf::meta::type_name("begin_reviews"));
}
template <class Inspector>
auto inspect(Inspector& f, department_joined& x) {
  return f(caf::meta::type_name("department_joined"), x.index, x.department);
}
template <class Inspector>
auto inspect(Inspector& f, predictor_joined& x) {
  return f(caf::meta::type_name("predictor_joined"), x.predictor);
}
template <class Inspector>
auto inspect(Inspector& f, report_state& x) {
  return f(caf::meta::type_name("report_state"), x.director);
}
template <class Inspector>
auto inspect(Inspector& f, arrival_batch& x) {
  return f(caf::meta::type_name("arrival_batch"), x.arrivals, x.lost, x.director);
}

}  // namespace greenroom::protocols
