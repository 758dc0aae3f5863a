#include "actors/tasks/admission.hpp"

#include "actors/mailbox/io_execution_unit.hpp"
#include "protocols/base/edit_distance.hpp"
#include "runtime/queueing/admission.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace greenroom::actors {

using machine::shed_reason;
using protocols::failure, protocols::task, protocols::task_location, protocols::task_state;

namespace {

std::uint64_t key_of(std::string_view case_id) {
  if (case_id.empty()) return 0;
  return std::max<std::uint64_t>(std::hash<std::string_view>{}(case_id), 1);
}

bool is_warm(worker_state state) {
  return state == worker_state::warm || state == worker_state::busy;
}

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

// Whoever of a department answers, and whoever stands in for him: it is the same request.
std::uint64_t address_of(const task_request& request, const std::string& specialist) {
  const std::hash<std::string_view> hash;
  if (!request.specialist.empty()) return hash(specialist);
  return request.department.empty() ? hash("command " + request.command)
                                    : hash("department " + request.department);
}

// Why a request does not say whom it is for, if it does not.
std::optional<refusal> misaddressed(const task_request& request) {
  const auto ways = static_cast<int>(!request.specialist.empty())
                    + static_cast<int>(!request.department.empty())
                    + static_cast<int>(!request.command.empty());
  if (ways == 1) return std::nullopt;
  return refusal{failure::malformed,
                 ways == 0 ? R"(Say who is to do it: "specialist", "department" or "command".)"
                           : R"(Say only one of "specialist", "department" and "command".)"};
}

refusal unknown(std::string_view kind, std::string_view name, std::vector<std::string> nearest) {
  constexpr std::size_t shown = 200;
  refusal result{
      failure::no_such_specialist,
      "there is no " + std::string{kind} + " named " + std::string{name.substr(0, shown)},
      std::move(nearest),
      {}};
  if (name.size() > shown) result.detail += "…";
  // Only what looks like it was meant; the others are there to choose from.
  if (!result.nearest.empty()
      && base::edit_distance(name, result.nearest.front(), base::names_alike)
             <= std::max<std::size_t>(3, name.size() / 2))
    result.detail += "; did you mean " + result.nearest.front() + "?";
  return result;
}

}  // namespace

std::uint64_t case_key_of(std::string_view case_id) { return key_of(case_id); }

std::variant<std::uint32_t, refusal> admission::find(std::string_view specialist) const {
  const auto& playing = parts_.catalogs.now();
  const auto found = playing.find(specialist);
  if (found == catalog::nobody)
    return unknown("specialist", specialist, playing.nearest(specialist));
  return found;
}

std::uint32_t admission::best_of(std::uint32_t department, protocols::pool_kind in) const {
  const auto& playing = parts_.catalogs.now();
  const auto& stands = parts_.pools.of(in).specialists;
  auto best = catalog::nobody;
  std::tuple<bool, std::uint32_t, int> best_key{};
  for (const auto who : playing.department_members[department]) {
    const auto& one = playing.members[who];
    if (one.gone) continue;
    const auto& gauge = stands[who].gauge;
    if (gauge.open_until_ns.load(std::memory_order_relaxed) > parts_.clock.now_ns()) continue;
    const std::tuple key{!is_warm(gauge.state.load(std::memory_order_relaxed)), gauge.depth(),
                         static_cast<int>(one.config.priority)};
    if (best == catalog::nobody || key < best_key) {
      best = who;
      best_key = key;
    }
  }
  // When every circuit is open the first one answers for them.
  if (best == catalog::nobody)
    for (const auto who : playing.department_members[department])
      if (!playing.members[who].gone) return who;
  return best;
}

std::variant<std::uint32_t, refusal> admission::find(const task_request& request,
                                                     protocols::pool_kind in) const {
  const auto& playing = parts_.catalogs.now();
  if (!request.specialist.empty()) return find(std::string_view{request.specialist});
  auto department = request.department;
  if (department.empty()) {
    const auto route = config::resolve_command(playing.config, request.command);
    if (!route)
      return unknown("command", request.command, playing.nearest_command(request.command));
    if (!route->specialist.empty()) return find(std::string_view{route->specialist});
    department = route->department;
  }
  const auto place = playing.by_department.find(department);
  const auto best =
      place == playing.by_department.end() ? catalog::nobody : best_of(place->second, in);
  if (best == catalog::nobody)
    return unknown("department", department, playing.nearest_department(department));
  return best;
}

std::optional<refusal> admission::admit(std::uint32_t who, const member& one,
                                        const task_request& request, protocols::pool_kind pool,
                                        std::int64_t now_ns, std::int64_t patience_ns,
                                        bool durable) {
  auto& counts = parts_.gauge;
  if (counts.draining.load(std::memory_order_relaxed)) {
    return refusal{failure::draining,
                   "the node is going down and takes nothing new",
                   {},
                   std::chrono::seconds{5}};
  }
  if (durable && (!parts_.journal.on || !counts.journal_ok.load(std::memory_order_relaxed))) {
    return refusal{failure::journal_unavailable,
                   parts_.journal.on ? "the journal cannot be written now" + why_no_journal()
                                     : "this node runs without a journal",
                   {},
                   std::chrono::seconds{1}};
  }
  auto& gauge = parts_.pools.of(pool).specialists[who].gauge;
  const auto& bounds = parts_.catalogs.now().config.queue;
  const auto open_until = gauge.open_until_ns.load(std::memory_order_relaxed);
  runtime::line_state line{.depth_max = bounds.per_specialist + one.width,
                           .total_max = bounds.total,
                           .concurrency = one.width,
                           .run_ns = gauge.run_hint_ns.load(std::memory_order_relaxed),
                           .start_ns = gauge.start_ns.load(std::memory_order_relaxed),
                           .warm = is_warm(gauge.state.load(std::memory_order_relaxed)),
                           .open_for_ns = open_until > now_ns ? open_until - now_ns : 0,
                           .low_priority = request.urgency == protocols::priority::low};
  if (one.start_beside && !request.timeout && !line.warm)
    patience_ns += std::chrono::nanoseconds{one.config.backend.start_timeout}.count();
  // It takes its place before it is looked at, so that the bounds hold however many ask at once.
  line.depth = gauge.enter();
  line.total = counts.enter();
  auto verdict = runtime::admit(line, patience_ns);
  if (verdict.what != runtime::admission::admitted) {
    line.depth = gauge.others();
    line.total = counts.others();
    verdict = runtime::admit(line, patience_ns);
  }
  if (verdict.what == runtime::admission::admitted) return std::nullopt;
  gauge.turn_away();
  counts.turn_away();
  const auto later = up_to_ms(verdict.retry_after_ns);
  switch (verdict.what) {
    case runtime::admission::admitted: break;
    case runtime::admission::full:
      return refusal{failure::queue_full, "too many tasks wait for " + one.config.name, {}, later};
    case runtime::admission::too_late:
      return refusal{failure::deadline_unreachable,
                     "with those that wait for " + one.config.name
                         + " already, it would end after its deadline",
                     {},
                     later};
    case runtime::admission::circuit_open: break;
  }
  return refusal{failure::circuit_open,
                 "the circuit of " + one.config.name
                     + " is open after repeated failures; it is tried again in "
                     + std::to_string(later.count())
                     + " ms; greenroom diagnose errors says what failed",
                 {},
                 later};
}

std::variant<protocols::task_id, refusal> admission::submit(
    task_request&& request, std::shared_ptr<protocols::asker> asker) {
  if (auto none = misaddressed(request)) return std::move(*none);
  const auto rules = parts_.routes.now();
  const auto where = parts_.routes.answering(request.case_id, request.idempotency_key);
  const auto& playing = parts_.catalogs.now();
  auto named = playing.find(request.specialist);
  if (named == catalog::nobody) {
    auto found = find(request, where);
    if (auto* none = std::get_if<refusal>(&found)) return std::move(*none);
    named = std::get<0>(found);
  }
  auto who = named;
  const auto* one = &playing.members[who];
  const auto now = parts_.clock.now_ns();
  const bool durable = request.durable || !request.idempotency_key.empty()
                       || (parts_.journal.on && playing.config.journal.sync_tasks);
  const auto patience = [&] {
    const auto wanted =
        request.timeout ? std::chrono::nanoseconds{*request.timeout}.count() : one->task_timeout_ns;
    return std::max<std::int64_t>(wanted, 1);
  };
  auto refused = admit(who, *one, request, where, now, patience(), durable);
  while (refused && refused->why == failure::circuit_open && one->fallback != catalog::nobody) {
    // The hybrid route: while one is out, the other answers for it. No chain leads back.
    who = one->fallback;
    one = &playing.members[who];
    refused = admit(who, *one, request, where, now, patience(), durable);
  }
  if (refused) {
    machine::count(parts_.gauge.shed[static_cast<std::size_t>(reason_of(refused->why))]);
    if (refused->why == failure::circuit_open) blame_circuit(where);
    return std::move(*refused);
  }
  machine::count(parts_.gauge.taken);
  const auto bytes = request.input.size();
  const bool drained = parts_.ledger.held_outputs() < playing.config.queue.output_bytes;
  const bool fits = drained && parts_.ledger.take_in(bytes, playing.config.queue.input_bytes);
  auto job = fits ? parts_.ledger.acquire(true) : protocols::task_ptr{};
  if (!job) {
    if (fits) parts_.ledger.put_back(bytes);
    parts_.gauge.taken.fetch_sub(1, std::memory_order_relaxed);
    parts_.pools.of(where).specialists[who].gauge.turn_away();
    parts_.gauge.turn_away();
    machine::count(parts_.gauge.shed[static_cast<std::size_t>(shed_reason::queue_full)]);
    if (fits)
      return refusal{
          failure::queue_full, "too many tasks are in the node", {}, std::chrono::milliseconds{50}};
    if (!drained)
      return refusal{failure::queue_full,
                     "the outputs that are not told or written yet are too large together "
                     "(queue.output_bytes)",
                     {},
                     std::chrono::milliseconds{250}};
    const auto run = parts_.pools.of(where).specialists[who].gauge.run_hint_ns.load();
    return refusal{failure::queue_full,
                   "the inputs of the tasks in the node are too large together (queue.input_bytes)",
                   {},
                   std::max(up_to_ms(run), std::chrono::milliseconds{50})};
  }
  job->belongs_to(who, one->department);
  job->urgency = request.urgency;
  job->effects = one->effects;
  if (one->start_beside && !request.timeout)
    job->start_beside.store(true, std::memory_order_relaxed);
  if (job->effects == protocols::side_effects::unsafe && decided_by_tool(one->config.backend))
    job->effects = parts_.offers.effects(who, one->config.backend, request.input);
  job->journaled = durable;
  job->streaming = request.streaming;
  job->observed = job->judged = !request.probe;
  job->case_key = key_of(request.case_id);
  job->input.swap(request.input);
  if (!request.case_id.empty()) job->case_id = std::move(request.case_id);
  if (!request.idempotency_key.empty()) {
    job->addressed = address_of(request, playing.members[named].config.name);
    job->idempotency_key = std::move(request.idempotency_key);
  }
  job->accepted_ns = now;
  job->accepted_unix_ms = parts_.clock.wall_ms(now);
  job->deadline_ns.store(now + patience(), std::memory_order_relaxed);
  job->who = std::move(asker);
  job->pool.store(where, std::memory_order_relaxed);
  job->counted.store(task::counter_key(who, where), std::memory_order_relaxed);
  const auto id = job->id;
  const bool is_unsafe = job->effects == protocols::side_effects::unsafe;
  const bool shadow = rules.routes == runtime::rollout::mode::shadow
                      && parts_.pools.of(protocols::pool_kind::intelligent).open;
  mirror::pair_ptr pair;
  protocols::task_ptr kept;
  std::string input;
  if (shadow
      || (where == protocols::pool_kind::intelligent && !is_unsafe && parts_.routes.take_copy())) {
    const auto key = runtime::rollout::routing_key(job->case_id, job->idempotency_key,
                                                   job->case_id.empty() ? job->input : "");
    const auto& starts =
        parts_.pools.of(protocols::pool_kind::baseline).specialists[who].gauge.starts;
    pair = parts_.shadow.begin(one->config.name, request.command, is_unsafe, key, true,
                               {who, &starts});
    if (pair) {
      job->who = mirror::ear(pair, shadow ? mirror::part::baseline : mirror::part::intelligent,
                             std::move(job->who));
      input = job->input;
      kept = job;
    }
  }
  job->location.store(task_location::ring, std::memory_order_release);
  auto* raw = job.release();
  // The ring has room for every task that the ledger can hold.
  if (!parts_.dispatching.door.push(raw, io_execution_unit::current())) std::terminate();
  if (pair) {
    using enum mirror::part;
    const auto other = shadow ? intelligent : baseline;
    if (!copy(*kept, input,
              shadow ? protocols::pool_kind::intelligent : protocols::pool_kind::baseline,
              mirror::ear(pair, other)))
      mirror::missing(pair, other);
    if (mirror::wants_again(pair)
        && !copy(*kept, input, protocols::pool_kind::baseline, mirror::ear(pair, again), false))
      mirror::missing(pair, again);
  }
  return id;
}

// A copy that is only compared. It never waits in a long line, and never for a broken specialist:
// what users wait for comes first.
bool admission::copy(const task& like, const std::string& input, protocols::pool_kind pool,
                     std::shared_ptr<protocols::asker> who, bool judged) {
  auto& gauge = parts_.pools.of(pool).specialists[like.specialist].gauge;
  const auto& bounds = parts_.catalogs.now().config.queue;
  if (gauge.open_until_ns.load(std::memory_order_relaxed) > like.accepted_ns) {
    // Callers would have been refused, or another one would have answered them.
    if (pool == protocols::pool_kind::intelligent
        && parts_.catalogs.now().members[like.specialist].fallback == catalog::nobody)
      blame_circuit(pool);
    return false;
  }
  if (gauge.depth() > bounds.per_specialist / 2) return false;
  if (!parts_.ledger.take_in(input.size(), bounds.input_bytes / 2)) return false;
  auto job = parts_.ledger.acquire(true);
  if (!job) {
    parts_.ledger.put_back(input.size());
    return false;
  }
  job->belongs_to(like.specialist, like.department);
  job->urgency = pool == protocols::pool_kind::baseline ? protocols::priority::low : like.urgency;
  job->effects = like.effects;
  job->mirror = true;
  job->judged = judged;
  // The intelligent pool learns from the copies: they are the only traffic that it sees. A second
  // answer of the baseline is no arrival.
  job->observed = pool == protocols::pool_kind::intelligent;
  job->case_key = like.case_key;
  job->input = input;
  job->accepted_ns = like.accepted_ns;
  job->accepted_unix_ms = like.accepted_unix_ms;
  job->deadline_ns = like.deadline_ns.load();
  job->start_beside = like.start_beside.load(std::memory_order_relaxed);
  job->who = std::move(who);
  job->pool.store(pool, std::memory_order_relaxed);
  job->counted.store(task::counter_key(like.specialist, pool), std::memory_order_relaxed);
  gauge.entered.fetch_add(1, std::memory_order_relaxed);
  job->location.store(task_location::ring, std::memory_order_release);
  if (!parts_.dispatching.door.push(job.release(), io_execution_unit::current())) std::terminate();
  return true;
}

std::string admission::why_no_journal() const {
  const auto why = parts_.journal.troubles.read(
      [](const journal_inbox::trouble& state) { return state.why_not; });
  return why.empty() ? std::string{} : ": " + why;
}

void admission::blame_circuit(protocols::pool_kind pool) {
  machine::count(parts_.pools.of(pool).gauge.shed_open);
  parts_.ends.add_shed(pool);
}

bool admission::resume(const machine::stored_task& stored) {
  const auto& playing = parts_.catalogs.now();
  const auto& said = stored.accepted;
  auto job = parts_.ledger.acquire(true);
  if (!job) return false;
  // They were let in before, so they may be more than fit now.
  static_cast<void>(parts_.ledger.take_in(said.input.size(), std::uint64_t{1} << 63U));
  const auto who = playing.find(said.specialist);
  const auto now = parts_.clock.now_ns();
  job->id = said.id;
  const auto holder = who == catalog::nobody ? 0 : who;
  // The journal does not know whether the caller said how long; after a restart everybody starts.
  job->start_beside =
      playing.members[holder].start_beside
      && said.deadline_unix_ms - said.accepted_unix_ms == config::task_timeout_default.count();
  job->belongs_to(holder, playing.members[holder].department);
  job->urgency = said.urgency;
  job->effects = said.effects;
  job->journaled = true;
  job->recorded = true;
  job->case_key = key_of(said.case_id);
  job->input = said.input;
  job->case_id = said.case_id;
  job->idempotency_key = said.idempotency_key;
  job->accepted_ns = now;
  job->accepted_unix_ms = said.accepted_unix_ms;
  // Nobody could work on it while the node was down: it gets its whole time again.
  job->deadline_ns =
      now + std::max<std::int64_t>(said.deadline_unix_ms - said.accepted_unix_ms, 1) * 1'000'000;
  job->attempts = stored.attempts;
  job->pool = parts_.routes.answering(job->case_id, job->idempotency_key);
  job->counted = task::counter_key(holder, job->pool);
  parts_.pools.of(job->pool).specialists[holder].gauge.entered.fetch_add(1);
  machine::count(parts_.gauge.entered);
  machine::count(parts_.gauge.taken);
  if (who == catalog::nobody) {
    job->location.store(task_location::journal);
    parts_.ending.conclude(*job, task_state::failed, failure::no_such_specialist,
                           said.specialist + " is not in the configuration any more", nullptr);
    return true;
  }
  // A start is written down only of what must not be done twice, by whoever it was passed on to.
  if (stored.state == task_state::running) {
    job->location.store(task_location::journal);
    parts_.ending.conclude(*job, task_state::unknown, failure::unknown_end,
                           "the node died while it ran, and it is not safe to do twice", nullptr);
    return true;
  }
  job->location.store(task_location::ring, std::memory_order_release);
  auto* raw = job.release();
  if (!parts_.dispatching.door.push(raw, io_execution_unit::current())) std::terminate();
  return true;
}

bool admission::cancel(task& job) {
  return parts_.ending.conclude(job, task_state::cancelled, failure::cancelled,
                                "cancelled by the caller", io_execution_unit::current());
}

}  // namespace greenroom::actors
