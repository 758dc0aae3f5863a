#include "actors/doors/answers.hpp"

#include "protocols/http_chat.hpp"

#include <utility>

namespace greenroom::doors {

void answer_json(const machine::http::responder& reply, int status, std::string body,
                 std::string_view headers) {
  reply.answer(status, json_type, std::move(body), headers);
}

void answer_problem(const machine::http::responder& reply, const protocols::problem& about,
                    std::string_view headers) {
  std::string all{headers};
  if (const auto seconds = protocols::retry_after_seconds(about); seconds > 0)
    all += "Retry-After: " + std::to_string(seconds) + "\r\n";
  if (reply.is_openai())
    return answer_json(reply, about.status, protocols::openai_error(about), all);
  reply.answer(about.status, protocols::problem_media_type, protocols::to_json(about), all);
}

void answer_refusal(const machine::http::responder& reply, const refusal& why) {
  answer_problem(reply,
                 protocols::problem_of(why.why, why.detail, why.retry_after.count(), why.nearest));
}

rejection malformed(std::string detail) {
  return {protocols::problem_of(protocols::failure::malformed, std::move(detail))};
}

rejection unreadable_body(const route_call& call, std::string detail) {
  // Only for a body that cannot be parsed: a body that can be parsed is not coded, whatever the
  // header says.
  const auto coding = call.request.header("Content-Encoding");
  if (!coding || coding->empty() || *coding == "identity") return malformed(std::move(detail));
  return {protocols::problem_named("unsupported-coding", 415, "Unsupported Media Type",
                                   "This node reads bodies as they are: send the JSON without a "
                                   "Content-Encoding."),
          "Accept-Encoding: identity\r\n"};
}

void answer(const machine::http::responder& reply, const rejection& why) {
  answer_problem(reply, why.about, why.headers);
}

}  // namespace greenroom::doors
