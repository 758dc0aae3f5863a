// Tasks over HTTP: submitted, shown, cancelled, listed.
#include "actors/doors/answers.hpp"
#include "actors/doors/route_handlers.hpp"
#include "actors/doors/task_parsing.hpp"
#include "actors/node/task_views.hpp"
#include "protocols/base/json_writer.hpp"
#include "protocols/base/number.hpp"

#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

namespace greenroom::doors {

namespace {

/// The problem document for a task that has not completed, with the times that the task took.
void answer_bad_end(const machine::http::responder& reply, const task_view& task,
                    std::string_view output) {
  auto about = protocols::problem_of(
      task.why == protocols::failure::none ? protocols::failure::cancelled : task.why,
      std::string{output}, task.retry_after.count());
  about.upstream = task.upstream;
  // In a key conflict the detail names the task that has the key; the request has no task.
  if (task.why != protocols::failure::key_conflict) about.task = protocols::to_string(task.id);
  about.unwritten = task.unwritten || task.why == protocols::failure::journal_unavailable;
  std::string headers;
  protocols::append_timing_headers(headers, task);
  answer_problem(reply, about, headers);
}

/// Waits for the end of a task and answers with it.
class waiting_client final : public protocols::task_observer {
public:
  /// `held_bytes`: the memory that the request takes until it is answered.
  waiting_client(door_ptr door, machine::http::responder reply, bool async, std::size_t held_bytes)
      : door_{std::move(door)}, reply_{std::move(reply)}, async_{async}, held_bytes_{held_bytes} {}

  void on_accepted(const protocols::task& job) noexcept override {
    if (!async_) return;
    accepted_ = true;
    // A task with a known idempotency key may have ended: then the end, which follows, is sent.
    const auto open = actors::open_view_of(door_->parts().state->catalogs, job);
    if (!open) return;
    answered_ = true;
    accept(*open, {});
  }

  void on_node_stopping(const protocols::task& job) noexcept override {
    if (answered_) return;
    auto about = protocols::problem_of(
        protocols::failure::draining,
        "The node stops before the task has ended. The task is in the journal and runs "
        "after the next start; if it was running and must not run twice, it becomes "
        "`unknown`. Ask at the Location.",
        left_retry_ms);
    about.task = protocols::to_string(job.id);
    answer_problem(reply_, about, "Location: /v1/tasks/" + about.task + "\r\n");
  }

  void on_end(const protocols::task& done) noexcept override {
    ended_.store(true, std::memory_order_release);
    // An asynchronous call was answered when the task was in the journal.
    if (answered_) return;
    const auto task = view_of(done);
    if (accepted_) return accept(task, done.output);
    if (task.state != protocols::task_state::completed)
      return answer_bad_end(reply_, task, done.output);
    std::string body;
    body.reserve(done.output.size() + 384);
    protocols::append_json(body, task, done.output);
    std::string headers;
    headers.reserve(128);
    protocols::append_timing_headers(headers, task);
    reply_.answer(200, json_type, std::move(body), headers);
  }

  [[nodiscard]] bool ended() const { return ended_.load(std::memory_order_acquire); }
  [[nodiscard]] bool waits() const noexcept override { return !answered_ && !reply_.closed(); }
  [[nodiscard]] std::size_t held_bytes() const noexcept override { return held_bytes_; }

private:
  [[nodiscard]] task_view view_of(const protocols::task& job) const {
    return actors::view_of(door_->parts().state->catalogs, job, actors::with_output::no);
  }
  void accept(const task_view& task, std::string_view output) {
    std::string body;
    protocols::append_json(body, task, output);
    reply_.answer(202, json_type, std::move(body),
                  "Location: /v1/tasks/" + protocols::to_string(task.id) + "\r\n");
  }

  static constexpr std::int64_t left_retry_ms = 5000;  ///< About as long as a restart takes.

  door_ptr door_;
  machine::http::responder reply_;
  bool async_;
  std::size_t held_bytes_;
  std::atomic<bool> accepted_ = false;
  std::atomic<bool> answered_ = false;
  std::atomic<bool> ended_{false};
};

}  // namespace

void post_task(const door_ptr& door, route_call& call) {
  auto parsed = task_in_body(*door, call, false);
  if (!parsed) return answer(call.reply, parsed.error());
  const auto async = parsed->async;
  const auto durable = parsed->request.durable;
  const auto keyed = !parsed->request.idempotency_key.empty();
  const auto client = std::make_shared<waiting_client>(door, call.reply, async,
                                                       keyed ? call.request.head_bytes() : 0);
  const auto submitted = door->node->submit(std::move(parsed->request), client);
  if (!submitted) return answer_refusal(call.reply, submitted.error());
  if (client->ended()) return;
  // A durable task continues without its caller. A caller who waits for the task of another request
  // with the same key is dropped.
  if (keyed && !async)
    return call.reply.on_close([door, weak = std::weak_ptr{client}] {
      if (const auto caller = weak.lock()) door->parts().forget(caller.get());
    });
  if (durable) return;
  call.reply.on_close([door, id = *submitted] { door->node->cancel(id); });
}

namespace {

void answer_task(const machine::http::responder& reply, const std::optional<task_view>& found) {
  if (!found)
    return answer_problem(
        reply, protocols::problem_named("no-such-task", 404, "No such task",
                                        "There is no task of this id, or it has ended and is "
                                        "not kept. Kept (journal.keep_finished) are tasks in the "
                                        "journal: async ones, those with \"durable\": true or "
                                        "an idempotency key, and all with journal.sync_tasks."));
  std::string body;
  protocols::append_json(body, *found);
  std::string headers;
  protocols::append_timing_headers(headers, *found);
  answer_json(reply, 200, std::move(body), headers);
}

/// The journal is read on the look-up thread, not on a thread for connections.
void answer_task_aside(const door_ptr& door, const machine::http::responder& reply,
                       const protocols::task_id& id) {
  run_aside(door, reply, [door, reply, id] { answer_task(reply, door->node->find(id)); });
}

/// A journaled task that was cancelled has ended once the end is in the journal, soon after. Polls
/// until then, at most a second, so that the answer shows the end.
class end_poll : public std::enable_shared_from_this<end_poll> {
public:
  end_poll(door_ptr door, machine::http::responder reply, protocols::task_id id)
      : door_{std::move(door)},
        reply_{std::move(reply)},
        id_{id},
        pause_{door_->engine->next_loop()} {}

  void poll() {
    const auto now = door_->parts().live_state(id_);
    const bool open =
        now && (*now == protocols::task_state::queued || *now == protocols::task_state::running);
    if (!open || polls_left_-- == 0) return answer_task_aside(door_, reply_, id_);
    pause_.expires_after(std::chrono::milliseconds{5});
    pause_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      // A door that closes cuts the connection before the node ends.
      if (!error && !self->reply_.closed()) self->poll();
    });
  }

private:
  door_ptr door_;
  machine::http::responder reply_;
  protocols::task_id id_;
  boost::asio::steady_timer pause_;
  int polls_left_ = 200;
};

}  // namespace

void get_task(const door_ptr& door, route_call& call) {
  const auto id = task_in_path(call);
  if (!id) return answer(call.reply, id.error());
  answer_task(call.reply, door->node->find(*id));
}

void delete_task(const door_ptr& door, route_call& call) {
  const auto id = task_in_path(call);
  if (!id) return answer(call.reply, id.error());
  // To cancel a task that has ended changes nothing; the answer shows the end.
  if (!door->node->cancel(*id)) return answer_task_aside(door, call.reply, *id);
  // Without a handler the responder does not notice that the connection was cut.
  call.reply.on_close([] {});
  std::make_shared<end_poll>(door, call.reply, *id)->poll();
}

namespace {

void answer_page(const machine::http::responder& reply, const node::page& page) {
  base::json_array items;
  for (const auto& task : page.items) {
    std::string item;
    protocols::append_json(item, task);
    items.add(base::json_raw{item});
  }
  const auto next = page.next.empty() ? base::json_value{nullptr} : base::json_value{page.next};
  answer_json(reply, 200, base::json_object{{"items", items}, {"next", next}});
}

/// The filter, the size and the cursor of a list, from the query.
base::expected<node::query, rejection> query_of(const door& door, const route_call& call) {
  node::query result;
  if (const auto state = call.parameter("state"); state && !state->empty()) {
    const auto wanted = protocols::parse_task_state(*state);
    if (!wanted)
      return malformed(
          "A state is one of queued, running, completed, failed, cancelled and unknown.");
    result.state = *wanted;
  }
  if (const auto name = call.parameter("specialist")) {
    // Tasks are kept under the name of the specialist, and an alias stands for the name.
    const auto& catalog = door.catalog();
    const auto found = catalog.find(*name);
    result.specialist = found == actors::catalog::nobody ? *name : catalog.name_of(found);
  }
  if (auto cursor = call.parameter("cursor")) result.cursor = std::move(*cursor);
  if (const auto limit = call.parameter("limit"); limit && !limit->empty()) {
    constexpr std::size_t most = 1000;
    const auto parsed = base::parse_number<std::size_t>(*limit);
    if (!parsed || *parsed == 0 || *parsed > most)
      return malformed("limit is a number from 1 to 1000.");
    result.limit = *parsed;
  }
  return result;
}

}  // namespace

void list_tasks(const door_ptr& door, route_call& call) {
  const auto query = query_of(*door, call);
  if (!query) return answer(call.reply, query.error());
  const auto taken = door->parts().list_aside(
      *query, [reply = call.reply](const base::expected<node::page, refusal>& listed) {
        if (!listed) return answer_refusal(reply, listed.error());
        answer_page(reply, *listed);
      });
  if (!taken) answer_lists_full(door, call.reply);
}

}  // namespace greenroom::doors
