#include "actors/tasks/department_slots.hpp"

#include "actors/state/text.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace greenroom::actors {

using protocols::slot_grant, protocols::slot_news, protocols::slot_recall;

namespace {

// How often a department repeats its requests.
constexpr std::chrono::milliseconds request_period{250};

}  // namespace

void department_slots::report(const specialist_entry& entry, slot_news::kind what,
                              std::int64_t start_ns) {
  context_.self.send(context_.director,
                     slot_news{entry.index, what, start_ns / 1'000'000, entry.lease});
}

void department_slots::report_state(const specialist_entry& entry) {
  using kind = slot_news::kind;
  switch (entry.state) {
    case worker_state::failed:
    case worker_state::cold: return report(entry, entry.given_up ? kind::failed : kind::released);
    case worker_state::warming: return report(entry, kind::warming);
    case worker_state::busy:
    case worker_state::warm:
      if (entry.yielding) return report(entry, kind::cooling);
      return report(entry, entry.is_in_use() ? kind::kept : kind::warm);
    case worker_state::cooling:
      return report(entry, entry.replacing ? kind::warming : kind::cooling);
  }
}

void department_slots::request(specialist_entry& entry) {
  entry.slot_requested = true;
  auto& since_ns = context_.record_of(entry).slot_wanted_since_ns;
  if (since_ns.load(std::memory_order_relaxed) == 0)
    since_ns.store(context_.now_ns(), std::memory_order_relaxed);
  usage_.report_arrivals();
  context_.self.send(context_.director, protocols::slot_need{entry.index, entry.lease});
  if (!std::exchange(timer_runs_, true))
    context_.self.delayed_send(&context_.self, request_period, requests_due::value);
}

void department_slots::withdraw_request(specialist_entry& entry) {
  entry.slot_requested = false;
  context_.record_of(entry).slot_wanted_since_ns.store(0, std::memory_order_relaxed);
}

// -- grants and recalls -------------------------------------------------------

runtime::slot_holder department_slots::holder_of(const specialist_entry& entry) const {
  return {.state = entry.state,
          .can_start = entry.has_actor && entry.start_not_before_ns <= context_.now_ns()
                       && !context_.member_of(entry).gone && !context_.parts.gauge.closing,
          .has_queue = !entry.queue.empty(),
          .in_use = entry.is_in_use(),
          .given_up = entry.given_up,
          .replacing = entry.replacing,
          .is_inline = entry.inline_callable != nullptr};
}

bool department_slots::on_grant(specialist_entry& entry, const slot_grant& slot) {
  if (slot.lease != 0 && slot.lease <= entry.lease) {  // A repetition.
    report_state(entry);
    return false;
  }
  entry.lease = std::max(entry.lease, slot.lease);
  if (slot.why == base::slot_reason::by_hand && std::exchange(entry.given_up, false))
    entry.failed_starts = 0;
  if (entry.state == worker_state::cold) withdraw_request(entry);
  if (!runtime::accepts_grant(holder_of(entry), slot.why)) {
    report_state(entry);
    return true;
  }
  if (entry.inline_callable == nullptr) {
    start_worker(entry);
    return false;
  }
  report(entry, slot_news::kind::warming);
  machine::count(context_.record_of(entry).gauge.starts);
  context_.show(entry, worker_state::warm);
  on_warm(entry, 0);
  return true;
}

bool department_slots::on_recall(specialist_entry& entry, const slot_recall& slot) {
  switch (runtime::answer_recall(holder_of(entry), slot.turn)) {
    case runtime::recall_answer::report: report_state(entry); return false;
    case runtime::recall_answer::end_replacing:
      entry.replacing = false;
      report(entry, slot_news::kind::cooling);
      return false;
    case runtime::recall_answer::yield:
      entry.yielding = true;
      context_.self.send(context_.actor_of(entry), protocols::give_back_tasks{false});
      report_state(entry);
      return true;
    case runtime::recall_answer::stop:
      if (entry.inline_callable != nullptr)
        cool_inline_callable(entry);
      else
        stop_worker(entry);
      return false;
  }
  return false;
}

// -- the worker's state -------------------------------------------------------

void department_slots::enter(specialist_entry& entry, worker_state next) {
  entry.state = next;
  entry.state_since_ns = context_.now_ns();
  if (next == worker_state::warming) entry.had_tasks = false;
  if (next != worker_state::warm) entry.yielding = false;
  if (next != worker_state::cold) withdraw_request(entry);
}

void department_slots::start_worker(specialist_entry& entry) {
  enter(entry, worker_state::warming);
  report(entry, slot_news::kind::warming);
  context_.self.send(context_.actor_of(entry), protocols::start_worker{});
}

void department_slots::stop_worker(specialist_entry& entry) {
  enter(entry, worker_state::cooling);
  report(entry, slot_news::kind::cooling);
  context_.self.send(context_.actor_of(entry), protocols::stop_worker{});
}

void department_slots::replace_worker(specialist_entry& entry) {
  entry.outdated = false;
  entry.replacing =
      !context_.member_of(entry).gone && !context_.parts.gauge.closing && !context_.is_leaving();
  enter(entry, worker_state::cooling);
  // For the director the worker starts: the specialist keeps the slot and is not evicted meanwhile.
  report(entry, entry.replacing ? slot_news::kind::warming : slot_news::kind::cooling);
  context_.self.send(context_.actor_of(entry), protocols::stop_worker{});
}

void department_slots::cool_inline_callable(specialist_entry& entry) {
  enter(entry, worker_state::cold);
  context_.show(entry, worker_state::cold);
  report(entry, slot_news::kind::released);
  context_.parts.events.publish("specialist.cold",
                                json_object{{"specialist", context_.name_of(entry)}});
}

void department_slots::on_warm(specialist_entry& entry, std::int64_t start_ns) {
  enter(entry, worker_state::warm);
  entry.given_up = false;
  entry.outdated =
      context_.parts.pools.runs_old_definition(context_.catalog_now(), context_.pool, entry.index);
  context_.record_of(entry).failed_starts.store(0, std::memory_order_relaxed);
  entry.idle_since_ns = context_.now_ns();
  report(entry, slot_news::kind::warm, start_ns);
  context_.parts.events.publish(
      "specialist.warm",
      json_object{{"specialist", context_.name_of(entry)}, {"start_ms", start_ns / 1'000'000}});
  usage_.mark(entry);
}

}  // namespace greenroom::actors
