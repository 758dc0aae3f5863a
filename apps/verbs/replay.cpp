// `greenroom replay`: sends recorded traffic to a node, at recorded speed or faster.
#include "apps/client/asking.hpp"
#include "apps/client/verb.hpp"
#include "apps/load/load_driver.hpp"
#include "apps/load/load_report.hpp"
#include "protocols/base/duration.hpp"
#include "protocols/base/json_writer.hpp"
#include "runtime/machine/trace/trace_file.hpp"
#include "runtime/simulation/comparison.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <set>
#include <vector>

namespace greenroom::apps {
namespace {

using nlohmann::json;
namespace load = runtime::load;

struct replay_options {
  asking how;
  std::string trace;
  double speed = 1;
  std::string warmup = "0s";
  std::string first;
  std::size_t limit = 0;
  std::size_t connections = 256;
  std::string input = "null";
  std::string patience = "30s";
  bool cast = false;
  std::vector<std::string> thresholds;
};

std::optional<std::vector<load::threshold>> read_thresholds(const std::vector<std::string>& from) {
  std::vector<load::threshold> result;
  for (const auto& text : from) {
    const auto parsed = load::parse_threshold(text);
    if (!parsed) {
      say_problem("wrong-usage", '"' + text + "\" is not a threshold — write p95_ms<250");
      return std::nullopt;
    }
    result.push_back(*parsed);
  }
  return result;
}

/// The node's specialist for each specialist of the recording: the same name where the node has it;
/// else, with `give_out_cast`, the cast in rotation. Returns nothing when a specialist that is used
/// has no counterpart.
std::optional<std::vector<std::string>> roles(const runtime::trace& recorded, std::size_t end,
                                              const std::vector<std::string>& cast,
                                              bool give_out_cast) {
  std::set<std::size_t> used;
  for (std::size_t at = 0; at < end; ++at) used.insert(recorded.requests[at].who);
  const std::set<std::string> known{cast.begin(), cast.end()};
  std::vector<std::string> result;
  std::vector<std::string> unknown;
  std::size_t turn = 0;
  for (std::size_t index = 0; index < recorded.specialists.size(); ++index) {
    const auto& name = recorded.specialists[index];
    if (known.contains(name)) {
      result.push_back(name);
    } else {
      if (used.contains(index)) unknown.push_back(name);
      result.push_back(cast[turn++ % cast.size()]);
    }
  }
  if (unknown.empty() || give_out_cast) return result;
  say_problem("no-such-specialist",
              "the node does not know " + std::to_string(unknown.size()) + " of the "
                  + std::to_string(used.size()) + " specialists in the recording (\""
                  + unknown.front() + '"' + (unknown.size() > 1 ? ", …" : "")
                  + ") — use --cast to send their tasks to the node's own cast, in turn");
  return std::nullopt;
}

/// The options, read.
struct replay_settings {
  std::vector<load::threshold> thresholds;
  std::chrono::milliseconds patience{0};
  double warmup_s = 0;
  double first_s = 0;  ///< 0: all of the recording.
};

/// Prints the problem and returns nothing when an option is wrong.
std::optional<replay_settings> read_options(const replay_options& o) {
  const auto no_duration = [](const std::string& text) {
    say_no_duration(text);
    return std::nullopt;
  };
  auto thresholds = read_thresholds(o.thresholds);
  if (!thresholds) return std::nullopt;
  const auto patience = read_duration(o.patience);
  if (!patience) return std::nullopt;
  const auto warmup_s = base::parse_seconds(o.warmup);
  if (!warmup_s) return no_duration(o.warmup);
  const auto first_s = base::parse_seconds(o.first.empty() ? "0" : o.first);
  if (!first_s) return no_duration(o.first);
  if (!json::accept(o.input)) {
    say_problem("wrong-usage", "the input is not JSON: " + o.input);
    return std::nullopt;
  }
  return replay_settings{std::move(*thresholds), *patience, *warmup_s, *first_s};
}

/// Prints the problem and returns nothing when there is no recording with requests.
std::optional<runtime::trace> read_recording(const std::string& file) {
  auto read = machine::read_trace(file);
  if (const auto* why = std::get_if<machine::trace_error>(&read)) {
    say_problem("wrong-recording", why->what);
    return std::nullopt;
  }
  auto& recorded = std::get<runtime::trace>(read);
  if (recorded.requests.empty()) {
    say_problem("wrong-recording", file + " has no requests");
    return std::nullopt;
  }
  return std::move(recorded);
}

/// How many requests of the recording are sent.
std::size_t count_of(const replay_options& o, const runtime::trace& recorded, double first_s) {
  const auto& requests = recorded.requests;
  auto end = requests.size();
  if (o.limit > 0) end = std::min(end, o.limit);
  if (first_s > 0)
    while (end > 1 && requests[end - 1].time_s - requests.front().time_s > first_s) --end;
  return end;
}

std::string task_of(const std::string& specialist, const std::string& input,
                    std::uint64_t case_key) {
  base::json_object task{{"specialist", specialist}};
  task.raw("input", input);
  if (case_key != 0) task.add("case", std::to_string(case_key));
  return std::move(task).text();
}

int send(const replay_options& o, const replay_settings& how, const runtime::trace& recorded,
         std::size_t end, const std::vector<std::string>& parts) {
  const auto& requests = recorded.requests;
  const double origin = requests.front().time_s;
  std::size_t at = 0;
  load_job job;
  job.where = *node_address::parse(o.how.node);
  job.connections_max = o.connections;
  job.patience = how.patience;
  job.warmup_s = how.warmup_s;
  job.next = [&]() -> std::optional<timed_request> {
    if (at == end) return std::nullopt;
    const auto& one = requests[at++];
    return timed_request{(one.time_s - origin) / o.speed,
                         {"/v1/tasks", task_of(parts[one.who], o.input, one.case_key)}};
  };
  const double whole = (requests[end - 1].time_s - origin) / o.speed;
  load_display display{whole};
  const auto name = "replay of " + o.trace;
  if (!o.how.as_json) {
    std::printf("%s: %zu requests to %zu specialists in %s, %s× as fast as recorded\n",
                name.c_str(), end, recorded.specialists.size(),
                spoken_duration(whole * 1e3).c_str(), fixed(o.speed, 2).c_str());
    std::fflush(stdout);
    job.watch = [&](const load_progress& now) { display.show(now); };
  }
  const auto result = run_load(job);
  display.finish();
  return report_load(name, result, o.how.node, how.thresholds, o.how.as_json);
}

int replay(const replay_options& o) {
  const auto how = read_options(o);
  if (!how) return wrong_usage;
  const auto recorded = read_recording(o.trace);
  if (!recorded) return wrong_usage;

  node_client client{o.how};
  const auto cast = client.cast();
  if (!cast) return client.code();
  const auto end = count_of(o, *recorded, how->first_s);
  const auto parts = roles(*recorded, end, *cast, o.cast);
  if (!parts) return failed;
  return send(o, *how, *recorded, end, *parts);
}

}  // namespace

void define_replay(CLI::App& verb, outcome& result) {
  verb.description("Send recorded traffic to a node");
  auto o = std::make_shared<replay_options>();
  verb.add_option("TRACE", o->trace, "CSV or CSV.gz: timestamp_s,specialist[,duration_ms][,case]")
      ->required();
  verb.add_option("--speed", o->speed, "Factor: 10 sends ten times as fast as recorded")
      ->capture_default_str()
      ->check(within(1e-6, 1e9));
  verb.add_option("--first", o->first, "Only the first part of the recording, such as 10m");
  verb.add_option("--limit", o->limit, "Only this many requests");
  verb.add_option("--warmup", o->warmup, "The time at the start that is not measured")
      ->capture_default_str();
  verb.add_option("--input", o->input, "JSON that every task gets")->capture_default_str();
  verb.add_option("--connections", o->connections, "Most connections open at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 60'000));
  verb.add_option("--patience", o->patience, "The longest wait for an answer")
      ->capture_default_str();
  verb.add_flag("--cast", o->cast,
                "Send the tasks of unknown specialists to the node's own cast, in turn");
  verb.add_option("--threshold", o->thresholds,
                  "Limit for the exit code, such as p95_ms<250; repeatable")
      ->take_all()
      ->expected(1);
  add_asking_options(verb, o->how);
  verb.footer(
      "Example:\n"
      "  greenroom replay traffic.csv.gz --speed 10\n"
      "  greenroom replay day.csv.gz --speed 1440 --cast --threshold 'error_rate<0.01'");
  verb.callback([o, &result] { result.code = replay(*o); });
}

}  // namespace greenroom::apps
