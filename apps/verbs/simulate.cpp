// `greenroom simulate`: compares policies on recorded traffic in virtual time, without workers.
#include "apps/client/problem_line.hpp"
#include "apps/client/terminal.hpp"
#include "apps/client/verb.hpp"
#include "protocols/base/duration.hpp"
#include "runtime/machine/trace/trace_file.hpp"
#include "runtime/simulation/comparison.hpp"
#include "runtime/simulation/trade_off_chart.hpp"

#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace greenroom::apps {
namespace {

using nlohmann::json;
using runtime::policy_choice;
using runtime::simulation_result;
using runtime::tuned_result;

struct simulate_options {
  std::string trace;
  std::vector<std::string> policies;
  std::string load_time = "10s";
  std::string slots;
  std::string min_residency = "0s";
  double memory_ratio = 0;
  std::string horizon;
  std::string plot;
  bool as_json = false;
};

/// Larger times are seconds since 1970; smaller ones are seconds since the recording began.
constexpr double calendar_from_s = 1e8;
/// 317 years after 1970; a larger time is probably in milliseconds.
constexpr double seconds_max = 1e10;

int refuse(const std::string& what) {
  say_problem("wrong-usage", what);
  return wrong_usage;
}

/// A progress line on a terminal; elsewhere prints nothing.
class progress_line {
public:
  void show(std::string_view text) {
    if (!live_) return;
    std::fprintf(stderr, "\r\x1b[K%.*s", static_cast<int>(text.size()), text.data());
    std::fflush(stderr);
  }
  void clear() { show(""); }

private:
  bool live_ = isatty(STDERR_FILENO) == 1;
};

/// A value below 1 or with a decimal point is a share of the specialists, else a count.
std::optional<std::size_t> slots_of(const std::string& text, std::size_t specialists) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || *end != '\0' || !(value > 0)) return std::nullopt;
  if (value <= 1 && (text.find('.') != std::string::npos || value < 1)) {
    // Keeps a rounding error of the product from adding a slot.
    const double wanted = std::ceil(value * static_cast<double>(specialists) - 1e-9);
    return static_cast<std::size_t>(std::max(1.0, wanted));
  }
  if (value != std::floor(value) || value > 1e9) return std::nullopt;
  return static_cast<std::size_t>(value);
}

json policy_json(const std::string& name, const tuned_result& one, bool tuned) {
  const simulation_result& r = one.result;
  json entry = {{"name", name},
                {"cold_ratio", r.cold_ratio},
                {"cold_ratio_p75", r.cold_ratio_p75},
                {"delayed_ratio", r.delayed_ratio},
                {"memory_ratio", r.memory_ratio},
                {"peak_warm", r.peak_warm},
                {"wait_s", r.wait_s},
                {"loads", r.loads},
                {"prewarm_hits", r.prewarm_hits},
                {"prewarm_wasted_s", r.prewarm_wasted_s}};
  if (tuned && !one.knob.empty()) entry["knob"] = one.knob;
  if (tuned) entry["within_memory"] = one.reached;
  return entry;
}

void print_table(const std::vector<std::string>& names, const std::vector<tuned_result>& results,
                 bool tuned) {
  std::vector<table::column> columns{
      {"policy", false, 0, true}, {"cold", true},     {"cold p75", true, 4}, {"delayed", true, 3},
      {"memory", true},           {"peak", true, 5},  {"wait", true},        {"loads", true, 2},
      {"prewarm hits", true, 6},  {"wasted", true, 1}};
  if (tuned) columns.push_back({"knob"});
  table shown{columns};
  std::size_t best = 0;
  for (std::size_t i = 1; i < results.size(); ++i) {
    if (results[i].result.cold_ratio < results[best].result.cold_ratio) best = i;
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    const simulation_result& r = results[i].result;
    std::vector<std::string> cells{names[i],
                                   percent(r.cold_ratio, 3),
                                   percent(r.cold_ratio_p75, 1),
                                   percent(r.delayed_ratio, 2),
                                   percent(r.memory_ratio, 2),
                                   grouped(r.peak_warm),
                                   fixed(r.wait_s, 3) + " s",
                                   grouped(r.loads),
                                   grouped(r.prewarm_hits),
                                   spoken_duration(r.prewarm_wasted_s * 1000)};
    if (tuned) cells.push_back(results[i].knob + (results[i].reached ? "" : " (uses more)"));
    if (i == best && tuned) {
      shown.add(std::move(cells), 1, colour::green);
    } else {
      shown.add(std::move(cells));
    }
  }
  std::fputs(shown.text().c_str(), stdout);
}

struct prepared {
  runtime::trace traffic;
  runtime::workload work;
  std::vector<policy_choice> choices;
  runtime::comparison_settings settings;
};

/// Counts from the first request, and drops requests after the horizon. Returns an exit code when
/// nothing is left.
std::optional<int> fit_to_horizon(const simulate_options& o, double load_s,
                                  std::optional<double> horizon_s, prepared& p) {
  auto& requests = p.traffic.requests;
  // The years before the first request must not count as time.
  if (const double first_s = requests.front().time_s; first_s >= calendar_from_s) {
    p.settings.epoch_s = first_s;
    for (runtime::request& one : requests) one.time_s -= first_s;
    if (horizon_s && *horizon_s >= first_s) *horizon_s -= first_s;
  }
  if (horizon_s) {
    std::erase_if(requests, [&](const runtime::request& one) { return one.time_s > *horizon_s; });
    if (requests.empty()) {
      return refuse("--horizon " + o.horizon + " is before the first request of " + o.trace
                    + " — give a later one");
    }
  }
  p.work = {&p.traffic, load_s, horizon_s.value_or(requests.back().time_s)};
  if (p.work.horizon_s <= 0) {
    return refuse(o.trace + ": every request is at 0 s — give the end of time with --horizon");
  }
  return std::nullopt;
}

/// Checks all options and the trace. Returns an exit code when something is wrong.
std::optional<int> prepare(const simulate_options& o, prepared& p) {
  const auto load_s = base::parse_seconds(o.load_time);
  if (!load_s)
    return refuse("--load-time '" + o.load_time + "' is no duration — write it like 22s");
  std::optional<double> horizon_s;
  if (!o.horizon.empty()) {
    horizon_s = base::parse_seconds(o.horizon);
    if (!horizon_s || *horizon_s <= 0 || *horizon_s > seconds_max) {
      return refuse("--horizon '" + o.horizon + "' is no duration — write it like 86400 or 24h");
    }
  }
  if (o.memory_ratio < 0 || o.memory_ratio > 1) {
    return refuse("--memory-ratio is a share of always-warm — give a number in (0, 1]");
  }
  for (const std::string& name : o.policies.empty() ? runtime::default_policies() : o.policies) {
    auto parsed = runtime::parse_policy(name);
    if (const auto* wrong = std::get_if<std::string>(&parsed)) return refuse("--policy: " + *wrong);
    p.choices.push_back(std::get<policy_choice>(parsed));
  }
  auto read = machine::read_trace(o.trace);
  if (const auto* wrong = std::get_if<machine::trace_error>(&read)) {
    say_problem("wrong-recording", wrong->what);
    return wrong_usage;
  }
  p.traffic = std::get<runtime::trace>(std::move(read));
  if (p.traffic.requests.back().time_s > seconds_max) {
    return refuse(o.trace + ": the last request is at " + fixed(p.traffic.requests.back().time_s, 0)
                  + " s — timestamp_s is in seconds, perhaps these are milliseconds");
  }
  if (const auto wrong = fit_to_horizon(o, *load_s, horizon_s, p)) return wrong;
  if (!o.slots.empty()) {
    const auto slots = slots_of(o.slots, p.traffic.specialists.size());
    if (!slots) return refuse("--slots '" + o.slots + "' — give a share like 0.2, or a count");
    p.settings.slots = *slots;
  }
  if (o.min_residency == "auto") {
    p.settings.min_residency_s = runtime::automatic_residency;
  } else if (const auto residency_s = base::parse_seconds(o.min_residency)) {
    p.settings.min_residency_s = *residency_s;
  } else {
    return refuse("--min-residency '" + o.min_residency
                  + "' is no duration — write it like 2s, or auto");
  }
  p.settings.memory_ratio = o.memory_ratio;
  return std::nullopt;
}

/// Draws curves for policies with a parameter, dots for the others.
bool write_chart(const simulate_options& o, const prepared& p,
                 const std::vector<tuned_result>& results, progress_line& progress) {
  runtime::comparison_settings settings = p.settings;
  settings.progress = [&](std::string_view name, std::size_t run) {
    progress.show("chart: " + std::string(name) + ", point " + std::to_string(run));
  };
  constexpr std::size_t points = 8;
  std::vector<runtime::chart_series> series;
  for (std::size_t i = 0; i < p.choices.size(); ++i) {
    const policy_choice& choice = p.choices[i];
    // One curve per kind: all durations of a kind lie on the same curve.
    const std::string kind = choice.name.substr(0, choice.name.find(':'));
    const auto same = [&](const runtime::chart_series& one) { return one.name == kind; };
    if (std::any_of(series.begin(), series.end(), same)) continue;
    auto curve = runtime::sweep(p.work, choice, settings, points);
    if (curve.size() > 1) curve.push_back(results[i].result);
    std::sort(curve.begin(), curve.end(),
              [](const auto& a, const auto& b) { return a.memory_ratio < b.memory_ratio; });
    series.push_back({kind, std::move(curve)});
  }
  progress.clear();
  std::ofstream file{o.plot};
  file << runtime::trade_off_chart("Cold starts against memory: " + p.traffic.name, series);
  file.close();
  if (file.good()) return true;
  say_problem("cannot-write", o.plot + " cannot be written — name a file in a folder that exists");
  return false;
}

int simulate(const simulate_options& o) {
  prepared p;
  progress_line progress;
  progress.show("reading " + o.trace);
  if (const auto wrong = prepare(o, p)) {
    return *wrong;
  }
  const bool tuned = o.memory_ratio > 0;
  std::vector<std::string> names;
  std::vector<tuned_result> results;
  std::size_t runs = 0;
  const auto started = std::chrono::steady_clock::now();
  for (const policy_choice& choice : p.choices) {
    p.settings.progress = [&](std::string_view name, std::size_t run) {
      ++runs;
      progress.show("policy " + std::to_string(names.size() + 1) + " of "
                    + std::to_string(p.choices.size()) + ": " + std::string(name) + ", run "
                    + std::to_string(run));
    };
    if (tuned) {
      results.push_back(runtime::tune(p.work, choice, p.settings));
    } else {
      p.settings.progress(choice.name, 1);
      results.push_back({runtime::simulate(p.work, choice, p.settings), {}, true});
    }
    names.push_back(choice.name);
  }
  const double took_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  progress.clear();

  if (o.as_json) {
    json answer = {{"trace", o.trace},
                   {"load_time_s", p.work.load_s},
                   {"horizon_s", p.work.horizon_s},
                   {"specialists", p.traffic.specialists.size()},
                   {"requests", p.traffic.requests.size()},
                   {"policies", json::array()}};
    for (std::size_t i = 0; i < results.size(); ++i) {
      answer["policies"].push_back(policy_json(names[i], results[i], tuned));
    }
    std::printf("%s\n", answer.dump(2).c_str());
  } else {
    std::printf("%s: %s requests for %s specialists, load time %s\n", p.traffic.name.c_str(),
                grouped(p.traffic.requests.size()).c_str(),
                grouped(p.traffic.specialists.size()).c_str(),
                spoken_duration(p.work.load_s * 1000).c_str());
    print_table(names, results, tuned);
    std::printf(
        "%zu runs in %s: %s requests a second\n", runs, spoken_duration(took_s * 1000).c_str(),
        grouped(static_cast<std::uint64_t>(static_cast<double>(runs * p.traffic.requests.size())
                                           / std::max(took_s, 1e-3)))
            .c_str());
  }
  if (!o.plot.empty() && !write_chart(o, p, results, progress)) return failed;
  return done;
}

}  // namespace

void define_simulate(CLI::App& verb, outcome& result) {
  verb.description("Compare policies on recorded traffic, on virtual time, without workers");
  auto o = std::make_shared<simulate_options>();
  verb.add_option("TRACE", o->trace,
                  "CSV or CSV.gz with the header timestamp_s,specialist[,duration_ms][,case]")
      ->required();
  verb.add_option("--policy", o->policies,
                  "Policy to compare (repeatable): greenroom, ttl:600s, hybrid:4h, lru, lfu, "
                  "greedy-dual, w-tinylfu, belady, "
                  "always-warm, just-in-time, reactive:1h");
  verb.add_option("--load-time", o->load_time, "How long a start takes")->capture_default_str();
  verb.add_option(
          "--min-residency", o->min_residency,
          "For the policy greenroom: pool.min_residency, a duration or auto (a node's default)")
      ->capture_default_str();
  verb.add_option("--slots", o->slots,
                  "A hard cap: a share of the specialists (0.2) or a count (17); 0.2 for slot "
                  "policies without it");
  verb.add_option("--memory-ratio", o->memory_ratio,
                  "Tune each policy until its mean memory is at most this share of always-warm")
      ->check(within(0, 1));
  verb.add_option(
      "--horizon", o->horizon,
      "The end of the recording, such as 86400 or 24h; default: the last request. Times since 1970 "
      "are counted from the first request");
  verb.add_option("--plot", o->plot, "Write a chart of cold starts against memory (SVG)");
  verb.add_flag("--json", o->as_json, "Print JSON");
  verb.footer(
      "Example:\n  greenroom simulate office.csv.gz --load-time 22s --memory-ratio 0.11 "
      "--policy greenroom --policy hybrid:4h");
  verb.callback([o, &result] { result.code = simulate(*o); });
}

}  // namespace greenroom::apps
