// `greenroom demo`: an office day on real workers, first always warm, then warm on demand.
#include "apps/client/asking.hpp"
#include "apps/client/verb.hpp"
#include "apps/demo/phase.hpp"
#include "apps/demo/stage.hpp"
#include "apps/load/load_report.hpp"
#include "apps/verbs/logging.hpp"
#include "apps/verbs/scratch_folder.hpp"
#include "apps/verbs/source.hpp"
#include "protocols/base/duration.hpp"
#include "runtime/load/office_day.hpp"
#include "runtime/pooling/lru_policy.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>

namespace greenroom::apps {
namespace {

using nlohmann::json;
namespace load = runtime::load;

struct demo_options {
  configuration_source source;
  double seconds = 60;
  std::size_t users = 0;
  std::uint64_t seed = 1;
  bool compare = false;
  bool as_json = false;
};

// Office hours are 06:00 to 22:00; at night the demo would show nothing.
constexpr double from_hour = 6;
constexpr double to_hour = 22;
constexpr double hour_s = 3600;
/// Time runs 60× faster for all pauses: between tasks, cooldown, residency. The hours of the day
/// pass faster still, so that a day fits into the demo.
constexpr double pace = 60;
/// Users per specialist in a demo of one minute; longer demos have more.
constexpr double users_per_specialist = 0.45;

std::atomic<bool> demo_interrupted{false};

load::office_cast cast_of(const config::node& from) {
  load::office_cast cast;
  std::map<std::string, std::size_t> index;
  for (std::size_t department = 0; department < from.departments.size(); ++department) {
    for (const auto& one : from.departments[department].specialists) {
      index[one.name] = cast.names.size();
      cast.names.push_back(one.name);
      cast.department.push_back(department);
    }
  }
  for (const auto& workflow : from.workflows) {
    std::vector<std::size_t> steps;
    for (const auto& step : workflow.steps)
      if (const auto* one = find_specialist(from, step); one != nullptr)
        steps.push_back(index[one->name]);
    if (!steps.empty()) cast.workflows.push_back(std::move(steps));
  }
  return cast;
}

std::chrono::milliseconds faster(std::chrono::milliseconds value) {
  return std::chrono::milliseconds{std::max<std::int64_t>(
      1, static_cast<std::int64_t>(static_cast<double>(value.count()) / pace))};
}

double ms(std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e6; }

json phase_json(const phase_result& from) {
  return {{"seconds", from.seconds},
          {"asked", from.asked},
          {"accepted", from.accepted},
          {"completed", from.completed},
          {"failed", from.failed},
          {"shed", from.shed},
          {"lost", from.lost},
          {"cold_starts", from.cold_starts},
          {"warm_hit_rate", from.warm_hit_rate()},
          {"memory_mb", from.memory_mb},
          {"memory_max_mb", from.memory_max_mb},
          {"workers_up", from.workers_up},
          {"workers_max", from.workers_max},
          {"latency", latency_json(from.latency)},
          {"first_error", from.first_error}};
}

/// One warm policy and its results.
struct column {
  std::string name;
  phase_result result;
};

double efficiency_of(const phase_result& one, const phase_result& always) {
  return always.memory_mb > 0 ? 1 - one.memory_mb / always.memory_mb : 0;
}

double added_ms_of(const phase_result& one, const phase_result& always) {
  return (one.latency.mean() - always.latency.mean()) / 1e6;
}

void print_comparison(const std::vector<column>& columns) {
  std::vector<table::column> heads{{""}};
  for (const auto& one : columns) heads.push_back({one.name, true});
  table rows{std::move(heads)};
  const auto each = [&](const char* name, auto value) {
    std::vector<std::string> cells{name};
    for (const auto& one : columns) cells.push_back(value(one.result));
    rows.add(std::move(cells));
  };
  const auto& always = columns.front().result;
  each("workers up, mean", [](const auto& r) { return fixed(r.workers_up, 1); });
  each("memory, mean PSS", [](const auto& r) { return fixed(r.memory_mb, 1) + " MB"; });
  each("memory, most", [](const auto& r) { return fixed(r.memory_max_mb, 1) + " MB"; });
  if (columns.size() > 2)
    each("memory efficiency",
         [&](const auto& r) { return fixed(efficiency_of(r, always) * 100, 1) + " %"; });
  each("tasks completed", [](const auto& r) { return grouped(r.completed); });
  each("warm hit rate", [](const auto& r) { return fixed(r.warm_hit_rate() * 100, 1) + " %"; });
  each("cold starts", [](const auto& r) { return grouped(r.cold_starts); });
  for (const auto& [name, q] :
       {std::pair{"latency p50", 0.5}, {"latency p95", 0.95}, {"latency p99", 0.99}})
    each(name, [q = q](const auto& r) { return fixed(ms(r.latency.quantile(q)), 2) + " ms"; });
  each("latency, mean", [](const auto& r) { return fixed(r.latency.mean() / 1e6, 2) + " ms"; });
  if (columns.size() > 2)
    each("latency, added", [&](const auto& r) { return fixed(added_ms_of(r, always), 2) + " ms"; });
  each("shed", [](const auto& r) { return grouped(r.shed); });
  each("failed", [](const auto& r) { return grouped(r.failed); });
  each("lost", [](const auto& r) { return grouped(r.lost); });
  std::printf("\n%s\n", rows.text().c_str());
}

/// The day, and how much faster than in an office it passes.
struct demo_day {
  load::office_cast cast;
  load::office_habits habits;
  std::vector<load::office_task> tasks;
  double half_s = 0;        ///< Real duration of one phase.
  double hours_faster = 0;  ///< How much faster the hours pass.
};

demo_day make_day(const demo_options& o, const config::node& configuration) {
  demo_day day;
  day.cast = cast_of(configuration);
  day.half_s = o.seconds / 2;
  day.hours_faster = (to_hour - from_hour) * hour_s / day.half_s;
  auto& habits = day.habits;
  habits.seed = o.seed;
  habits.from_hour = from_hour;
  habits.to_hour = to_hour;
  const auto specialists = static_cast<double>(day.cast.names.size());
  habits.users =
      o.users > 0
          ? o.users
          : static_cast<std::size_t>(users_per_specialist * day.half_s / 30 * specialists) + 1;
  // Lengthen the pauses in office time, so that in real time they are 1/`pace` of normal.
  habits.pause_s *= day.hours_faster / pace;
  habits.burst_s *= day.hours_faster / pace;
  day.tasks = load::make_office_day(day.cast, habits);
  return day;
}

void print_introduction(const demo_options& o, const config::node& configuration,
                        const demo_day& day) {
  const auto& pool = configuration.pool;
  std::printf("%s\n", paint("greenroom demo: " + o.source.name(), colour::bold).c_str());
  std::printf(
      "%zu specialists in %zu departments, each a real worker process.\n"
      "One office day, %02.0f:00 to %02.0f:00: %zu people, %zu tasks (seed %llu).\n"
      "The day runs %s, %.0f s each: always warm, %sthen with %zu warm slots.\n"
      "Time runs %.0f× faster: cooldown %s becomes %s, pauses likewise.\n"
      "The hours of the day pass %.0f× faster.\n\n",
      day.cast.names.size(), configuration.departments.size(), from_hour, to_hour, day.habits.users,
      day.tasks.size(), static_cast<unsigned long long>(o.seed), o.compare ? "four times" : "twice",
      day.half_s, o.compare ? "fixed keep-alive, LRU, " : "", pool.max_warm, pace,
      base::format_duration(pool.cooldown).c_str(),
      base::format_duration(faster(pool.cooldown)).c_str(), day.hours_faster);
  std::fflush(stdout);
}

/// Runs the phases one after the other.
class demo_phases {
public:
  demo_phases(const demo_options& o, const config::node& configuration, const demo_day& day,
              std::string folder)
      : o_{o}, configuration_{configuration}, folder_{std::move(folder)} {
    auto& pool = configuration_.pool;
    pool.cooldown = faster(pool.cooldown);
    // Without a configured residency the node derives it from start times.
    if (pool.min_residency) pool.min_residency = faster(*pool.min_residency);
    plan_.cast = &day.cast;
    plan_.day = &day.tasks;
    plan_.from_s = from_hour * hour_s;
    plan_.to_s = to_hour * hour_s;
    plan_.seconds = day.half_s;
    plan_.bin_directory = program_folder().string();
    plan_.interrupted = &demo_interrupted;
  }

  /// One column for each phase, `always warm` first and Greenroom's policy last; fewer when a phase
  /// failed or the demo was interrupted.
  std::vector<column> run() {
    const auto pool = configuration_.pool;
    if (!add("always warm", "every specialist always warm", config::pool_mode::baseline,
             "baseline"))
      return std::move(columns_);
    if (o_.compare) {
      const auto slots = "LRU, " + std::to_string(pool.max_warm) + " slots";
      if (!add_lru("fixed 45 s", plan_.cast->names.size(), faster(std::chrono::seconds{45}),
                   "fixed")
          || !add_lru(slots, pool.max_warm, std::chrono::hours{24}, "lru"))
        return std::move(columns_);
    }
    configuration_.pool = pool;
    add(o_.compare ? "greenroom" : "intelligent", "warm only those who are needed",
        config::pool_mode::intelligent, "intelligent");
    return std::move(columns_);
  }

  [[nodiscard]] std::size_t wanted() const { return o_.compare ? 4 : 2; }

private:
  bool add(std::string name, const std::string& what, config::pool_mode mode, const char* data) {
    const auto title = std::to_string(++phase_) + " of " + std::to_string(wanted()) + ": " + what;
    stage display{title, o_.as_json};
    if (!o_.as_json && !is_terminal()) {
      std::printf("%s\n", title.c_str());
      std::fflush(stdout);
    }
    plan_.configuration = configuration_;
    plan_.configuration.pool.mode = mode;
    plan_.configuration.data_dir = folder_ + "/" + data;
    plan_.wait_until_all_warm = mode == config::pool_mode::baseline;
    plan_.say = [&](const std::string& text) { display.say(text); };
    plan_.progress = [&](const phase_progress& now) { display.show(now); };
    auto result = run_phase(plan_);
    display.finish();
    if (!result.problem.empty()) {
      say_problem("failed", result.problem);
      return false;
    }
    columns_.push_back({std::move(name), std::move(result)});
    return !demo_interrupted;
  }

  bool add_lru(const std::string& name, std::size_t most, std::chrono::milliseconds keep,
               const char* data) {
    configuration_.pool.max_warm = most;
    configuration_.pool.cooldown = keep;
    plan_.policy = [] { return runtime::make_lru_policy(); };
    const bool good = add(name, name, config::pool_mode::intelligent, data);
    plan_.policy = nullptr;
    return good;
  }

  const demo_options& o_;
  config::node configuration_;
  const std::string folder_;
  phase_plan plan_;
  std::size_t phase_ = 0;
  std::vector<column> columns_;
};

json comparison_json(const demo_options& o, const config::node& configuration, const demo_day& day,
                     const std::vector<column>& columns, std::uint64_t lost) {
  const auto& always = columns.front().result;
  const auto& smart = columns.back().result;
  json compared = json::array();
  for (const auto& one : columns) {
    auto entry = phase_json(one.result);
    entry["name"] = one.name;
    entry["memory_efficiency"] = efficiency_of(one.result, always);
    entry["added_latency_ms"] = added_ms_of(one.result, always);
    compared.push_back(std::move(entry));
  }
  return {{"policies", std::move(compared)},
          {"source", o.source.name()},
          {"specialists", day.cast.names.size()},
          {"seed", o.seed},
          {"users", day.habits.users},
          {"tasks", day.tasks.size()},
          {"max_warm", configuration.pool.max_warm},
          {"pace", pace},
          {"hours_faster", day.hours_faster},
          {"always_warm", phase_json(always)},
          {"intelligent", phase_json(smart)},
          {"memory_efficiency", efficiency_of(smart, always)},
          {"warm_hit_rate", smart.warm_hit_rate()},
          {"added_latency_ms", added_ms_of(smart, always)},
          {"lost", lost}};
}

int report(const demo_options& o, const config::node& configuration, const demo_day& day,
           const std::vector<column>& columns) {
  const auto& always = columns.front().result;
  const auto& smart = columns.back().result;
  std::uint64_t lost = 0;
  std::uint64_t accepted = 0;
  std::uint64_t ended = 0;
  for (const auto& one : columns) {
    lost += one.result.lost;
    accepted += one.result.accepted;
    ended += one.result.completed + one.result.failed;
  }
  const bool good = lost == 0 && always.completed > 0 && smart.completed > 0 && !demo_interrupted;
  if (o.as_json) {
    print_json(comparison_json(o, configuration, day, columns, lost));
    return good ? done : failed;
  }
  print_comparison(columns);
  if (!smart.first_error.empty())
    std::printf("first refusal or error: %s\n", shown_text(smart.first_error).c_str());
  std::printf("memory efficiency  %s %%\n", fixed(efficiency_of(smart, always) * 100, 1).c_str());
  std::printf("added latency      %s ms on average\n",
              fixed(added_ms_of(smart, always), 2).c_str());
  std::printf("%s accepted, %s ended: lost %s\n", grouped(accepted).c_str(), grouped(ended).c_str(),
              grouped(lost).c_str());
  return good ? done : failed;
}

int demo(demo_options& o) {
  if (o.source.profile.empty() && o.source.file.empty()) o.source.profile = "production";
  const scratch_folder folder{"greenroom-demo"};
  if (folder.path().empty()) {
    say_problem("failed", "cannot make a folder for the demo's journal in "
                              + std::filesystem::temp_directory_path().string());
    return failed;
  }
  o.source.data = folder.path();
  auto loaded = load_configuration(o.source);
  if (!loaded) return refuse_configuration(loaded.error());
  print_warnings(loaded->warnings);
  auto& configuration = loaded->value;
  configuration.log.level = config::log_level::off;
  open_log(configuration.log);
  for (const int number : {SIGINT, SIGTERM})
    std::signal(number, [](int) { demo_interrupted = true; });

  const auto day = make_day(o, configuration);
  if (!o.as_json) print_introduction(o, configuration, day);
  demo_phases phases{o, configuration, day, folder.path()};
  const auto columns = phases.run();
  if (columns.size() < phases.wanted()) return failed;
  return report(o, configuration, day, columns);
}

}  // namespace

void define_demo(CLI::App& verb, outcome& result) {
  verb.description("An office day on real workers, in a minute");
  auto o = std::make_shared<demo_options>();
  verb.add_option("--seconds", o->seconds, "Duration of both halves together")
      ->capture_default_str()
      ->check(within(4.0, 86'400.0));
  add_configuration_options(verb, o->source);
  verb.add_option("--users", o->users, "People in the office; 0: by the size of the cast");
  verb.add_option("--seed", o->seed, "Seed of the generated day")->capture_default_str();
  verb.add_flag("--compare", o->compare,
                "Run the same day twice more: fixed keep-alive of 45 s, and LRU slots; each takes "
                "half of --seconds");
  verb.add_flag("--json", o->as_json, "Print JSON");
  verb.footer(
      "Exit code 1 when an accepted task was lost.\n\n"
      "Example:\n"
      "  greenroom demo\n"
      "  greenroom demo --profile core --seconds 20 --json");
  verb.callback([o, &result] { result.code = demo(*o); });
}

}  // namespace greenroom::apps
