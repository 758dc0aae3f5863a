// Tasks over HTTP: in, out, taken back, listed.
#include "actors/doors/http_routes.hpp"
#include "protocols/base/json_text.hpp"
#include "protocols/base/json_writer.hpp"
#include "protocols/base/number.hpp"

#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <charconv>
#include <chrono>
#include <memory>
#include <utility>

namespace greenroom::doors {

namespace {

/// The problem that a task's bad end is, with the times it took.
void answer_bad_end(const machine::http::responder& reply, const protocols::task_face& face,
                    const protocols::task& done) {
  auto about = protocols::problem_of(
      face.why == protocols::failure::none ? protocols::failure::cancelled : face.why,
      std::string{face.output}, done.retry_after_ms);
  about.upstream = done.upstream();
  // With a key that is taken there is no such task, and the detail names the one that has it.
  if (face.why != protocols::failure::key_conflict) about.task = protocols::to_string(face.id);
  about.unwritten = face.unwritten || face.why == protocols::failure::journal_unavailable;
  std::string headers;
  protocols::append_timing_headers(headers, face);
  answer_problem(reply, about, headers);
}

/// Waits for the end of a task and answers with it.
class waiting_client final : public protocols::asker {
public:
  /// `held`: what the request takes in memory until it is answered.
  waiting_client(door_ptr here, machine::http::responder reply, bool async, std::size_t held)
      : here_{std::move(here)}, reply_{std::move(reply)}, async_{async}, held_{held} {}

  void on_accepted(const protocols::task& job) noexcept override {
    if (!async_) return;
    accepted_ = true;
    // With an idempotency key it may have ended long ago; then the end, which follows, is told.
    if (job.ended()) return;
    answered_ = true;
    protocols::task_face face;
    const auto& names = here_->cast();
    face.id = job.id;
    face.state = job.state.load(std::memory_order_acquire);
    if (job.specialist < names.members.size()) {
      face.specialist = names.name_of(job.specialist);
      face.department = names.department_of(job.specialist);
    }
    face.urgency = job.urgency;
    face.accepted_unix_ms = job.accepted_unix_ms;
    accept(face);
  }

  void on_left(const protocols::task& job) noexcept override {
    if (answered_) return;
    auto about = protocols::problem_of(
        protocols::failure::draining,
        "The node stops before the task has ended. The task is in the journal: "
        "after the next start it is run, or ends unknown where it was running "
        "and must not be repeated; ask at the place in the Location field.",
        left_retry_ms);
    about.task = protocols::to_string(job.id);
    answer_problem(reply_, about, "Location: /v1/tasks/" + about.task + "\r\n");
  }

  void on_end(const protocols::task& done) noexcept override {
    ended_.store(true, std::memory_order_release);
    // An async call was answered when the journal had it; without that it could not be kept.
    if (answered_) return;
    const auto& names = here_->cast();
    const auto face = face_of(done, names);
    if (accepted_) return accept(face);
    if (face.state != protocols::task_state::completed) return answer_bad_end(reply_, face, done);
    std::string body;
    body.reserve(face.output.size() + 384);
    append_json(body, face);
    std::string headers;
    headers.reserve(128);
    append_timing_headers(headers, face);
    reply_.answer(200, json_type, std::move(body), headers);
  }

  [[nodiscard]] bool ended() const { return ended_.load(std::memory_order_acquire); }
  [[nodiscard]] bool waits() const noexcept override { return !answered_ && !reply_.closed(); }
  [[nodiscard]] std::size_t held_bytes() const noexcept override { return held_; }

private:
  void accept(const protocols::task_face& face) {
    std::string body;
    append_json(body, face);
    reply_.answer(202, json_type, std::move(body),
                  "Location: /v1/tasks/" + protocols::to_string(face.id) + "\r\n");
  }

  static constexpr std::int64_t left_retry_ms = 5000;  ///< About as long as a restart takes.

  door_ptr here_;
  machine::http::responder reply_;
  bool async_;
  std::size_t held_;
  std::atomic<bool> accepted_ = false;
  std::atomic<bool> answered_ = false;
  std::atomic<bool> ended_{false};
};

}  // namespace

void post_task(const door_ptr& here, call& one) {
  auto parsed = task_in_body(*here, one, false);
  if (!parsed) return;
  const auto async = parsed->async;
  auto request = request_of(std::move(*parsed));
  const auto durable = request.durable;
  const auto keyed = !request.idempotency_key.empty();
  const auto client =
      std::make_shared<waiting_client>(here, one.reply, async, keyed ? one.asked.head_bytes() : 0);
  const auto submitted = here->of->submit(std::move(request), client);
  if (const auto* const why = std::get_if<refusal>(&submitted))
    return answer_refusal(one.reply, *why);
  if (client->ended()) return;
  // A durable task can be asked for again, so it goes on without its caller. One who only waits for
  // a task that another request began is not kept.
  if (keyed && !async)
    return one.reply.on_close([here, weak = std::weak_ptr{client}] {
      if (const auto gone = weak.lock()) here->of->forget(gone.get());
    });
  if (durable) return;
  const auto id = std::get<protocols::task_id>(submitted);
  one.reply.on_close([here, id] { here->of->cancel(id); });
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
  const auto face = face_of(*found);
  append_json(body, face);
  std::string headers;
  append_timing_headers(headers, face);
  answer_json(reply, 200, std::move(body), headers);
}

/// The journal is read on another thread than that of the connections.
void answer_task_aside(const door_ptr& here, const machine::http::responder& reply,
                       const protocols::task_id& id) {
  const auto taken = here->of->aside([here, reply, id] { answer_task(reply, here->of->find(id)); });
  if (!taken) answer_state_full(here, reply);
}

/// A task that is in the journal has ended once its end is there too, a moment after it was taken
/// back. Looks until then, so that the answer tells the end, but not for long.
class end_watch : public std::enable_shared_from_this<end_watch> {
public:
  end_watch(door_ptr here, machine::http::responder reply, protocols::task_id id)
      : here_{std::move(here)}, reply_{std::move(reply)}, id_{id}, pause_{here_->io->next_loop()} {}

  void look() {
    const auto now = here_->of->live_state(id_);
    const auto going_on =
        now && (*now == protocols::task_state::queued || *now == protocols::task_state::running);
    if (!going_on || looks_left_-- == 0) return answer_task_aside(here_, reply_, id_);
    pause_.expires_after(std::chrono::milliseconds{5});
    pause_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      // A door that closes has cut the connection before the node goes.
      if (!error && !self->reply_.closed()) self->look();
    });
  }

private:
  door_ptr here_;
  machine::http::responder reply_;
  protocols::task_id id_;
  boost::asio::steady_timer pause_;
  int looks_left_ = 200;
};

}  // namespace

void get_task(const door_ptr& here, call& one) {
  if (const auto id = task_in_path(one)) answer_task(one.reply, here->of->find(*id));
}

void delete_task(const door_ptr& here, call& one) {
  const auto id = task_in_path(one);
  if (!id) return;
  // Taking back what has ended changes nothing; the answer says how it ended.
  if (!here->of->cancel(*id)) return answer_task_aside(here, one.reply, *id);
  // So that the responder learns when its connection is cut.
  one.reply.on_close([] {});
  std::make_shared<end_watch>(here, one.reply, *id)->look();
}

namespace {

void answer_page(const machine::http::responder& reply, const node::page& page) {
  std::string body = "{\"items\":[";
  for (const auto& task : page.items) {
    if (&task != &page.items.front()) body += ',';
    append_json(body, face_of(task));
  }
  body += "],\"next\":";
  body += page.next.empty() ? "null" : base::json_string(page.next);
  answer_json(reply, 200, body + "}");
}

}  // namespace

void list_tasks(const door_ptr& here, call& one) {
  node::query which;
  if (const auto state = one.parameter("state"); state && !state->empty()) {
    const auto wanted = protocols::parse_task_state(*state);
    if (!wanted)
      return answer_problem(
          one.reply, protocols::problem_of(protocols::failure::malformed,
                                           "A state is one of queued, running, completed, failed, "
                                           "cancelled and unknown."));
    which.state = *wanted;
  }
  if (const auto name = one.parameter("specialist")) {
    // Tasks are kept under the name; an alias stands for it here as everywhere.
    const auto& names = here->cast();
    const auto meant = names.find(*name);
    which.specialist = meant == actors::catalog::nobody ? *name : names.name_of(meant);
  }
  if (auto cursor = one.parameter("cursor")) which.cursor = std::move(*cursor);
  if (const auto limit = one.parameter("limit"); limit && !limit->empty()) {
    constexpr std::size_t most = 1000;
    const auto parsed = base::parse_number<std::size_t>(*limit);
    if (!parsed || *parsed == 0 || *parsed > most)
      return answer_problem(one.reply, protocols::problem_of(protocols::failure::malformed,
                                                             "limit is a number from 1 to 1000."));
    which.limit = *parsed;
  }
  const auto taken = here->of->list_aside(
      std::move(which), [reply = one.reply](const std::variant<node::page, refusal>& listed) {
        if (const auto* const why = std::get_if<refusal>(&listed))
          return answer_refusal(reply, *why);
        answer_page(reply, std::get<node::page>(listed));
      });
  if (!taken) answer_state_full(here, one.reply);
}

// -- workflows ----------------------------------------------------------------

namespace {

void append_steps(std::string& to, const workflow_end& end) {
  to += "\"steps\":[";
  for (const auto& step : end.steps) {
    if (&step != &end.steps.front()) to += ',';
    append_json(to, face_of(step));
  }
  to += ']';
}

void answer_workflow(const machine::http::responder& reply, const std::string& name,
                     const workflow_end& end) {
  if (end.ok) {
    std::string body = "{\"workflow\":" + base::json_string(name);
    body += ",\"state\":\"completed\",\"output\":";
    body += end.output.empty() ? "null" : end.output;
    body += ',';
    append_steps(body, end);
    return answer_json(reply, 200, body + "}");
  }
  protocols::problem about;
  if (end.refused.why != protocols::failure::none) {
    about = protocols::problem_of(end.refused.why, end.refused.detail,
                                  end.refused.retry_after.count(), end.refused.nearest);
  } else {
    const auto why = end.steps.empty() || end.steps.back().why == protocols::failure::none
                         ? protocols::failure::worker_failed
                         : end.steps.back().why;
    about = protocols::problem_of(why, end.output);
    if (!end.steps.empty()) about.upstream = end.steps.back().upstream;
    // With a key that is taken there is no such task, as with a single one.
    if (!end.steps.empty() && why != protocols::failure::key_conflict)
      about.task = protocols::to_string(end.steps.back().id);
  }
  auto body = protocols::to_json(about);
  body.pop_back();
  body += ",\"workflow\":" + base::json_string(name) + ",";
  append_steps(body, end);
  std::string headers;
  if (const auto seconds = protocols::retry_after_seconds(about); seconds > 0)
    headers = "Retry-After: " + std::to_string(seconds) + "\r\n";
  reply.answer(about.status, protocols::problem_media_type, body + "}", headers);
}

}  // namespace

void run_workflow(const door_ptr& here, call& one) {
  auto parsed = task_in_body(*here, one, true);
  if (!parsed) return;
  if (!parsed->specialist.empty() || !parsed->department.empty() || !parsed->command.empty())
    return answer_problem(
        one.reply, protocols::problem_of(protocols::failure::malformed,
                                         "A workflow's steps are in the configuration; its request "
                                         "takes no specialist, department or command."));
  if (parsed->async)
    return answer_problem(one.reply, protocols::problem_of(protocols::failure::malformed,
                                                           "A workflow is answered when it has "
                                                           "ended; \"async\" is for tasks."));
  const auto& name = one.captured.front();
  // As with a task: what is durable goes on when its caller does not wait any more.
  const bool keeps_on = parsed->durable || !parsed->idempotency_key.empty();
  const auto begun = here->of->run_workflow(
      name, request_of(std::move(*parsed)),
      [reply = one.reply, name](const workflow_end& end) { answer_workflow(reply, name, end); });
  if (const auto* refused = std::get_if<refusal>(&begun))
    answer_refusal(one.reply, *refused);
  else if (!keeps_on)
    one.reply.on_close(std::get<node::cancel_workflow>(begun));
}

void list_workflows(const door_ptr& here, call& one) {
  using base::json_array, base::json_object;
  const json_array items{
      here->cast().config.workflows, [](const auto& flow) {
        return json_object{
            {"name", flow.name},
            {"steps",
             json_array{flow.steps, [](const auto& step) -> base::json_value { return step; }}}};
      }};
  answer_json(one.reply, 200, json_object{{"items", items}});
}

}  // namespace greenroom::doors
