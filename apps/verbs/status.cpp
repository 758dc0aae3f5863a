// `greenroom status` and `greenroom health`: the node's state and measured figures.
#include "apps/client/asking.hpp"
#include "apps/client/terminal.hpp"
#include "apps/client/verb.hpp"

#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <vector>

namespace greenroom::apps {
namespace {

using nlohmann::json;

colour colour_of_health(const std::string& status) {
  if (status == "HEALTHY") return colour::green;
  return status == "DEGRADED" ? colour::yellow : colour::red;
}

std::string state_of(const json& one) { return text_of(one, "state", "?"); }

/// Prints the last checks from the node's history.
void print_history(const json& history) {
  const auto points = history.value("items", json::array());
  if (points.size() < 2) return;
  constexpr std::size_t bars = 40;
  const auto line = [&](const char* title, const char* metric) {
    std::vector<double> values;
    for (const auto& point : points) values.push_back(number_of(point, metric, NAN));
    const auto sum = history.value("summary", json::object()).value(metric, json::object());
    if (sum.empty()) return;
    std::printf("%-10s%s  %s\n", title, sparkline(values, bars).c_str(),
                text_of(sum, "last_text").c_str());
  };
  std::printf("\nlast %s\n", spoken_duration(number_of(history, "last_s") * 1000).c_str());
  line("health", "health");
  line("warm hits", "warm_hit_rate");
  line("response", "response_mean_ms");
  line("waiting", "queue_depth");
  line("memory", "memory_mb");
  line("errors", "error_rate");
}

void print_reasons(const json& whole) {
  for (const auto& one : whole.value("reasons", json::array())) {
    const auto severity = text_of(one, "severity", "?");
    const auto paint_as = severity == "critical"  ? colour::red
                          : severity == "warning" ? colour::yellow
                                                  : colour::grey;
    print_labelled(severity, paint_as,
                   text_of(one, "reason") + " (" + text_of(one, "change") + ")");
  }
}

void print_headline(const json& pooling, const std::string& node) {
  const auto status = text_of(pooling, "status", "?");
  const auto alerts = number_of(pooling, "alerts");
  std::printf(
      "%s  %s  up %s  %s\n", paint(status, colour_of_health(status)).c_str(), node.c_str(),
      spoken_duration(number_of(pooling, "uptime")).c_str(),
      alerts > 0
          ? paint(fixed(alerts, 0) + (alerts > 1 ? " alerts" : " alert"), colour::yellow).c_str()
          : "no alerts");
}

void print_quality(const json& why) {
  const auto quality = why.value("quality", json::object());
  const auto share = [&quality](const char* name) {
    const auto found = quality.find(name);
    return found != quality.end() && found->is_number() ? percent(found->get<double>())
                                                        : std::string{"not measured"};
  };
  print_labelled("quality", colour::none,
                 "availability " + share("availability") + ", prediction accuracy "
                     + share("prediction_accuracy") + ", workflow detection "
                     + share("workflow_detection"));
}

/// The measured figures of the whole node.
void print_figures(const json& pooling, const json& specialists) {
  const auto& counts = pooling.value("specialists", json::object());
  const auto& performance = pooling.value("performance", json::object());
  const auto& memory = pooling.value("memory", json::object());
  print_labelled("warm", colour::none,
                 text_of(counts, "warm", "?") + " of " + text_of(counts, "total", "?")
                     + " specialists (" + percent(number_of(counts, "utilization")) + ")");
  double cores = 0;
  for (const auto& one : specialists.value("items", json::array()))
    cores += number_of(one, "cpu_share");
  print_labelled("cpu", colour::none, fixed(cores, 2) + " cores kept busy by workers");
  print_labelled("memory", colour::none,
                 fixed(number_of(memory, "current"), 1) + " MB in use, "
                     + fixed(number_of(memory, "saved"), 1) + " MB saved ("
                     + fixed(number_of(memory, "efficiency"), 1) + " % of always-warm)");
  print_labelled("response", colour::none,
                 spoken_duration(number_of(performance, "averageResponseTime")) + " on average, "
                     + percent(number_of(performance, "warmHitRate")) + " warm hits, "
                     + text_of(performance, "queueDepth", "?") + " waiting");
}

struct department_totals {
  std::map<std::string, int> states;  ///< Specialists by state.
  int all = 0;
  double memory_mb = 0;
  double waiting = 0;
};

void print_departments(const json& specialists) {
  std::map<std::string, department_totals> departments;
  for (const auto& one : specialists.value("items", json::array())) {
    auto& totals = departments[text_of(one, "department", "?")];
    const auto state = state_of(one);
    ++totals.states[state];
    ++totals.all;
    if (state != "cold") totals.memory_mb += number_of(one, "memory_mb");
    totals.waiting += number_of(one, "queue_depth");
  }
  table rows{{{"DEPARTMENT"},
              {"WARM", true},
              {"OF", true},
              {"BUSY", true, 2},
              {"WARMING", true, 1},
              {"FAILED", true},
              {"WAITING", true},
              {"MB", true}}};
  for (auto& [name, totals] : departments) {
    const int busy = totals.states["busy"];
    rows.add({name, std::to_string(totals.states["warm"] + busy), std::to_string(totals.all),
              std::to_string(busy), std::to_string(totals.states["warming"]),
              std::to_string(totals.states["failed"]), fixed(totals.waiting, 0),
              fixed(totals.memory_mb, 1)},
             5, totals.states["failed"] > 0 ? colour::red : colour::none);
  }
  if (rows.rows() > 0) std::printf("\n%s", rows.text().c_str());
}

void print_status(const json& pooling, const json& why, const json& specialists,
                  const std::string& node) {
  print_headline(pooling, node);
  print_reasons(why);
  if (const auto way_back = text_of(why, "way_back"); !way_back.empty())
    print_labelled("way back", colour::none, way_back);
  print_quality(why);
  print_figures(pooling, specialists);
  print_departments(specialists);
}

int status(node_client& client, const asking& how) {
  const auto pooling = client.get("/health/intelligent-pooling");
  if (!pooling) return client.code();
  const auto why = client.get("/v1/status");
  if (!why) return client.code();
  const auto specialists = client.get("/v1/specialists");
  if (!specialists) return client.code();
  if (how.as_json) {
    json whole = *pooling;
    whole["reasons"] = why->value("reasons", json::array());
    whole["quality"] = why->value("quality", json::object());
    whole["way_back"] = why->value("way_back", json{});
    whole["health_score"] = number_of(*why, "health_score", 1);
    whole["node"] = how.node;
    whole["items"] = specialists->value("items", json::array());
    print_json(whole);
  } else {
    print_status(*pooling, *why, *specialists, how.node);
    // 40 checks, one bar each.
    if (how.watch) {
      const auto interval_s =
          number_of(client.get("/v1/history?points=1").value_or(json{}), "interval_s", 15);
      const auto history = client.get(
          "/v1/history?points=40&last=" + std::to_string(std::lround(interval_s * 40e3)) + "ms");
      if (!history) return client.code();
      print_history(*history);
    }
  }
  return done;
}

int health(node_client& client, const asking& how) {
  const auto live = client.raw("GET", "/health/live");
  if (!live) return client.code();
  const auto ready = client.raw("GET", "/health/ready");
  if (!ready) return client.code();
  const auto pooling = client.raw("GET", "/health/intelligent-pooling");
  if (!pooling) return client.code();
  const auto measured = json::parse(pooling->body, nullptr, false);
  const auto status = text_of(measured, "status", "CRITICAL");
  const bool good = live->good() && ready->good() && status != "CRITICAL";
  if (how.as_json) {
    print_json({{"live", live->good()},
                {"ready", ready->good()},
                {"pooling", measured.is_discarded() ? json{} : measured}});
    return good ? done : failed;
  }
  const auto line = [](const char* name, bool ok, const std::string& text) {
    std::printf("%-8s %s\n", name, paint(text, ok ? colour::green : colour::red).c_str());
  };
  line("live", live->good(), live->good() ? "yes" : "no");
  line("ready", ready->good(), ready->good() ? "yes" : "no");
  std::printf("%-8s %s\n", "pooling", paint(status, colour_of_health(status)).c_str());
  return good ? done : failed;
}

}  // namespace

void define_status(CLI::App& verb, outcome& result) {
  verb.description("What the node is doing, by department");
  auto how = std::make_shared<asking>();
  add_asking_options(verb, *how);
  add_watch_option(verb, *how);
  verb.footer("Example:\n  greenroom status --watch --interval 1");
  verb.callback([how, &result] {
    node_client client{*how};
    result.code = once_or_watch(*how, [&] { return status(client, *how); });
  });
}

void define_health(CLI::App& verb, outcome& result) {
  verb.description("Live, ready, healthy? Exit code 1 when not");
  auto how = std::make_shared<asking>();
  add_asking_options(verb, *how);
  add_watch_option(verb, *how);
  verb.footer("Example:\n  greenroom health --json || systemctl restart greenroom");
  verb.callback([how, &result] {
    node_client client{*how};
    result.code = once_or_watch(*how, [&] { return health(client, *how); });
  });
}

}  // namespace greenroom::apps
