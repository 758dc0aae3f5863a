// Specialists as chat models, for clients that speak OpenAI's interface.
#include "actors/doors/http_routes.hpp"
#include "protocols/base/json_text.hpp"
#include "protocols/http_chat.hpp"
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

/// Turns what a specialist says into one completion, or into a stream of its pieces.
class chat_client final : public protocols::asker, private machine::http::chat_outlet {
public:
  chat_client(door_ptr here, machine::http::responder reply, protocols::chat_request&& wanted)
      : here_{std::move(here)},
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
    protocols::append_timing_headers(headers, face_of(done, here_->cast()));
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

  door_ptr here_;
  machine::http::responder reply_;
  const bool streaming_;
  const std::string model_;
  machine::http::chat_stream stream_;
  std::atomic<protocols::stream_form> form_{protocols::stream_form::text};
  std::atomic<bool> ended_{false};
};

void append_model(std::string& to, const std::string& name, const std::string& department,
                  std::int64_t created) {
  to += R"({"id":)" + base::json_string(name);
  to += R"(,"object":"model","created":)" + std::to_string(created);
  to += R"(,"owned_by":)" + base::json_string(department) + "}";
}

std::int64_t started_unix_s(const node& of) {
  const auto now = of.status();
  const auto unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                           std::chrono::system_clock::now().time_since_epoch())
                           .count();
  return (unix_ms - now.uptime_ms) / 1000;
}

/// A server may understand what is passed on to it as it came.
bool is_server(const actors::catalog& names, std::string_view model) {
  const auto who = names.find(model);
  return who != actors::catalog::nobody
         && names.members[who].config.backend.kind == config::backend_kind::http;
}

}  // namespace

void post_chat(const door_ptr& here, call& one) {
  auto parsed = protocols::parse_chat(one.asked.body(), here->depth_max());
  if (!parsed) return answer_chat_error(one.reply, parsed.error());
  auto& wanted = *parsed;
  if (wanted.many && !is_server(here->cast(), wanted.model))
    return answer_chat_error(one.reply,
                             {400, "Only one choice (n = 1) is made.", "n", "unsupported_value"});
  task_request request;
  request.specialist = wanted.model;
  request.case_id = std::move(wanted.user);
  request.streaming = wanted.stream;
  request.input = one.asked.take_body();
  base::mend_halves(request.input);
  one.asked.release();
  const auto client = std::make_shared<chat_client>(here, one.reply, std::move(wanted));
  const auto submitted = here->of->submit(std::move(request), client);
  if (const auto* const why = std::get_if<refusal>(&submitted))
    return answer_chat_error(one.reply, protocols::chat_error_of(why->why, sentence(*why)),
                             why->retry_after);
  if (client->ended()) return;
  const auto id = std::get<protocols::task_id>(submitted);
  one.reply.on_close([here, id] { here->of->cancel(id); });
}

void list_models(const door_ptr& here, call& one) {
  const auto created = started_unix_s(*here->of);
  const auto& names = here->cast();
  std::string body = R"({"object":"list","data":[)";
  auto first = true;
  for (const auto& each : names.members) {
    if (each.gone) continue;
    if (!std::exchange(first, false)) body += ',';
    append_model(body, each.config.name, names.departments[each.department], created);
  }
  answer_json(one.reply, 200, body + "]}");
}

void get_model(const door_ptr& here, call& one) {
  const auto found = here->of->specialist(one.captured.front());
  if (const auto* const why = std::get_if<refusal>(&found))
    return answer_chat_error(one.reply, protocols::chat_error_of(why->why, sentence(*why)));
  const auto& view = std::get<specialist_view>(found);
  std::string body;
  // Under the name that was asked for, which may be an alias.
  append_model(body, one.captured.front(), view.department, started_unix_s(*here->of));
  answer_json(one.reply, 200, std::move(body));
}

}  // namespace greenroom::doors
