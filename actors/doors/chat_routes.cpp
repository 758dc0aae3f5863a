// Specialists as chat models, for clients that speak OpenAI's interface.
#include "actors/doors/answers.hpp"
#include "actors/doors/route_handlers.hpp"
#include "actors/node/task_views.hpp"
#include "protocols/base/json_writer.hpp"
#include "protocols/http_chat.hpp"
#include "protocols/http_task.hpp"
#include "runtime/machine/http/chat_stream.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

namespace greenroom::doors {

namespace {

void answer_chat_error(const machine::http::responder& reply, const protocols::chat_error& error,
                       std::chrono::milliseconds retry_after = {}) {
  std::string headers;
  if (retry_after.count() > 0) {
    // OpenAI's own libraries read the milliseconds first.
    headers = "Retry-After: " + std::to_string((retry_after.count() + 999) / 1000) + "\r\n";
    headers += "Retry-After-Ms: " + std::to_string(retry_after.count()) + "\r\n";
  }
  answer_json(reply, error.status, protocols::to_json(error), headers);
}

std::string sentence(const refusal& why) {
  auto text = why.detail;
  if (why.nearest.empty()) return text;
  text += " Nearest:";
  for (const auto& name : why.nearest) text += (&name == &why.nearest.front() ? " " : ", ") + name;
  return text + ".";
}

/// Answers with the output of a specialist as one completion, or as a stream of pieces.
class chat_client final : public protocols::task_observer, private machine::http::chat_outlet {
public:
  chat_client(door_ptr door, machine::http::responder reply, protocols::chat_request&& wanted)
      : door_{std::move(door)},
        reply_{std::move(reply)},
        streaming_{wanted.stream},
        model_{wanted.model},
        stream_{std::move(wanted.model), wanted.include_usage} {}

  void on_form(const protocols::task&, protocols::stream_form form) noexcept override {
    form_.store(form, std::memory_order_release);
    stream_.form(form);
  }

  void on_chunk(const protocols::task& job, std::string_view piece) noexcept override {
    if (streaming_) stream_.piece(job, piece, *this);
  }

  [[nodiscard]] bool takes_more(const protocols::task&) const noexcept override {
    return !reply_.crowded();
  }

  void on_end(const protocols::task& done) noexcept override {
    ended_.store(true, std::memory_order_release);
    if (streaming_) return stream_.end(done, *this);
    if (done.state.load(std::memory_order_acquire) != protocols::task_state::completed)
      return refuse(protocols::chat_error_of(done), done.retry_after_ms);
    protocols::chat_frame frame;
    frame.id = "chatcmpl-" + protocols::to_string(done.id);
    frame.created = done.accepted_unix_ms / 1000;
    frame.model = model_;
    std::string headers;
    protocols::append_timing_headers(
        headers, actors::view_of(door_->parts().state->catalogs, done, actors::with_output::no));
    answer_json(reply_, 200,
                protocols::chat_completion_of_stream(frame, form_.load(std::memory_order_acquire),
                                                     done.output),
                headers);
  }

  [[nodiscard]] bool ended() const { return ended_.load(std::memory_order_acquire); }

private:
  void begin() override {
    reply_.begin(200, "text/event-stream", "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n");
  }
  bool write(std::string_view events) override { return reply_.write(events); }
  void end() override { reply_.end(); }
  void refuse(const protocols::chat_error& why, std::int64_t retry_after_ms) override {
    answer_chat_error(reply_, why, std::chrono::milliseconds{retry_after_ms});
  }

  door_ptr door_;
  machine::http::responder reply_;
  const bool streaming_;
  const std::string model_;
  machine::http::chat_stream stream_;
  std::atomic<protocols::stream_form> form_{protocols::stream_form::text};
  std::atomic<bool> ended_{false};
};

base::json_object model_json(const std::string& name, const std::string& department,
                             std::int64_t created) {
  return {{"id", name}, {"object", "model"}, {"created", created}, {"owned_by", department}};
}

std::int64_t started_unix_s(const node& of) {
  const auto now = of.status();
  const auto unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                           std::chrono::system_clock::now().time_since_epoch())
                           .count();
  return (unix_ms - now.uptime_ms) / 1000;
}

/// A model server gets the request unchanged, and may support what Greenroom itself does not.
bool is_server(const actors::catalog& catalog, std::string_view model) {
  const auto found = catalog.find(model);
  return found != actors::catalog::nobody
         && catalog.members[found].config.backend.kind == config::backend_kind::http;
}

}  // namespace

void post_chat(const door_ptr& door, route_call& call) {
  auto parsed = protocols::parse_chat(call.request.body(), door->depth_max());
  if (!parsed) return answer_chat_error(call.reply, parsed.error());
  auto& wanted = *parsed;
  if (wanted.many && !is_server(door->catalog(), wanted.model))
    return answer_chat_error(call.reply,
                             {400, "Only one choice (n = 1) is made.", "n", "unsupported_value"});
  task_request request;
  request.specialist = wanted.model;
  request.case_id = std::move(wanted.user);
  request.streaming = wanted.stream;
  request.input = call.request.take_body();
  base::mend_halves(request.input);
  call.request.release();
  const auto client = std::make_shared<chat_client>(door, call.reply, std::move(wanted));
  const auto submitted = door->node->submit(std::move(request), client);
  if (!submitted) {
    const auto& why = submitted.error();
    return answer_chat_error(call.reply, protocols::chat_error_of(why.why, sentence(why)),
                             why.retry_after);
  }
  if (client->ended()) return;
  call.reply.on_close([door, id = *submitted] { door->node->cancel(id); });
}

void list_models(const door_ptr& door, route_call& call) {
  const auto created = started_unix_s(*door->node);
  const auto& catalog = door->catalog();
  base::json_array models;
  for (const auto& each : catalog.members)
    if (!each.gone)
      models.add(model_json(each.config.name, catalog.departments[each.department], created));
  answer_json(call.reply, 200, base::json_object{{"object", "list"}, {"data", models}});
}

void get_model(const door_ptr& door, route_call& call) {
  const auto found = door->node->specialist(call.captured.front());
  if (!found) {
    const auto& why = found.error();
    return answer_chat_error(call.reply, protocols::chat_error_of(why.why, sentence(why)));
  }
  // Under the requested name, which may be an alias.
  answer_json(call.reply, 200,
              model_json(call.captured.front(), found->department, started_unix_s(*door->node)));
}

}  // namespace greenroom::doors
