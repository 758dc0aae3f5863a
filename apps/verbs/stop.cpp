// `greenroom stop`: drains and ends the node, like SIGTERM.
#include "apps/client/asking.hpp"
#include "apps/client/verb.hpp"

#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

namespace greenroom::apps {
namespace {

struct stop_options {
  asking how;
  std::string timeout = "2m";
  bool now = false;
  bool async = false;
};

constexpr std::chrono::milliseconds poll_period{50};

int stop(const stop_options& o) {
  const auto patience = read_duration(o.timeout);
  if (!patience) return wrong_usage;
  node_client client{o.how};
  const auto begun =
      client.call("POST", o.now ? "/v1/stop?now=true" : "/v1/stop", nlohmann::json::object());
  if (!begun) return client.code();
  if (o.async) {
    if (o.how.as_json)
      print_json(*begun);
    else
      std::printf("%s\n", text_of(*begun, "state", "draining").c_str());
    return done;
  }
  const auto address = node_address::parse(o.how.node);
  const auto until = std::chrono::steady_clock::now() + *patience;
  while (std::chrono::steady_clock::now() < until) {
    http_client probe{*address};
    const auto answer = probe.ask("GET", "/health/live", {}, std::chrono::seconds{2});
    if (!answer && !answer.error().timed_out) {
      if (o.how.as_json)
        print_json({{"state", "stopped"}});
      else
        std::printf("stopped\n");
      return done;
    }
    std::this_thread::sleep_for(poll_period);
  }
  say_problem("failed", "the node still answers after " + o.timeout
                            + " — it waits for running tasks (shutdown_grace); greenroom stop "
                              "--now ends it at once");
  return failed;
}

}  // namespace

void define_stop(CLI::App& verb, outcome& result) {
  verb.description("Drain the node and end it");
  auto o = std::make_shared<stop_options>();
  verb.add_flag("--now", o->now, "Do not wait for running tasks; the journal keeps them");
  verb.add_flag("--async", o->async, "Do not wait until the node has ended");
  verb.add_option("--timeout", o->timeout, "How long to wait for its end")
      ->type_name("2m")
      ->capture_default_str();
  add_asking_options(verb, o->how);
  verb.footer(
      "As after SIGTERM: the node takes no new task, lets accepted ones finish within\n"
      "shutdown_grace, stops its workers and ends.\n\n"
      "Example:\n  greenroom stop\n  greenroom stop --now");
  verb.callback([o, &result] { result.code = stop(*o); });
}

}  // namespace greenroom::apps
