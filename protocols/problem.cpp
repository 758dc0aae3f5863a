#include "protocols/problem.hpp"

#include "protocols/base/json_text.hpp"
#include "protocols/base/json_writer.hpp"

#include <utility>

namespace greenroom::protocols {

namespace {

struct wording {
  std::string_view title;
  std::string_view detail;  ///< Used when the caller gives no detail.
};

wording wording_of(failure why) {
  switch (why) {
    case failure::none: return {"No problem", "Nothing failed."};
    case failure::malformed:
      return {"Malformed request", "The request cannot be understood as it is."};
    case failure::no_such_specialist:
      return {"No such specialist",
              "No specialist has that name; GET /v1/specialists lists the names."};
    case failure::key_conflict:
      return {"Idempotency key in use",
              "The idempotency key belongs to another request; use a new key for a new request."};
    case failure::too_large: return {"Too large", "The request is larger than this node accepts."};
    case failure::refused:
      return {"Refused by the worker",
              "The worker refused the request; sending it again as it is "
              "will not help."};
    case failure::queue_full: return {"Queue full", "The queue is full; try again later."};
    case failure::circuit_open:
      return {"Circuit open",
              "The specialist failed too often; new tasks are refused until the circuit closes."};
    case failure::draining:
      return {"Draining", "The node is shutting down and accepts no new tasks."};
    case failure::deadline_unreachable:
      return {"Deadline out of reach",
              "The task would end after its deadline, so it was not started; allow it more time or "
              "try again later."};
    case failure::journal_unavailable:
      return {"Journal unavailable",
              "The task cannot be made durable now, so it was not accepted; is the disk full?"};
    case failure::worker_failed:
      return {"Worker failed",
              "The worker died, hung or sent output that cannot be read, and no retry is "
              "left."};
    case failure::start_failed:
      return {"Worker did not start", "The worker could not be started; see the node's log."};
    case failure::out_of_time: return {"Out of time", "The deadline passed before the task ended."};
    case failure::cancelled: return {"Cancelled", "The caller cancelled the task."};
    case failure::unknown_end:
      return {"End unknown",
              "The worker died while the task ran, and the task may not be run twice: look whether "
              "its effects are there before sending it again."};
  }
  return {"Failure", "The request failed."};
}

}  // namespace

problem problem_of(failure why, std::string detail, std::int64_t retry_after_ms,
                   std::vector<std::string> nearest) {
  const auto words = wording_of(why);
  if (detail.empty()) detail = words.detail;
  auto result = problem_named(to_string(why), http_status(why), std::string{words.title},
                              std::move(detail), retry_after_ms);
  result.nearest = std::move(nearest);
  return result;
}

problem problem_named(std::string_view name, int status, std::string title, std::string detail,
                      std::int64_t retry_after_ms) {
  problem result;
  result.type = "urn:greenroom:" + std::string{name};
  result.title = std::move(title);
  result.status = status;
  result.detail = std::move(detail);
  result.retry_after_ms = retry_after_ms;
  return result;
}

std::int64_t retry_after_seconds(const problem& about) {
  return about.retry_after_ms > 0 ? (about.retry_after_ms - 1) / 1000 + 1 : 0;
}

std::string to_json(const problem& about) {
  base::json_object json{{"type", about.type},
                         {"title", about.title},
                         {"status", about.status},
                         {"detail", about.detail}};
  if (about.retry_after_ms > 0) json.add("retry_after_ms", about.retry_after_ms);
  if (!about.nearest.empty()) {
    const base::json_array names{about.nearest, [](const std::string& name) { return name; }};
    json.add("nearest", names);
  }
  if (!about.task.empty()) json.add("task", about.task);
  if (about.unwritten) json.add("durable", false);
  if (about.upstream) {
    const auto& answer = *about.upstream;
    json.add("upstream_status", answer.status);
    if (base::is_json(answer.body)) {
      std::string line;
      base::append_one_line(line, answer.body);
      json.raw("upstream", line);
    } else if (!answer.body.empty()) {
      json.add("upstream", answer.body);
    }
  }
  return json;
}

}  // namespace greenroom::protocols
