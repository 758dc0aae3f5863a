// Answers over HTTP: JSON, problem documents, refusals.
#pragma once

#include "actors/doors/route_call.hpp"
#include "protocols/problem.hpp"
#include "protocols/task_request.hpp"
#include "runtime/machine/http/server.hpp"

#include <string>
#include <string_view>

namespace greenroom::doors {

constexpr std::string_view json_type = "application/json";

/// `headers` are whole lines.
void answer_json(const machine::http::responder& reply, int status, std::string body,
                 std::string_view headers = {});
/// With `Retry-After` if the problem has a time. `headers` are whole lines.
void answer_problem(const machine::http::responder& reply, const protocols::problem& about,
                    std::string_view headers = {});
void answer_refusal(const machine::http::responder& reply, const refusal& why);

/// Why a request cannot be handled: the problem document and further header lines.
struct rejection {
  protocols::problem about;
  std::string headers{};
};
/// 400, with a sentence about the mistake.
[[nodiscard]] rejection malformed(std::string detail);
/// For a body that cannot be parsed: 415 when the body has a coding (Content-Encoding), which this
/// node never decodes; else 400 with the detail.
[[nodiscard]] rejection unreadable_body(const route_call& call, std::string detail);
void answer(const machine::http::responder& reply, const rejection& why);

}  // namespace greenroom::doors
