#include "actors/supervision/hand_out.hpp"

#include "actors/monitoring/monitor.hpp"
#include "actors/pooling/director.hpp"
#include "actors/pooling/memory_sampler.hpp"
#include "actors/pooling/predictor.hpp"
#include "actors/rollout/command_probe.hpp"
#include "actors/rollout/rollback.hpp"
#include "actors/rollout/rollout.hpp"
#include "actors/supervision/node_state.hpp"
#include "actors/supervision/pool.hpp"
#include "actors/tasks/admission.hpp"
#include "actors/tasks/dispatcher.hpp"
#include "actors/tasks/journal_actor.hpp"

namespace greenroom::actors {

template <>
sampler_parts hand_out(node_state& from) {
  return {from.clock, from.catalogs, from.pools, from.routes, from.ends};
}

template <>
evidence_parts hand_out(node_state& from) {
  return {from.clock, from.catalogs, from.pools, from.events, from.board};
}

template <>
readiness_parts hand_out(node_state& from) {
  return {from.catalogs, from.pools, from.ledger, from.gauge, from.journal, from.board};
}

template <>
verification_parts hand_out(node_state& from) {
  return {from.catalogs, from.pools, from.ends, from.board, hand_out<readiness_parts>(from)};
}

template <>
probe_parts hand_out(node_state& from) {
  return {from.catalogs, from.pools};
}

template <>
journaled_parts hand_out(node_state& from) {
  return {from.unexpected, from.clock, from.journal, from.routes, from.board};
}

// -- the way of a task --

template <>
admission_parts hand_out(node_state& from) {
  return {from.clock,   from.catalogs, from.pools, from.ledger, from.gauge,  from.dispatching,
          from.journal, from.routes,   from.ends,  from.shadow, from.offers, from.ending};
}

template <>
dispatcher_parts hand_out(node_state& from) {
  return {from.unexpected,  from.clock,   from.pools, from.ledger,
          from.dispatching, from.journal, from.ending};
}

template <>
specialist_parts hand_out(node_state& from) {
  return {from.unexpected, from.clock,   from.catalogs, from.pools,
          from.events,     from.workers, from.offers,   from.ending};
}

template <>
department_parts hand_out(node_state& from) {
  return {from.unexpected,
          from.clock,
          from.catalogs,
          from.pools,
          from.events,
          from.ledger,
          from.gauge,
          from.dispatching,
          from.routes,
          from.workers,
          from.seed,
          from.ending,
          hand_out<specialist_parts>(from)};
}

template <>
journal_parts hand_out(node_state& from) {
  return {from.unexpected, from.clock,       from.catalogs, from.pools, from.events,
          from.gauge,      from.dispatching, from.journal,  from.ending};
}

// -- the warm budget --

template <>
director_parts hand_out(node_state& from) {
  return {from.unexpected, from.clock,  from.catalogs, from.pools,
          from.events,     from.routes, from.forecast, from.seed};
}

template <>
predictor_parts hand_out(node_state& from) {
  return {from.unexpected, from.clock, from.catalogs, from.events, from.gauge, from.forecast};
}

template <>
memory_sampler_parts hand_out(node_state& from) {
  return {from.unexpected,
          from.clock,
          from.catalogs,
          from.pools,
          from.routes,
          from.memory,
          hand_out<sampler_parts>(from)};
}

template <>
pool_parts hand_out(node_state& from) {
  return {from.unexpected,
          from.catalogs,
          from.pools,
          from.events,
          hand_out<department_parts>(from),
          hand_out<director_parts>(from)};
}

// -- which pool answers --

template <>
monitor_parts hand_out(node_state& from) {
  return {hand_out<journaled_parts>(from),
          from.catalogs,
          from.pools,
          from.events,
          from.samples,
          from.forecast,
          hand_out<sampler_parts>(from),
          hand_out<evidence_parts>(from)};
}

template <>
rollout_parts hand_out(node_state& from) {
  return {hand_out<journaled_parts>(from),
          from.catalogs,
          from.pools,
          from.events,
          from.gauge,
          from.ends,
          from.shadow,
          from.forecast,
          hand_out<readiness_parts>(from)};
}

template <>
rollback_parts hand_out(node_state& from) {
  return {hand_out<journaled_parts>(from),
          from.catalogs,
          from.pools,
          from.events,
          from.gauge,
          hand_out<sampler_parts>(from),
          hand_out<evidence_parts>(from),
          hand_out<verification_parts>(from)};
}

}  // namespace greenroom::actors
