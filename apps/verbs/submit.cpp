// `greenroom submit`: runs one task or a workflow.
#include "apps/client/asking.hpp"
#include "apps/client/terminal.hpp"
#include "apps/client/verb.hpp"
#include "protocols/base/json_text.hpp"
#include "protocols/base/json_writer.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <sstream>

namespace greenroom::apps {
namespace {

using nlohmann::json;

struct submit_options {
  asking how;
  /// Two options of one word each: in a list option CLI11 would split a JSON array.
  std::string first, second;
  std::string department, command, workflow, priority, timeout, key, case_id;
  bool later = false;
};

/// Returns the input as JSON text: valid JSON unchanged, any other text as a JSON string.
std::optional<std::string> read_input(const std::string& word) {
  std::string text = word;
  if (word == "-") {
    std::error_code none;
    if (std::filesystem::is_directory("/dev/stdin", none)) {
      say_problem("wrong-usage", "the standard input is a folder — the input is a file or a pipe");
      return std::nullopt;
    }
    text.assign(std::istreambuf_iterator<char>{std::cin}, {});
  } else if (word.starts_with('@')) {
    std::ifstream file{word.substr(1), std::ios::binary};
    std::error_code none;
    if (!file || std::filesystem::is_directory(word.substr(1), none)) {
      say_problem("wrong-usage",
                  "cannot read \"" + word.substr(1) + "\" — the input after @ is a file");
      return std::nullopt;
    }
    text.assign(std::istreambuf_iterator<char>{file}, {});
  }
  // JSON that is nested too deep is sent unchanged, so that the node reports its limit.
  if (base::make_json(text) || json::accept(text)) return text;
  while (text.ends_with('\n')) text.pop_back();
  std::string quoted;
  if (base::append_json_string(quoted, text)) return quoted;
  say_problem("wrong-usage", "the input is neither JSON nor text in UTF-8");
  return std::nullopt;
}

/// Prints the output member of `answer`, which is the node's task.
void print_output(std::string_view answer) {
  std::string_view output;
  constexpr int depth_max = base::json_depth_max + 8;
  const auto whole = base::each_member(
      answer,
      [&](std::string_view key, std::string_view value) {
        if (key == "output") output = value;
      },
      depth_max);
  if (!whole || output.empty()) return;
  std::string room;
  const auto text = base::decode_string(output, room);
  if (!text) return print_json_text(output);
  const auto shown = shown_text(*text);
  std::fwrite(shown.data(), 1, shown.size(), stdout);
  std::fputc('\n', stdout);
}

/// Prints one line of timings to stderr on a terminal; scripts read stdout or --json.
void print_note(const json& task) {
  if (!is_terminal()) return;
  const auto timings = task.value("timings", json::object());
  std::fprintf(stderr, "%s\n",
               paint(text_of(task, "specialist") + " · "
                         + (truth_of(task, "cold_start") ? "cold start " : "warm ")
                         + spoken_duration(number_of(timings, "start_ms")) + " · run "
                         + spoken_duration(number_of(timings, "run_ms")) + " · total "
                         + spoken_duration(number_of(timings, "total_ms")),
                     colour::grey)
                   .c_str());
}

int finish(const std::string& answer, bool as_json) {
  const auto task = json::parse(answer, nullptr, false);
  const auto state = text_of(task, "state");
  const bool good =
      state.empty() || state == "completed" || state == "queued" || state == "running";
  // An MCP tool can report failure (`isError`) in a call that succeeded.
  const bool tool_failed =
      good && task.is_object() && truth_of(task.value("output", json{}), "isError");
  if (as_json) {
    print_json_text(answer);
  } else if (good) {
    print_output(answer);
    print_note(task);
  } else {
    const auto error = task.value("error", json{});
    const auto why = error.is_object() ? text_of(error, "detail", text_of(error, "message"))
                                       : text_of(task, "error", "no explanation");
    say_problem("failed", "the task ended as " + state + ": " + why);
  }
  if (tool_failed && !as_json)
    say_problem("tool-failed", "the tool reports an error (isError); its output is above");
  return good && !tool_failed ? done : failed;
}

int submit(submit_options& o) {
  const bool names_specialist = o.department.empty() && o.command.empty() && o.workflow.empty();
  const int targets =
      int{!o.department.empty()} + int{!o.command.empty()} + int{!o.workflow.empty()};
  if (targets > 1 || (names_specialist && o.first.empty())
      || (!names_specialist && !o.second.empty())) {
    say_problem("wrong-usage",
                "submit takes a SPECIALIST or one of --department, --command, --workflow, and then "
                "the input — see greenroom submit --help");
    return wrong_usage;
  }
  json body = json::object();
  if (names_specialist) body["specialist"] = o.first;
  if (!o.department.empty()) body["department"] = o.department;
  if (!o.command.empty()) body["command"] = o.command;
  std::string input = "null";
  const auto& typed = names_specialist ? o.second : o.first;
  if (!typed.empty()) {
    auto read = read_input(typed);
    if (!read) return wrong_usage;
    input = std::move(*read);
  }
  auto patience = std::chrono::milliseconds{std::chrono::minutes{10}};
  if (!o.timeout.empty()) {
    const auto bound = read_duration(o.timeout);
    if (!bound) return wrong_usage;
    body["timeout_ms"] = bound->count();
    // The node enforces the timeout; the extra time catches a node that no longer answers.
    patience = *bound + std::chrono::seconds{10};
  }
  if (!o.priority.empty()) body["priority"] = o.priority;
  if (!o.key.empty()) body["idempotency_key"] = o.key;
  if (!o.case_id.empty()) body["case"] = o.case_id;
  if (o.later) body["mode"] = "async";

  node_client client{o.how};
  const auto target = o.workflow.empty() ? "/v1/tasks" : "/v1/workflows/" + url_escape(o.workflow);
  // The input is sent as typed, so that numbers keep their digits and objects their order.
  base::json_object text;
  text.raw("input", input);
  for (const auto& [key, value] : body.items()) text.raw(key, written(value));
  const auto answer = client.call_text("POST", target, std::move(text).text(), patience);
  if (!answer) return client.code();
  if (o.later && !o.how.as_json) {
    std::printf("%s\n", text_of(json::parse(*answer, nullptr, false), "id").c_str());
    return done;
  }
  return finish(*answer, o.how.as_json);
}

}  // namespace

void define_submit(CLI::App& verb, outcome& result) {
  verb.description("Run one task and print its output");
  auto o = std::make_shared<submit_options>();
  verb.add_option("SPECIALIST", o->first,
                  "The specialist; with --department, --command or --workflow, the input");
  verb.add_option("INPUT", o->second, "JSON, other text, @FILE, or - for stdin");
  verb.add_option("--department", o->department,
                  "Ask the specialist of this department that can start soonest");
  verb.add_option("--command", o->command,
                  "Ask by a command of the configuration, such as implement");
  verb.add_option("--workflow", o->workflow,
                  "Run this workflow: each step gets the output of the step before");
  verb.add_option("--priority", o->priority, "high, normal or low")
      ->check(CLI::IsMember({"high", "normal", "low"}));
  verb.add_flag("--async", o->later, "Print the task's id as soon as the task is in the journal");
  verb.add_option("--timeout", o->timeout, "Limit for waiting, retries and the run together")
      ->type_name("30s");
  verb.add_option("--key", o->key, "Idempotency key: a repeated key returns the existing task");
  verb.add_option("--case", o->case_id, "The session that the task belongs to");
  add_asking_options(verb, o->how);
  verb.footer(
      "Example:\n"
      "  greenroom submit api-architect '{\"query\":\"rate limits\"}'\n"
      "  greenroom submit --command implement @request.json --timeout 30s\n"
      "  echo 'design a login page' | greenroom submit --department FRONTEND -\n"
      "  greenroom submit --workflow FULL_STACK_FEATURE 'a shopping basket' --json");
  verb.callback([o, &result] { result.code = submit(*o); });
}

}  // namespace greenroom::apps
