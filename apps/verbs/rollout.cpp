// `greenroom rollout` and `greenroom routing`: controls the six phases of a rollout.
#include "apps/client/asking.hpp"
#include "apps/client/confirm.hpp"
#include "apps/client/terminal.hpp"
#include "apps/client/verb.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>

namespace greenroom::apps {
namespace {

using nlohmann::json;

struct rollout_options {
  asking how;
  std::string reason;
  bool force = false;
  bool yes = false;
  double percentage = 0;
};

colour colour_of_verdict(const std::string& verdict) {
  if (verdict == "PASS") return colour::green;
  return verdict == "FAIL" ? colour::red : colour::yellow;
}

std::string bar(double share) {
  constexpr long width = 30;
  const auto full = std::lround(std::clamp(share, 0.0, 1.0) * double{width});
  std::string text = "[";
  for (long i = 0; i < width; ++i) text += i < full ? '#' : '.';
  return text + "]";
}

void print_arm(const char* name, const json& of) {
  if (number_of(of, "tasks") == 0) {
    std::printf("%-12s no tasks in this stage\n", name);
    return;
  }
  std::printf("%-12s %s tasks, %s failed, %s mean, %s p95\n", name,
              fixed(number_of(of, "tasks"), 0).c_str(), fixed(number_of(of, "errors"), 0).c_str(),
              spoken_duration(number_of(of, "mean_ms")).c_str(),
              spoken_duration(number_of(of, "p95_ms")).c_str());
}

void print_rollout(const json& now) {
  const auto state = text_of(now, "standing", "?");
  const auto shade = state == "rolled_back" ? colour::red
                     : state == "complete"  ? colour::green
                                            : colour::bold;
  std::printf("%s  %s  mode %s, %s %% to the intelligent pool\n",
              paint(text_of(now, "phase", "?"), colour::bold).c_str(), paint(state, shade).c_str(),
              text_of(now, "mode", "?").c_str(), fixed(number_of(now, "percentage"), 0).c_str());
  const auto hold = number_of(now, "hold_s");
  if (hold > 0) {
    const auto share = std::min(1.0, number_of(now, "held_s") / hold);
    std::printf("hold         %s %s of %s\n", bar(share).c_str(),
                spoken_duration(number_of(now, "held_s") * 1000).c_str(),
                spoken_duration(hold * 1000).c_str());
  }
  const auto baseline = now.value("baseline", json::object());
  std::printf("baseline     %s of %s warm\n", text_of(baseline, "warm", "?").c_str(),
              text_of(baseline, "total", "?").c_str());
  const auto evidence = now.value("evidence", json::object());
  print_arm("baseline", evidence.value("baseline", json::object()));
  print_arm("intelligent", evidence.value("intelligent", json::object()));
  const auto judgement = now.value("judgement", json{});
  if (judgement.is_object()) {
    const auto verdict = text_of(judgement, "verdict", "?");
    std::printf("judged       %s\n", paint(verdict, colour_of_verdict(verdict)).c_str());
    for (const auto& one : judgement.value("findings", json::array())) {
      const auto found = text_of(one, "verdict", "?");
      print_text(padded("  " + text_of(one, "name"), 20) + " "
                 + paint(found, colour_of_verdict(found)) + "  " + text_of(one, "text") + "\n");
    }
  }
  if (const auto way_back = text_of(now, "way_back"); !way_back.empty())
    print_labelled("way back", colour::none, way_back);
  const auto decisions = now.value("decisions", json::array());
  constexpr std::size_t shown = 5;
  const auto from = decisions.size() - std::min(decisions.size(), shown);
  for (auto i = from; i < decisions.size(); ++i) {
    print_text(paint(text_of(decisions[i], "at"), colour::grey) + "  "
               + padded(text_of(decisions[i], "kind"), 9) + "  " + text_of(decisions[i], "reason")
               + "\n");
  }
}

int show(const asking& how, const std::optional<json>& now, int code) {
  if (!now) return code;
  if (how.as_json)
    print_json(*now);
  else
    print_rollout(*now);
  return done;
}

int rollout_status(const rollout_options& o) {
  node_client client{o.how};
  return once_or_watch(o.how, [&] {
    const auto now = client.get("/v1/rollout");
    return show(o.how, now, client.code());
  });
}

int steer(const rollout_options& o, const char* verb, const char* question) {
  if (question != nullptr && !confirmed(question, o.yes)) return wrong_usage;
  node_client client{o.how};
  json body = json::object();
  if (!o.reason.empty()) body["reason"] = o.reason;
  if (o.force) body["force"] = true;
  body["who"] = user_name();
  const auto now = client.call("POST", std::string{"/v1/rollout/"} + verb, body);
  return show(o.how, now, client.code());
}

int route(const rollout_options& o) {
  const auto question =
      "Send " + fixed(o.percentage, 0) + " % of the tasks to the intelligent pool?";
  if (!confirmed(question.c_str(), o.yes)) return wrong_usage;
  node_client client{o.how};
  const auto now =
      client.call("PUT", "/v1/routing", {{"percentage", o.percentage}, {"who", user_name()}});
  return show(o.how, now, client.code());
}

}  // namespace

void define_rollout(CLI::App& verb, outcome& result) {
  verb.description("Move traffic to the intelligent pool, step by step");
  verb.require_subcommand(1);
  verb.footer(
      "Example:\n"
      "  greenroom rollout start\n"
      "  greenroom rollout status --watch\n"
      "  greenroom rollout advance --yes");
  const auto add = [&](const char* name, const char* description, auto options, auto run) {
    auto* one = verb.add_subcommand(name, description);
    auto o = std::make_shared<rollout_options>();
    add_asking_options(*one, o->how);
    options(*one, *o);
    one->footer(std::string{"Example:\n  greenroom rollout "} + name);
    one->callback([o, run, &result] { result.code = run(*o); });
  };
  const auto nothing = [](CLI::App&, rollout_options&) {};
  const auto with_yes = [](CLI::App& one, rollout_options& o) {
    one.add_flag("--yes", o.yes, "Skip the confirmation");
  };
  add("start", "Start a rollout with the preparation phase", nothing,
      [](const rollout_options& o) { return steer(o, "start", nullptr); });
  add(
      "status", "Show the phase and the latest judgement",
      [](CLI::App& one, rollout_options& o) { add_watch_option(one, o.how); }, rollout_status);
  add(
      "advance", "Go to the next step now, or confirm it",
      [](CLI::App& one, rollout_options& o) {
        one.add_flag("--yes", o.yes, "Skip the confirmation");
        one.add_flag("--force", o.force, "Continue without enough data, too");
      },
      [](const rollout_options& o) {
        return steer(o, "advance", "Go on to the next phase or percentage?");
      });
  add("pause", "Hold the current step; automatic rollback stays active", nothing,
      [](const rollout_options& o) { return steer(o, "pause", nullptr); });
  add("resume", "Continue after a pause", nothing,
      [](const rollout_options& o) { return steer(o, "resume", nullptr); });
  add(
      "abort", "End the rollout: back to the baseline, or to the intelligent pool",
      [with_yes](CLI::App& one, rollout_options& o) {
        with_yes(one, o);
        one.add_option("--reason", o.reason, "For the record");
      },
      [](const rollout_options& o) {
        return steer(o, "abort", "End the rollout and return to the state before it?");
      });
  add("reset", "After a rollback: return to pool.mode at once, without a judgement", with_yes,
      [](const rollout_options& o) {
        return steer(o, "reset", "Let pool.mode decide again which pool answers?");
      });
}

void define_routing(CLI::App& verb, outcome& result) {
  verb.description("Set the percentage of traffic for the intelligent pool");
  auto o = std::make_shared<rollout_options>();
  verb.add_option("PERCENT", o->percentage, "0 to 100")->required()->check(within(0.0, 100.0));
  verb.add_flag("--yes", o->yes, "Skip the confirmation");
  add_asking_options(verb, o->how);
  verb.footer("Example:\n  greenroom routing 25 --yes");
  verb.callback([o, &result] { result.code = route(*o); });
}

}  // namespace greenroom::apps
