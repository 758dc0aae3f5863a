#include "actors/tasks/department_circuits.hpp"

#include "actors/state/text.hpp"

#include <chrono>
#include <utility>

namespace greenroom::actors {

using runtime::breaker;

namespace {

breaker::time_point at(std::int64_t steady_ns) {
  return breaker::time_point{std::chrono::nanoseconds{steady_ns}};
}

}  // namespace

breaker::settings department_circuits::settings() const {
  const auto& from = context_.config().breaker;
  return {.failures = from.failures, .open = from.open, .probes = from.half_open_probes};
}

void department_circuits::on_success(specialist_entry& entry) {
  entry.breaker.success();
  if (std::exchange(entry.circuit_published, false)
      && context_.record_of(entry).gauge.open_until_ns.exchange(0, std::memory_order_relaxed) != 0)
    context_.parts.events.publish("circuit.closed",
                                  json_object{{"specialist", context_.name_of(entry)}});
}

bool department_circuits::on_failure(specialist_entry& entry, bool own_fault) {
  const auto limits = settings();
  if (!entry.breaker.failure(limits, at(context_.now_ns()), own_fault)) return false;
  entry.circuit_published = true;
  context_.record_of(entry).gauge.open_until_ns.store(
      entry.breaker.opens_until().time_since_epoch().count(), std::memory_order_relaxed);
  context_.parts.events.publish("circuit.open",
                                json_object{{"specialist", context_.name_of(entry)},
                                            {"for_ms", limits.open.count() / 1'000'000}});
  return true;
}

bool department_circuits::is_open(const specialist_entry& entry, std::int64_t now_ns) const {
  return entry.breaker.now_is(settings(), at(now_ns)) == breaker::state::open;
}

bool department_circuits::admits(specialist_entry& entry) const {
  // A closed breaker admits without a look at the clock.
  return entry.breaker.is_closed() || entry.breaker.admit(settings(), at(context_.now_ns()));
}

std::size_t department_circuits::room(const specialist_entry& entry) const {
  return entry.breaker.room(settings(), at(context_.now_ns()));
}

}  // namespace greenroom::actors
