#include "actors/doors/http_routes.hpp"

#include "protocols/base/json_text.hpp"
#include "protocols/http_chat.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::doors {

namespace {

int digit_of(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
  if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
  return -1;
}

double ms_between(std::int64_t from_ns, std::int64_t to_ns) {
  return to_ns > from_ns ? static_cast<double>(to_ns - from_ns) * 1e-6 : 0;
}

}  // namespace

std::optional<std::string> decoded(std::string_view text, bool plus_is_space) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      result += ' ';
    } else if (text[i] != '%') {
      result += text[i];
    } else {
      if (i + 2 >= text.size()) return std::nullopt;
      const auto high = digit_of(text[i + 1]);
      const auto low = digit_of(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      result += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return result;
}

std::optional<std::string> call::parameter(std::string_view name) const {
  auto rest = asked.query();
  while (!rest.empty()) {
    const auto end = std::min(rest.find('&'), rest.size());
    const auto pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const auto equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) != name) continue;
    return decoded(pair.substr(std::min(equals + 1, pair.size())), true);
  }
  return std::nullopt;
}

void answer_json(const machine::http::responder& reply, int status, std::string body,
                 std::string_view headers) {
  reply.answer(status, json_type, std::move(body), headers);
}

void answer_problem(const machine::http::responder& reply, const protocols::problem& about,
                    std::string_view more) {
  std::string headers{more};
  if (const auto seconds = protocols::retry_after_seconds(about); seconds > 0)
    headers += "Retry-After: " + std::to_string(seconds) + "\r\n";
  if (reply.is_openai())
    return answer_json(reply, about.status, protocols::openai_error(about), headers);
  reply.answer(about.status, protocols::problem_media_type, protocols::to_json(about), headers);
}

void answer_refusal(const machine::http::responder& reply, const refusal& why) {
  answer_problem(reply,
                 protocols::problem_of(why.why, why.detail, why.retry_after.count(), why.nearest));
}

void answer_state_full(const door_ptr& here, const machine::http::responder& reply) {
  answer_refusal(
      reply, {protocols::failure::queue_full,
              "As many lists and views wait for their turn as may (limits.state_requests "
                  + std::to_string(here->cast().config.limits.state_requests) + "); retry later.",
              {},
              here->of->aside_wait()});
}

void answer_unreadable_body(const call& one, std::string detail) {
  // Looked for only here: what can be read as it is was not coded, whatever its header says.
  const auto coding = one.asked.header("Content-Encoding");
  if (!coding || coding->empty() || *coding == "identity")
    return answer_problem(one.reply,
                          protocols::problem_of(protocols::failure::malformed, std::move(detail)));
  answer_problem(one.reply,
                 protocols::problem_named("unsupported-coding", 415, "Unsupported Media Type",
                                          "This node reads bodies as they are: send the JSON "
                                          "without a Content-Encoding."),
                 "Accept-Encoding: identity\r\n");
}

std::optional<protocols::task_id> task_in_path(const call& one) {
  if (const auto id = protocols::parse_task_id(one.captured.front())) return *id;
  answer_problem(one.reply,
                 protocols::problem_named("no-such-task", 404, "No such task",
                                          "There is no task of this id: an id is 32 hexadecimal "
                                          "digits, as POST /v1/tasks gave it."));
  return std::nullopt;
}

namespace {

/// Takes the key from the header where the body has none. False, and answered, when it cannot be.
bool take_key(const call& one, protocols::http_task& task) {
  const auto field = one.asked.header("Idempotency-Key");
  if (!field) return true;
  auto key = protocols::idempotency_key_in(*field);
  if (key && (task.idempotency_key.empty() || task.idempotency_key == *key)) {
    task.idempotency_key = std::move(*key);
    return true;
  }
  answer_problem(one.reply,
                 protocols::problem_of(
                     protocols::failure::malformed,
                     key ? "The Idempotency-Key field and \"idempotency_key\" in the body are "
                           "not the same; send one of them."
                         : "The Idempotency-Key field is 1 to 256 letters of printable "
                           "ASCII, with or without quotation marks around them."));
  return false;
}

}  // namespace

std::optional<protocols::http_task> task_in_body(const door& here, const call& one,
                                                 bool may_be_empty) {
  const auto body = one.asked.body();
  auto parsed = std::variant<protocols::http_task, protocols::bad_body>{};
  if (!may_be_empty || body.find_first_not_of(" \t\r\n") != std::string_view::npos)
    parsed = protocols::parse_http_task(body, here.depth_max());
  if (auto* task = std::get_if<protocols::http_task>(&parsed)) {
    if (!take_key(one, *task)) return std::nullopt;
    // The request lives until it is answered, and what it said is in the task now.
    one.asked.release();
    return std::move(*task);
  }
  answer_unreadable_body(one, std::move(std::get<protocols::bad_body>(parsed).detail));
  return std::nullopt;
}

task_request request_of(protocols::http_task&& parsed) {
  task_request result;
  result.specialist = std::move(parsed.specialist);
  result.department = std::move(parsed.department);
  result.command = std::move(parsed.command);
  result.input = std::move(parsed.input);
  result.urgency = parsed.urgency;
  if (parsed.timeout_ms) result.timeout = std::chrono::milliseconds{*parsed.timeout_ms};
  result.durable = parsed.durable || parsed.async || !parsed.idempotency_key.empty();
  result.idempotency_key = std::move(parsed.idempotency_key);
  result.case_id = std::move(parsed.case_id);
  return result;
}

protocols::task_face face_of(const task_view& view) {
  protocols::task_face face;
  face.id = view.id;
  face.state = view.state;
  face.specialist = view.specialist;
  face.department = view.department;
  face.urgency = view.urgency;
  face.why = view.why;
  face.output = view.output;
  face.output_bytes = view.output_bytes;
  face.output_left_out = view.output_left_out;
  face.cold_start = view.cold_start;
  face.attempts = view.attempts;
  face.served_by = view.served_by;
  face.queue_ms = view.queue_ms;
  face.start_ms = view.start_ms;
  face.run_ms = view.run_ms;
  face.total_ms = view.total_ms;
  face.accepted_unix_ms = view.accepted_unix_ms;
  face.ended_unix_ms = view.ended_unix_ms;
  face.unwritten = view.unwritten;
  return face;
}

protocols::task_face face_of(const protocols::task& done, const actors::catalog& names) {
  protocols::task_face face;
  face.id = done.id;
  face.state = done.state.load(std::memory_order_acquire);
  if (done.specialist < names.members.size()) {
    face.specialist = names.name_of(done.specialist);
    face.department = names.department_of(done.specialist);
  }
  face.urgency = done.urgency;
  face.why = done.why;
  face.output = done.output;
  face.cold_start = done.cold_start;
  face.attempts = done.attempts;
  face.served_by = done.pool;
  face.unwritten = done.unwritten.load(std::memory_order_acquire);
  face.total_ms = ms_between(done.accepted_ns, done.ended_ns);
  face.start_ms = done.start_wait_ns > 0 ? static_cast<double>(done.start_wait_ns) * 1e-6 : 0;
  const auto waited =
      done.dispatched_ns != 0 ? ms_between(done.accepted_ns, done.dispatched_ns) : face.total_ms;
  face.queue_ms = std::max(0.0, waited - face.start_ms);
  if (done.dispatched_ns != 0) face.run_ms = ms_between(done.dispatched_ns, done.ended_ns);
  return face;
}

}  // namespace greenroom::doors
