#include "actors/tasks/department_workers.hpp"

#include "actors/mailbox/dismiss.hpp"
#include "actors/state/text.hpp"
#include "protocols/plain_text.hpp"
#include "runtime/resilience/backoff.hpp"
#include "runtime/resilience/worker_restart.hpp"

#include <chrono>
#include <string>
#include <utility>

namespace greenroom::actors {

using protocols::failure, protocols::worker_news;

namespace {

// A worker is stuck when it takes so much longer than its own limits to start or to stop.
constexpr std::chrono::seconds stuck_after{10};
constexpr std::size_t last_error_bytes = 1024;

}  // namespace

void department_workers::on_news(specialist_entry& entry, const worker_news& news) {
  if (news.what == worker_news::kind::ready) {
    if (entry.state != worker_state::warming) return;
    slots_.on_warm(entry, news.start_ns);
    queues_.dispatch_queued(entry);
    return;
  }
  const auto after = on_death(entry, news);
  queues_.allow_start(entry);
  if (std::exchange(entry.replacing, false) && !after.exhausted && context_.may_restart(entry)) {
    context_.parts.events.publish("worker.replaced",
                                  json_object{{"specialist", context_.name_of(entry)}});
    restart(entry);
  } else if (after.restart_at_once && keeps_slot(entry)) {
    publish_death(entry, "worker.died", news);
    restart(entry);
  } else {
    on_cold(entry, news, after.exhausted);
  }
}

department_workers::verdict department_workers::on_death(specialist_entry& entry,
                                                         const worker_news& news) {
  if (news.asked) return {};
  auto& record = context_.record_of(entry);
  record.last_error.write(
      [&](std::string& text) { text = protocols::clipped(news.why, last_error_bytes); });
  if (news.before_ready) ++record.failed_starts;
  const auto& limits = context_.config().retry;
  const auto decision =
      runtime::decide_restart({.before_ready = news.before_ready,
                               .had_tasks = entry.had_tasks || !entry.dispatched.empty(),
                               .up_for_ns = context_.now_ns() - entry.state_since_ns},
                              entry.failed_starts, limits.max_attempts);
  entry.failed_starts = decision.failed_starts;
  if (news.before_ready) retries_.fail_circuit(entry);
  if (decision.after_backoff)
    entry.start_not_before_ns = context_.now_ns()
                                + runtime::backoff{limits.base, limits.max, limits.jitter}
                                      .delay(entry.failed_starts, context_.chance())
                                      .count();
  return {decision.at_once, decision.exhausted};
}

bool department_workers::keeps_slot(const specialist_entry& entry) const {
  return (!entry.queue.empty() || retries_.has_live_retry(entry)) && context_.may_restart(entry)
         && !entry.yielding && entry.breaker.is_closed();
}

void department_workers::restart(specialist_entry& entry) {
  slots_.start_worker(entry);
  usage_.mark(entry);
}

void department_workers::on_cold(specialist_entry& entry, const worker_news& news, bool exhausted) {
  slots_.enter(entry, worker_state::cold);
  if (!news.asked)
    publish_death(entry, news.before_ready ? "worker.start_failed" : "worker.died", news);
  else
    context_.parts.events.publish("specialist.cold",
                                  json_object{{"specialist", context_.name_of(entry)}});
  entry.given_up = entry.given_up || exhausted;
  if (entry.given_up) context_.show(entry, worker_state::failed);
  slots_.report_state(entry);
  if (exhausted)
    queues_.fail_queued(
        entry, failure::start_failed,
        "the worker of " + context_.name_of(entry) + " could not be started: " + news.why);
  usage_.mark(entry);
  queues_.dispatch_queued(entry);
}

void department_workers::publish_death(const specialist_entry& entry, const char* event,
                                       const worker_news& news) const {
  context_.parts.events.publish(
      event, json_object{{"specialist", context_.name_of(entry)}, {"why", news.why}});
}

// -- checks -------------------------------------------------------------------

void department_workers::probe_idle_workers() {
  for (const auto& entry : context_.entries)
    if (context_.has_live_actor(entry) && entry.state == worker_state::warm
        && entry.dispatched.empty())
      context_.self.send(context_.actor_of(entry), protocols::probe_worker{});
}

void department_workers::end_stuck_workers() {
  const auto now = context_.now_ns();
  for (auto& entry : context_.entries) {
    if (!context_.has_live_actor(entry)) continue;
    const bool warming = entry.state == worker_state::warming;
    if (!warming && entry.state != worker_state::cooling) continue;
    const auto& backend = context_.member_of(entry).config.backend;
    std::chrono::nanoseconds limit = backend.stop_timeout + stuck_after;
    if (warming) limit += backend.start_timeout;
    if (now - entry.state_since_ns < limit.count()) continue;
    entry.state_since_ns = now;  // The end takes a moment, and is asked for once.
    context_.parts.events.publish("worker.stuck",
                                  json_object{{"specialist", context_.name_of(entry)},
                                              {"state", warming ? "warming" : "cooling"}});
    dismiss(context_.actor_of(entry));
  }
}

}  // namespace greenroom::actors
