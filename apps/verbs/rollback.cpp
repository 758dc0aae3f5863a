// `greenroom rollback`: returns all traffic to the always-warm pool, and reports the result.
#include "apps/client/asking.hpp"
#include "apps/client/confirm.hpp"
#include "apps/client/terminal.hpp"
#include "apps/client/verb.hpp"

#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

namespace greenroom::apps {
namespace {

using nlohmann::json;

struct rollback_options {
  asking how;
  std::string reason, id;
  bool planned = false;
  bool yes = false;
  bool async = false;
  bool confirm = false;
  bool cancel = false;
};

bool finished(const json& one) {
  const auto state = text_of(one, "state");
  return state == "done" || state == "unverified" || state == "cancelled";
}

void print_rollback(const json& one) {
  const auto state = text_of(one, "state", "?");
  const auto shade = state == "done"         ? colour::green
                     : state == "unverified" ? colour::red
                                             : colour::yellow;
  print_text("rollback " + text_of(one, "id", "?") + "  " + paint(state, shade) + "  "
             + text_of(one, "trigger") + ": " + text_of(one, "reason") + "\n");
  if (one.contains("duration_ms") && one["duration_ms"].is_number())
    print_text("took         " + spoken_duration(number_of(one, "duration_ms"))
               + " (switched after " + spoken_duration(number_of(one, "switched_after_ms")) + "), "
               + fixed(number_of(one, "requeued"), 0) + " tasks re-queued, "
               + fixed(number_of(one, "fenced"), 0) + " cut off and run again\n");
  if (state == "awaiting_confirmation")
    std::printf(
        "             `greenroom rollback --confirm` carries it out, `--cancel` calls it off\n");
  const auto checks = one.value("verification", json::object());
  for (const auto& [name, check] : checks.items()) {
    const auto verdict = text_of(check, "state", "?");
    print_text(padded("  " + name, 24) + " "
               + paint(verdict, verdict == "passed"   ? colour::green
                                : verdict == "failed" ? colour::red
                                                      : colour::grey)
               + "  " + text_of(check, "detail") + "\n");
  }
}

void print_analysis(const json& one) {
  const auto analysis = one.value("analysis", json{});
  if (!analysis.is_object()) {
    std::printf("there is no analysis of it\n");
    return;
  }
  print_text(text_of(analysis, "summary") + "\n");
  for (const auto& finding : analysis.value("findings", json::array())) {
    print_text(" " + fixed(number_of(finding, "rank"), 0) + ".  " + text_of(finding, "text")
               + "\n");
    for (const auto& event : finding.value("before", json::array()))
      print_text("      before:  " + text_of(event, "at") + " " + text_of(event, "kind") + " "
                 + text_of(event, "subject") + "\n");
  }
}

int show(const asking& how, const json& one) {
  if (how.as_json) {
    print_json(one);
  } else {
    print_rollback(one);
    if (const auto way_back = text_of(one, "way_back"); !way_back.empty())
      print_labelled("way back", colour::none, way_back);
  }
  return text_of(one, "state") == "unverified" ? failed : done;
}

/// Draws the rollback's steps until it has ended.
int follow(node_client& client, const rollback_options& o, json one) {
  live_block block;
  const auto path = "/v1/rollbacks/" + text_of(one, "id", "last");
  while (!finished(one)) {
    if (text_of(one, "state") == "awaiting_confirmation") break;
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
    const auto now = client.get(path);
    if (!now) return client.code();
    one = *now;
    std::string line = "rollback " + text_of(one, "id") + "  ";
    for (const auto& step : one.value("steps", json::array()))
      line += text_of(step, "state") + " > ";
    if (!o.how.as_json) block.draw({line});
  }
  block.clear();
  return show(o.how, one);
}

/// Confirms or cancels the rollback that awaits confirmation.
int decide(const rollback_options& o) {
  if (o.confirm && !confirmed("Move all traffic back to the baseline pool?", o.yes))
    return wrong_usage;
  node_client client{o.how};
  const auto answer = client.call("POST", "/v1/rollback",
                                  o.confirm ? json{{"confirm", true}} : json{{"cancel", true}});
  if (!answer) return client.code();
  return o.async || o.cancel ? show(o.how, *answer) : follow(client, o, *answer);
}

int roll_back(const rollback_options& o) {
  if (o.confirm || o.cancel) return decide(o);
  if (o.reason.empty()) {
    say_problem("wrong-usage",
                "rollback needs --reason TEXT — for example: greenroom rollback "
                "--reason \"errors since noon\"");
    return wrong_usage;
  }
  if (!confirmed(o.planned ? "Move all traffic back to the baseline pool, step by step?"
                           : "Move all traffic back to the baseline pool at once?",
                 o.yes || !o.planned))
    return wrong_usage;
  node_client client{o.how};
  const auto begun =
      client.call("POST", "/v1/rollback",
                  {{"reason", o.reason}, {"mode", o.planned ? "planned" : "emergency"}});
  if (!begun) return client.code();
  if (o.async) return show(o.how, *begun);
  return follow(client, o, *begun);
}

int rollback_status(const rollback_options& o) {
  node_client client{o.how};
  if (!o.id.empty()) {
    const auto one = client.get("/v1/rollbacks/" + url_escape(o.id));
    return one ? show(o.how, *one) : client.code();
  }
  const auto all = client.get("/v1/rollbacks");
  if (!all) return client.code();
  if (o.how.as_json) {
    print_json(*all);
    return done;
  }
  const auto items = all->value("items", json::array());
  if (items.empty()) std::printf("there was no rollback\n");
  for (const auto& one : items) print_rollback(one);
  return done;
}

int verify(const rollback_options& o) {
  node_client client{o.how};
  if (!o.id.empty()) return rollback_status(o);
  const auto begun = client.call("POST", "/v1/rollback/verify", json::object());
  return begun ? follow(client, o, *begun) : client.code();
}

int analyze(const rollback_options& o) {
  node_client client{o.how};
  const auto one = client.get("/v1/rollbacks/" + (o.id.empty() ? "last" : url_escape(o.id)));
  if (!one) return client.code();
  if (o.how.as_json)
    print_json(one->value("analysis", json{}));
  else
    print_analysis(*one);
  return done;
}

}  // namespace

void define_rollback(CLI::App& verb, outcome& result) {
  verb.description("Move all traffic back to the baseline pool");
  auto o = std::make_shared<rollback_options>();
  verb.add_option("--reason", o->reason, "Why, for the record")->type_name("TEXT");
  verb.add_flag("--planned", o->planned, "Step by step instead of at once");
  verb.add_flag("--yes", o->yes, "Skip the confirmation");
  auto* confirm = verb.add_flag("--confirm", o->confirm, "Carry out the proposed rollback");
  verb.add_flag("--cancel", o->cancel, "Call off the proposed rollback")->excludes(confirm);
  verb.add_flag("--async", o->async, "Do not wait for the end of the rollback");
  add_asking_options(verb, o->how);
  verb.footer(
      "Example:\n"
      "  greenroom rollback --reason \"errors since noon\"\n"
      "  greenroom rollback --reason \"end of trial\" --planned --yes\n"
      "  greenroom rollback analyze");
  verb.require_subcommand(0, 1);
  const auto add = [&](const char* name, const char* description,
                       int (*run)(const rollback_options&)) {
    auto* one = verb.add_subcommand(name, description);
    auto options = std::make_shared<rollback_options>();
    one->add_option("ID", options->id, "Which rollback; without it the last one");
    add_asking_options(*one, options->how);
    one->footer(std::string{"Example:\n  greenroom rollback "} + name);
    one->callback([options, run, &result] { result.code = run(*options); });
  };
  add("status", "Show how the rollbacks went", rollback_status);
  add("verify", "Run the checklist of the last rollback again", verify);
  add("analyze", "Show which metric got worse first, and what changed before", analyze);
  verb.callback([&verb, o, &result] {
    if (verb.get_subcommands().empty()) result.code = roll_back(*o);
  });
}

}  // namespace greenroom::apps
