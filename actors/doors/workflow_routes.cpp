// Workflows over HTTP: listed and run.
#include "actors/doors/answers.hpp"
#include "actors/doors/route_handlers.hpp"
#include "actors/doors/task_parsing.hpp"
#include "protocols/base/json_writer.hpp"

#include <utility>

namespace greenroom::doors {

namespace {

base::json_array steps_of(const workflow_end& end) {
  base::json_array steps;
  for (const auto& step : end.steps) {
    std::string item;
    protocols::append_json(item, step);
    steps.add(base::json_raw{item});
  }
  return steps;
}

protocols::problem problem_of(const workflow_end& end) {
  const auto& none = end.refused;
  if (none.why != protocols::failure::none)
    return protocols::problem_of(none.why, none.detail, none.retry_after.count(), none.nearest);
  const auto* const last = end.steps.empty() ? nullptr : &end.steps.back();
  const auto why = last == nullptr || last->why == protocols::failure::none
                       ? protocols::failure::worker_failed
                       : last->why;
  auto about = protocols::problem_of(why, end.output);
  if (last != nullptr) about.upstream = last->upstream;
  // As with a single task: in a key conflict the request has no task.
  if (last != nullptr && why != protocols::failure::key_conflict)
    about.task = protocols::to_string(last->id);
  return about;
}

/// A problem document with two members more.
std::string with_workflow(std::string document, const std::string& name,
                          const base::json_array& steps) {
  const auto more = base::json_object{{"workflow", name}, {"steps", steps}}.text();
  document.back() = ',';
  return document.append(more, 1);
}

void answer_workflow(const machine::http::responder& reply, const std::string& name,
                     const workflow_end& end) {
  const auto steps = steps_of(end);
  if (end.ok)
    return answer_json(
        reply, 200,
        base::json_object{{"workflow", name},
                          {"state", "completed"},
                          {"output", base::json_raw{end.output.empty() ? "null" : end.output}},
                          {"steps", steps}});
  const auto about = problem_of(end);
  std::string headers;
  if (const auto seconds = protocols::retry_after_seconds(about); seconds > 0)
    headers = "Retry-After: " + std::to_string(seconds) + "\r\n";
  reply.answer(about.status, protocols::problem_media_type,
               with_workflow(protocols::to_json(about), name, steps), headers);
}

}  // namespace

void run_workflow(const door_ptr& door, route_call& call) {
  auto parsed = task_in_body(*door, call, true);
  if (!parsed) return answer(call.reply, parsed.error());
  auto& request = parsed->request;
  if (!request.specialist.empty() || !request.department.empty() || !request.command.empty())
    return answer(call.reply,
                  malformed("A workflow's steps are in the configuration; its request takes no "
                            "specialist, department or command."));
  if (parsed->async)
    return answer(call.reply,
                  malformed("A workflow is answered when it has ended; \"async\" is for tasks."));
  const auto& name = call.captured.front();
  const bool durable = request.durable;
  const auto begun = door->node->run_workflow(
      name, std::move(request),
      [reply = call.reply, name](const workflow_end& end) { answer_workflow(reply, name, end); });
  if (!begun) return answer_refusal(call.reply, begun.error());
  // As with a single task: a durable workflow continues without its caller.
  if (!durable) call.reply.on_close(*begun);
}

void list_workflows(const door_ptr& door, route_call& call) {
  using base::json_array, base::json_object;
  const json_array items{
      door->catalog().config.workflows, [](const auto& flow) {
        return json_object{
            {"name", flow.name},
            {"steps",
             json_array{flow.steps, [](const auto& step) -> base::json_value { return step; }}}};
      }};
  answer_json(call.reply, 200, json_object{{"items", items}});
}

}  // namespace greenroom::doors
