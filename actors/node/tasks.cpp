// Tasks in, tasks found, tasks cancelled.
#include "actors/node/caller_observers.hpp"
#include "actors/node/parts.hpp"
#include "actors/node/task_views.hpp"
#include "actors/tasks/idempotency_responder.hpp"

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace greenroom {

using protocols::task_id, protocols::task_state;

namespace {

void assert_may_wait() {
  if (!machine::borrowed_thread::in_callback()) return;
  std::fprintf(
      stderr, "greenroom: %s\n",
      "node::submit with a future is called inside a callback or an inline callable; to wait for "
      "the future there keeps the node from doing the task, so use submit with a callback");
  std::abort();
}

}  // namespace

base::expected<task_id, refusal> node::submit(task_request&& request,
                                              std::shared_ptr<protocols::task_observer> caller) {
  const actors::catalog_reader::scope reading;
  if (!request.idempotency_key.empty() && caller)
    caller = std::make_shared<actors::idempotency_responder>(
        parts_->state->catalogs, parts_->state->waiters, std::move(caller),
        actors::idempotency_responder::sources{
            [in = parts_.get()](const task_id& id) { return in->find_live(id); },
            [in = parts_.get()](const task_id& id) { return in->find_stored(id); }});
  auto outcome = parts_->admission->submit(std::move(request), std::move(caller));
  if (auto* none = std::get_if<refusal>(&outcome)) return std::move(*none);
  return std::get<task_id>(outcome);
}

base::expected<task_id, refusal> node::submit(task_request request,
                                              std::function<void(task_view)> done) {
  const auto& state = *parts_->state;
  return submit(std::move(request),
                actors::observer_of(state.catalogs, parts_->state->events, std::move(done)));
}

base::expected<task_id, refusal> node::submit(task_request request,
                                              std::shared_ptr<task_listener> listener) {
  const auto& state = *parts_->state;
  return submit(std::move(request),
                actors::observer_of(state.catalogs, parts_->state->events, std::move(listener)));
}

task_future node::submit(task_request request) {
  assert_may_wait();
  auto promise = std::make_shared<std::promise<task_view>>();
  task_future result{promise->get_future(), {}};
  task_view refused;
  refused.specialist = request.specialist;
  refused.department = request.department;
  refused.urgency = request.urgency;
  auto outcome = submit(std::move(request),
                        [promise](task_view done) { promise->set_value(std::move(done)); });
  if (outcome) {
    result.id = *outcome;
    return result;
  }
  const auto& none = outcome.error();
  refused.state = task_state::failed;
  refused.why = none.why;
  refused.output = none.detail;
  refused.retry_after = none.retry_after;
  refused.nearest = none.nearest;
  promise->set_value(std::move(refused));
  return result;
}

bool node::cancel(const task_id& id) {
  const actors::catalog_reader::scope reading;
  const auto job = parts_->find_live(id);
  return job && parts_->admission->cancel(*job);
}

std::optional<task_view> node::find(const task_id& id) const {
  const actors::catalog_reader::scope reading;
  const auto& in = *parts_;
  if (const auto job = in.find_live(id)) return actors::view_of(in.state->catalogs, *job);
  if (const auto stored = in.find_stored(id)) return actors::view_of(*stored);
  return std::nullopt;
}

protocols::task_ptr node::parts::find_live(const task_id& id) const {
  if (auto job = state->ledger.find(id)) return job;
  {
    const std::lock_guard lock{resumed_mutex};
    if (!resumed.contains(protocols::to_string(id))) return {};
  }
  protocols::task_ptr found;
  state->ledger.for_each([&](protocols::task_ptr job) {
    if (job->id == id) found = std::move(job);
  });
  return found;
}

std::optional<machine::stored_task> node::parts::find_stored(const task_id& id) const {
  const std::lock_guard lock{reader_mutex};
  if (!reader) return std::nullopt;
  auto found = reader->find(id);
  if (!found) return std::nullopt;
  return *std::move(found);
}

std::optional<task_state> node::parts::live_state(const task_id& id) const {
  const auto job = find_live(id);
  return job ? std::optional{job->state.load(std::memory_order_acquire)} : std::nullopt;
}

}  // namespace greenroom
