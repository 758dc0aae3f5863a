#include "actors/tasks/admission.hpp"

#include "actors/mailbox/io_execution_unit.hpp"
#include "runtime/queueing/admission_limits.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

namespace greenroom::actors {

using machine::shed_reason;
using protocols::failure, protocols::task, protocols::task_location, protocols::task_ptr;

namespace {

shed_reason reason_of(failure why) {
  switch (why) {
    case failure::draining: return shed_reason::draining;
    case failure::journal_unavailable: return shed_reason::journal;
    case failure::deadline_unreachable: return shed_reason::deadline;
    case failure::circuit_open: return shed_reason::circuit_open;
    default: return shed_reason::queue_full;
  }
}

std::chrono::milliseconds up_to_ms(std::int64_t ns) {
  return std::chrono::milliseconds{(ns + 999'999) / 1'000'000};
}

refusal refusal_of(const runtime::admission_verdict& verdict, const std::string& specialist) {
  const auto later = up_to_ms(verdict.retry_after_ns);
  switch (verdict.what) {
    case runtime::admission_result::full:
      return {failure::queue_full,
              "too many tasks wait for " + specialist + " (queue.per_specialist)",
              {},
              later};
    case runtime::admission_result::too_late:
      return {
          failure::deadline_unreachable,
          "the queue of " + specialist
              + " is too long for the deadline of this task (its timeout, or backend.task_timeout)",
          {},
          later};
    case runtime::admission_result::admitted:
    case runtime::admission_result::circuit_open: break;
  }
  return {failure::circuit_open,
          "the circuit of " + specialist + " is open after repeated failures; it is tried again in "
              + std::to_string(later.count()) + " ms; greenroom diagnose errors says what failed",
          {},
          later};
}

}  // namespace

admission::admission(const admission_parts& parts)
    : parts_{parts},
      lookup_{parts.clock, parts.catalogs, parts.pools},
      copies_{{parts.catalogs, parts.pools, parts.ledger, parts.dispatching, parts.routes,
               parts.ends, parts.shadow}} {}

std::int64_t admission::route::timeout_ns(const task_request& request) const {
  const auto wanted = request.timeout ? std::chrono::nanoseconds{*request.timeout}.count()
                                      : target->task_timeout_ns;
  return std::max<std::int64_t>(wanted, 1);
}

// -- a new task ---------------------------------------------------------------

std::variant<protocols::task_id, refusal> admission::submit(
    task_request&& request, std::shared_ptr<protocols::task_observer> caller) {
  if (auto none = misaddressed(request)) return std::move(*none);
  const auto routes = parts_.routes.now().routes;
  route way;
  way.pool = parts_.routes.answering(request.case_id, request.idempotency_key);
  const auto& current = parts_.catalogs.now();
  way.named = current.find(request.specialist);
  if (way.named == catalog::nobody) {
    auto found = lookup_.find(request, way.pool);
    if (auto* none = std::get_if<refusal>(&found)) return std::move(*none);
    way.named = std::get<0>(found);
  }
  way.use(way.named, current);
  way.now_ns = parts_.clock.now_ns();
  way.durable = request.durable || !request.idempotency_key.empty()
                || (parts_.journal.on && current.config.journal.sync_tasks);
  if (auto none = admit_somewhere(way, request)) return std::move(*none);
  auto room = acquire(way, request.input.size());
  if (auto* none = std::get_if<refusal>(&room)) return std::move(*none);
  auto& job = std::get<task_ptr>(room);
  fill(*job, way, request);
  job->observer = std::move(caller);
  const auto id = job->id;
  const auto original = copies_.prepare(job, *way.target, request.command, routes);
  push(std::move(job));
  copies_.push(original);
  return id;
}

std::optional<refusal> admission::admit_somewhere(route& way, const task_request& request) {
  const auto& current = parts_.catalogs.now();
  auto refused = admit(way, request);
  // The configuration has no chain of fallbacks that leads back.
  while (refused && refused->why == failure::circuit_open
         && way.target->fallback != catalog::nobody) {
    way.use(way.target->fallback, current);
    refused = admit(way, request);
  }
  if (!refused) return std::nullopt;
  machine::count(parts_.gauge.shed[static_cast<std::size_t>(reason_of(refused->why))]);
  if (refused->why == failure::circuit_open) copies_.count_open_circuit(way.pool);
  return refused;
}

std::optional<refusal> admission::refused_by_node(bool durable) const {
  const auto& node = parts_.gauge;
  if (node.draining.load(std::memory_order_relaxed))
    return refusal{failure::draining,
                   "the node is going down and takes nothing new",
                   {},
                   std::chrono::seconds{5}};
  if (!durable || (parts_.journal.on && node.journal_ok.load(std::memory_order_relaxed)))
    return std::nullopt;
  if (!parts_.journal.on)
    return refusal{failure::journal_unavailable,
                   "this node runs without a journal",
                   {},
                   std::chrono::seconds{1}};
  const auto why = parts_.journal.troubles.read(
      [](const journal_inbox::trouble& state) { return state.why_not; });
  return refusal{failure::journal_unavailable,
                 "the journal cannot be written now" + (why.empty() ? "" : ": " + why),
                 {},
                 std::chrono::seconds{1}};
}

std::optional<refusal> admission::admit(const route& way, const task_request& request) {
  if (auto refused = refused_by_node(way.durable)) return refused;
  const auto& who = *way.target;
  auto& node = parts_.gauge;
  auto& gauge = parts_.pools.of(way.pool).specialists[way.specialist].gauge;
  const auto& bounds = parts_.catalogs.now().config.queue;
  const auto open_until = gauge.open_until_ns.load(std::memory_order_relaxed);
  runtime::queue_state line{.depth_max = bounds.per_specialist + who.width,
                            .total_max = bounds.total,
                            .concurrency = who.width,
                            .run_ns = gauge.run_hint_ns.load(std::memory_order_relaxed),
                            .start_ns = gauge.start_ns.load(std::memory_order_relaxed),
                            .warm = is_up(gauge.state.load(std::memory_order_relaxed)),
                            .open_for_ns = open_until > way.now_ns ? open_until - way.now_ns : 0,
                            .low_priority = request.urgency == protocols::priority::low};
  auto patience_ns = way.timeout_ns(request);
  if (way.allows_start(request) && !line.warm)
    patience_ns += std::chrono::nanoseconds{who.config.backend.start_timeout}.count();
  // The task is counted before it is judged, so that the bounds hold however many callers ask at
  // once.
  line.depth = gauge.enter();
  line.total = node.enter();
  auto verdict = runtime::admit(line, patience_ns);
  if (verdict.what != runtime::admission_result::admitted) {
    line.depth = gauge.others();
    line.total = node.others();
    verdict = runtime::admit(line, patience_ns);
  }
  if (verdict.what == runtime::admission_result::admitted) return std::nullopt;
  gauge.turn_away();
  node.turn_away();
  return refusal_of(verdict, who.config.name);
}

std::variant<task_ptr, refusal> admission::acquire(const route& way, std::size_t input_bytes) {
  machine::count(parts_.gauge.taken);
  auto& ledger = parts_.ledger;
  const auto& bounds = parts_.catalogs.now().config.queue;
  const bool drained = ledger.held_outputs() < bounds.output_bytes;
  const bool fits = drained && ledger.take_in(input_bytes, bounds.input_bytes);
  auto job = fits ? ledger.acquire(true) : task_ptr{};
  if (job) return job;
  if (fits) ledger.put_back(input_bytes);
  auto& gauge = parts_.pools.of(way.pool).specialists[way.specialist].gauge;
  parts_.gauge.taken.fetch_sub(1, std::memory_order_relaxed);
  gauge.turn_away();
  parts_.gauge.turn_away();
  machine::count(parts_.gauge.shed[static_cast<std::size_t>(shed_reason::queue_full)]);
  if (fits)
    return refusal{failure::queue_full,
                   "too many tasks are in the node (queue.total)",
                   {},
                   std::chrono::milliseconds{50}};
  if (!drained)
    return refusal{failure::queue_full,
                   "too many bytes of output wait for callers or the journal (queue.output_bytes)",
                   {},
                   std::chrono::milliseconds{250}};
  return refusal{failure::queue_full,
                 "too many bytes of input are in the node (queue.input_bytes)",
                 {},
                 std::max(up_to_ms(gauge.run_hint_ns.load()), std::chrono::milliseconds{50})};
}

void admission::fill(task& job, const route& way, task_request& request) const {
  const auto& specialist = *way.target;
  job.belongs_to(way.specialist, specialist.department);
  job.urgency = request.urgency;
  job.effects = specialist.effects;
  if (way.allows_start(request)) job.start_beside.store(true, std::memory_order_relaxed);
  if (job.effects == protocols::side_effects::unsafe && decided_by_tool(specialist.config.backend))
    job.effects = parts_.offers.effects(way.specialist, specialist.config.backend, request.input);
  job.journaled = way.durable;
  job.streaming = request.streaming;
  job.observed = job.judged = !request.probe;
  job.case_key = case_key_of(request.case_id);
  job.accepted_ns = way.now_ns;
  job.accepted_unix_ms = parts_.clock.wall_ms(way.now_ns);
  job.deadline_ns.store(way.now_ns + way.timeout_ns(request), std::memory_order_relaxed);
  job.pool.store(way.pool, std::memory_order_relaxed);
  job.counted.store(task::counter_key(way.specialist, way.pool), std::memory_order_relaxed);
  job.input.swap(request.input);
  if (!request.case_id.empty()) job.case_id = std::move(request.case_id);
  if (!request.idempotency_key.empty()) {
    job.addressed = address_hash(request, parts_.catalogs.now().members[way.named].config.name);
    job.idempotency_key = std::move(request.idempotency_key);
  }
}

void admission::push(task_ptr job) {
  job->location.store(task_location::ring, std::memory_order_release);
  // The ring has room for every task that the ledger can hold.
  if (!parts_.dispatching.door.push(job.release(), io_execution_unit::current())) std::terminate();
}

bool admission::cancel(task& job) {
  return parts_.ending.end_task(job, protocols::task_state::cancelled, failure::cancelled,
                                "cancelled by the caller", io_execution_unit::current());
}

}  // namespace greenroom::actors
