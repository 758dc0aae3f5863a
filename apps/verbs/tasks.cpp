// `greenroom tasks`: queued, running and ended tasks.
#include "apps/client/asking.hpp"
#include "apps/client/terminal.hpp"
#include "apps/client/verb.hpp"

#include <cstdio>
#include <memory>

namespace greenroom::apps {
namespace {

using nlohmann::json;

struct tasks_options {
  asking how;
  std::string id, state, specialist, cursor;
  std::size_t limit = 50;
  bool cancel = false;
};

colour colour_of_task(const std::string& state) {
  if (state == "completed") return colour::green;
  if (state == "running" || state == "queued") return colour::blue;
  return state == "cancelled" ? colour::grey : colour::red;
}

int one_task(node_client& client, const tasks_options& o) {
  const auto target = "/v1/tasks/" + url_escape(o.id);
  const auto task = o.cancel ? client.call("DELETE", target) : client.get(target);
  if (!task) return client.code();
  if (o.how.as_json || !o.cancel)
    print_json(*task);
  else
    std::printf("%s: %s\n", o.id.c_str(), text_of(*task, "state", "cancelled").c_str());
  return done;
}

int tasks(node_client& client, const tasks_options& o) {
  if (!o.id.empty()) return one_task(client, o);
  std::string target = "/v1/tasks?limit=" + std::to_string(o.limit);
  if (!o.state.empty()) target += "&state=" + o.state;
  if (!o.specialist.empty()) target += "&specialist=" + url_escape(o.specialist);
  if (!o.cursor.empty()) target += "&cursor=" + url_escape(o.cursor);
  const auto page = client.get(target);
  if (!page) return client.code();
  if (o.how.as_json) {
    print_json(*page);
    return done;
  }
  table rows{{{"ID", false, 0, true},
              {"SPECIALIST"},
              {"STATE"},
              {"PRIORITY", false, 5},
              {"COLD", false, 4},
              {"TRIES", true, 6},
              {"QUEUE", true, 3},
              {"START", true, 2},
              {"RUN", true, 1},
              {"TOTAL", true}}};
  for (const auto& one : page->value("items", json::array())) {
    const auto timings = one.value("timings", json::object());
    const auto state = text_of(one, "state", "?");
    rows.add({text_of(one, "id"), text_of(one, "specialist"), state, text_of(one, "priority"),
              truth_of(one, "cold_start") ? "cold" : "", text_of(one, "attempts"),
              spoken_duration(number_of(timings, "queue_ms")),
              spoken_duration(number_of(timings, "start_ms")),
              spoken_duration(number_of(timings, "run_ms")),
              spoken_duration(number_of(timings, "total_ms"))},
             2, colour_of_task(state));
  }
  if (rows.rows() == 0) {
    std::printf("no tasks\n");
    return done;
  }
  std::printf("%s", rows.text().c_str());
  const auto next = text_of(*page, "next");
  if (!next.empty()) {
    // The same query, from the next page on.
    auto again = "greenroom tasks --cursor " + next + " --limit " + std::to_string(o.limit);
    if (!o.state.empty()) again += " --state " + o.state;
    if (!o.specialist.empty()) again += " --specialist " + o.specialist;
    print_text("more: " + again + "\n");
  }
  return done;
}

}  // namespace

void define_tasks(CLI::App& verb, outcome& result) {
  verb.description("List waiting, running and ended tasks; one by its id");
  auto o = std::make_shared<tasks_options>();
  auto* id = verb.add_option("ID", o->id, "Everything about this task");
  verb.add_flag("--cancel", o->cancel, "Cancel the task")->needs(id);
  verb.add_option("--state", o->state, "Only tasks in this state")
      ->check(CLI::IsMember({"queued", "running", "completed", "failed", "cancelled", "unknown"}));
  verb.add_option("--specialist", o->specialist, "Only tasks of this specialist");
  verb.add_option("--limit", o->limit, "Show at most this many")->capture_default_str();
  verb.add_option("--cursor", o->cursor, "Where the last page ended");
  add_asking_options(verb, o->how);
  add_watch_option(verb, o->how);
  verb.footer(
      "Example:\n"
      "  greenroom tasks --state running --watch\n"
      "  greenroom tasks 0b7c2c4bb1f54c5e0000000000000001 --cancel");
  verb.callback([o, &result] {
    node_client client{o->how};
    result.code = once_or_watch(o->how, [&] { return tasks(client, *o); });
  });
}

}  // namespace greenroom::apps
