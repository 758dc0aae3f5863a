// `greenroom specialists`, `warm` and `cool`: the cast and the state of each worker.
#include "apps/client/asking.hpp"
#include "apps/client/terminal.hpp"
#include "apps/client/verb.hpp"
#include "protocols/base/edit_distance.hpp"

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace greenroom::apps {
namespace {

using nlohmann::json;

struct specialists_options {
  asking how;
  std::string name, department, state;
};

colour colour_of_specialist(const std::string& state) {
  if (state == "warm" || state == "busy") return colour::green;
  if (state == "warming" || state == "cooling") return colour::yellow;
  return state == "failed" ? colour::red : colour::grey;
}

int one_specialist(node_client& client, const specialists_options& o) {
  const auto found = client.get("/v1/specialists/" + url_escape(o.name));
  if (!found) return client.code();
  if (o.how.as_json) {
    print_json(*found);
    return done;
  }
  for (const auto& [key, value] : found->items()) {
    auto text =
        value.is_number_float() ? fixed(value.get<double>(), 2) : text_of(*found, key.c_str(), "-");
    if (key == "state") text = paint(text, colour_of_specialist(text));
    std::printf("%-16s %s\n", key.c_str(), text.c_str());
  }
  return done;
}

/// Prints a problem and returns an exit code when no specialist is in that department.
std::optional<int> unknown_department(const std::string& name, const json& all) {
  std::vector<std::string> names;
  for (const auto& one : all.value("items", json::array())) {
    names.push_back(text_of(one, "department"));
    if (names.back() == name) return std::nullopt;
  }
  const auto near = base::nearest_of(name, names);
  say_problem("unknown-department",
              "there is no department \"" + name + "\""
                  + (near.empty() ? "" : " — did you mean \"" + std::string{near} + "\"?"));
  return failed;
}

int specialists(node_client& client, const specialists_options& o) {
  if (!o.name.empty()) return one_specialist(client, o);
  const auto all = client.get("/v1/specialists");
  if (!all) return client.code();
  json chosen = json::array();
  for (const auto& one : all->value("items", json::array()))
    if ((o.department.empty() || text_of(one, "department") == o.department)
        && (o.state.empty() || text_of(one, "state") == o.state))
      chosen.push_back(one);
  if (chosen.empty() && !o.department.empty())
    if (const auto code = unknown_department(o.department, *all)) return *code;
  if (o.how.as_json) {
    print_json({{"items", chosen}});
    return done;
  }
  if (chosen.empty()) {
    std::printf("no specialists\n");
    return done;
  }
  table rows{{{"SPECIALIST"},
              {"DEPARTMENT", false, 1},
              {"PRIORITY", false, 5},
              {"STATE"},
              {"PID", true, 2},
              {"MB", true},
              {"CPU", true, 6},
              {"WAITING", true},
              {"TASKS", true},
              {"COLD", true, 4},
              {"START", true, 3}}};
  for (const auto& one : chosen) {
    const auto state = text_of(one, "state", "?");
    const auto pid = number_of(one, "pid");
    // The worker still runs the definition from before a reload, until it is idle.
    const auto* const old = text_of(one, "definition") == "old" ? " (old)" : "";
    rows.add({text_of(one, "name"), text_of(one, "department"), text_of(one, "priority"),
              state + old, pid > 0 ? fixed(pid, 0) : "-", fixed(number_of(one, "memory_mb"), 1),
              pid > 0 ? percent(number_of(one, "cpu_share"), 0) : "-",
              fixed(number_of(one, "queue_depth"), 0), fixed(number_of(one, "tasks"), 0),
              fixed(number_of(one, "cold_starts"), 0),
              number_of(one, "start_ms") > 0 ? spoken_duration(number_of(one, "start_ms")) : "-"},
             3, colour_of_specialist(state));
  }
  std::printf("%s", rows.text().c_str());
  for (const auto& one : chosen)
    if (text_of(one, "state") == "failed")
      print_text(text_of(one, "name") + " cannot be started: " + text_of(one, "last_error", "?")
                 + "\n");
  return done;
}

struct warm_options {
  asking how;
  std::string specialist, timeout;
};

/// Until a start or stop begins: a slot may have to be freed first, and a busy worker must finish.
constexpr std::chrono::seconds begin_patience{10};
/// Until the start or stop is done; the node's own timeouts are usually shorter.
constexpr std::chrono::minutes whole_patience{2};
/// The node acts at once or not at all, so the request is repeated.
constexpr std::chrono::seconds ask_again{1};

/// Sends the request and polls until the state is reached or the time is over.
int warm_or_cool(const warm_options& o, bool warm) {
  using std::chrono::steady_clock;
  const auto& how = o.how;
  const auto& name = o.specialist;
  std::chrono::milliseconds patience = whole_patience;
  if (!o.timeout.empty()) {
    const auto bound = read_duration(o.timeout);
    if (!bound) return wrong_usage;
    patience = *bound;
  }
  const auto until_begun = o.timeout.empty() ? begin_patience : patience;
  node_client client{how};
  const auto about = "/v1/specialists/" + url_escape(name);
  const auto order = about + (warm ? "/warm" : "/cool");
  const auto begun = steady_clock::now();
  auto asked = begun;
  auto now = client.call("POST", order, json::object());
  std::string state;
  for (;;) {
    if (!now) return client.code();
    state = text_of(*now, "state");
    const bool there = warm ? state == "warm" || state == "busy" : state == "cold";
    const bool under_way = state == "warming" || state == "cooling";
    const auto at = steady_clock::now();
    if (there || at - begun > (under_way ? patience : until_begun)) break;
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    if (!under_way && at - asked >= ask_again) {
      asked = at;
      now = client.call("POST", order, json::object());
    } else {
      now = client.get(about);
    }
  }
  const bool good = warm ? state == "warm" || state == "busy" : state == "cold";
  const auto last_error = text_of(*now, "last_error");
  if (how.as_json)
    print_json(*now);
  else if (good)
    std::printf("%s: %s\n", text_of(*now, "name", name).c_str(), state.c_str());
  else
    say_problem("failed",
                name + " is " + state + " — "
                    + (!warm && state == "busy"     ? "it is stopped as soon as its tasks are done"
                       : !warm && state == "failed" ? "it does not run: " + last_error
                       : !warm ? "the pool keeps it warm and has started it again"
                       : last_error.empty()
                           ? "there was no free slot for it; see greenroom specialists --state warm"
                           : last_error));
  return good ? done : failed;
}

void define_warm_or_cool(CLI::App& verb, outcome& result, bool warm, const char* description,
                         const char* footer) {
  verb.description(description);
  auto o = std::make_shared<warm_options>();
  verb.add_option("NAME", o->specialist, "A specialist, or an alias of one")->required();
  verb.add_option(
      "--timeout", o->timeout,
      "How long to wait until it is done (default: 10s until it begins, 2m until it is done)");
  add_asking_options(verb, o->how);
  verb.footer(footer);
  verb.callback([o, warm, &result] { result.code = warm_or_cool(*o, warm); });
}

}  // namespace

void define_specialists(CLI::App& verb, outcome& result) {
  verb.description("The cast: who is warm, busy, cold");
  auto o = std::make_shared<specialists_options>();
  verb.add_option("NAME", o->name, "Everything about this specialist");
  verb.add_option("--department", o->department, "Only specialists of this department");
  verb.add_option("--state", o->state, "Only specialists in this state")
      ->check(CLI::IsMember({"cold", "warming", "warm", "busy", "cooling", "failed"}));
  add_asking_options(verb, o->how);
  add_watch_option(verb, o->how);
  verb.footer(
      "Example:\n"
      "  greenroom specialists --state warm --watch\n"
      "  greenroom specialists api-architect --json");
  verb.callback([o, &result] {
    node_client client{o->how};
    result.code = once_or_watch(o->how, [&] { return specialists(client, *o); });
  });
}

void define_warm(CLI::App& verb, outcome& result) {
  define_warm_or_cool(
      verb, result, true, "Start the worker of a specialist now",
      "Example:\n  greenroom warm api-architect\n  greenroom warm api-architect --timeout 1m");
}

void define_cool(CLI::App& verb, outcome& result) {
  define_warm_or_cool(
      verb, result, false, "Stop the worker of a specialist once its tasks are done",
      "Until pool.cooldown has passed, only a task or `greenroom warm` starts the worker "
      "again.\n\nExample:\n  greenroom cool api-architect");
}

}  // namespace greenroom::apps
