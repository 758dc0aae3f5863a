// `greenroom chaos`: injects faults into a node of its own and measures the recovery.
#include "apps/chaos/chaos_report.hpp"
#include "apps/chaos/chaos_run.hpp"
#include "apps/chaos/cloud_server.hpp"
#include "apps/chaos/tcp_wire.hpp"
#include "apps/client/asking.hpp"
#include "apps/client/verb.hpp"
#include "apps/verbs/logging.hpp"
#include "apps/verbs/scratch_folder.hpp"
#include "apps/verbs/source.hpp"
#include "config/chaos_plan.hpp"
#include "protocols/base/duration.hpp"
#include "protocols/base/edit_distance.hpp"
#include "protocols/base/expected.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

namespace greenroom::apps {
namespace {

namespace chaos = runtime::chaos;
using nlohmann::json;

struct chaos_options {
  std::string plan;
  configuration_source source;
  std::optional<std::uint64_t> seed;
  std::string duration;
  bool dry_run = false;
  bool as_json = false;
};

/// Placeholder for the cloud's URL until the server's port is known.
constexpr const char* no_cloud = "http://127.0.0.1:9";
constexpr const char* cloud_variable = "CHAOS_CLOUD";

std::atomic<bool> plan_interrupted{false};

/// The shipped plans by name. Of two plans with the same name the first folder's is used.
std::map<std::string, std::filesystem::path> shipped_plans() {
  std::map<std::string, std::filesystem::path> result;
  for (const auto& folder : shipped_folders("apps/chaos/plans", "chaos", GREENROOM_CHAOS_PLANS)) {
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator{folder, failed})
      if (entry.path().extension() == ".yaml")
        result.emplace(entry.path().stem().string(), entry.path());
  }
  return result;
}

int list(bool as_json) {
  json all = json::array();
  table rows{{{"PLAN"}, {"ABOUT"}, {"TAKES", true}}};
  for (const auto& [name, file] : shipped_plans()) {
    const auto loaded = config::load_chaos_plan(file);
    if (!loaded) {
      say_problems(loaded.error());
      return wrong_usage;
    }
    const auto& plan = *loaded;
    rows.add({name, plan.about, spoken_duration(static_cast<double>(plan.duration.count()))});
    all.push_back({{"name", name},
                   {"about", plan.about},
                   {"file", file.string()},
                   {"duration_ms", plan.duration.count()},
                   {"faults", plan.faults.size()}});
  }
  if (as_json)
    print_json({{"items", std::move(all)}});
  else
    std::printf("%s", rows.text().c_str());
  return done;
}

/// The file, or the shipped plan of that name.
std::optional<std::filesystem::path> find_plan(const std::string& name) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(name, ignored)) return name;
  const auto ours = shipped_plans();
  if (const auto found = ours.find(name); found != ours.end()) return found->second;
  std::vector<std::string> names;
  names.reserve(ours.size());
  for (const auto& [one, file] : ours) names.push_back(one);
  const auto near = base::nearest_of(name, names);
  say_problem("no-such-plan", "there is no chaos plan \"" + name + "\" — "
                                  + (near.empty() ? "greenroom chaos list shows the bundled plans"
                                                  : "did you mean \"" + std::string{near} + "\"?"));
  return std::nullopt;
}

/// Options on the command line override the plan.
bool apply_options(const chaos_options& o, const std::filesystem::path& file,
                   config::chaos_plan& plan, configuration_source& source) {
  if (o.seed) plan.seed = *o.seed;
  if (!o.duration.empty()) {
    const auto parsed = base::parse_duration(o.duration);
    if (!parsed || parsed->count() < 1000) {
      say_problem("wrong-usage", "--duration " + o.duration
                                     + " — expected a duration of at least 1s, such as 30s");
      return false;
    }
    plan.duration = *parsed;
  }
  if (plan.name.empty()) plan.name = file.stem().string();
  if (source.profile.empty() && source.file.empty()) {
    source.profile = plan.profile;
    if (!plan.config.empty()) source.file = (file.parent_path() / plan.config).string();
  }
  source.sets.insert(source.sets.begin(), plan.sets.begin(), plan.sets.end());
  return true;
}

chaos::bounds bounds_of(const config::chaos_thresholds& from) {
  const auto seconds = [](std::chrono::milliseconds value) {
    return static_cast<double>(value.count()) / 1e3;
  };
  return {.mean_recovery_s = seconds(from.mean_recovery),
          .mean_recovery_starts = from.mean_recovery_starts,
          .max_recovery_s = seconds(from.max_recovery),
          .recovered = from.recovered,
          .success = from.success,
          .lost = from.lost,
          .over_budget_s = seconds(from.over_budget)};
}

int carry_out(chaos_job& job, const std::string& source_name, bool as_json) {
  const auto title = "greenroom chaos: " + job.plan.name;
  chaos_display display{title, as_json};
  if (!as_json) {
    std::printf("%s\n%s\n%s: %zu specialists in %zu departments; %zu faults in %s (seed %llu)\n\n",
                paint(title, colour::bold).c_str(), job.plan.about.c_str(), source_name.c_str(),
                job.cast.names.size(), job.cast.departments.size(), job.schedule.size(),
                spoken_duration(static_cast<double>(job.plan.duration.count())).c_str(),
                static_cast<unsigned long long>(job.plan.seed));
    std::fflush(stdout);
  }
  for (const int number : {SIGINT, SIGTERM})
    std::signal(number, [](int) { plan_interrupted = true; });
  job.interrupted = &plan_interrupted;
  job.watch = [&](const chaos_progress& now) { display.show(now); };
  job.on_recovery = [&](const fault_outcome& one, double now_s) { display.tell(one, now_s); };
  const auto result = run_chaos(job);
  display.finish();
  if (!result.problem.empty()) say_problem("failed", result.problem);
  const auto missed = chaos::misses(result.outcome, bounds_of(job.plan.thresholds));
  if (as_json)
    print_json(result_json(job, result, missed));
  else
    print_result(job, result, missed);
  if (result.interrupted && !as_json) std::printf("interrupted: this is not the whole plan\n");
  return missed.empty() && result.problem.empty() && !result.interrupted ? done : failed;
}

/// The stand-in for the cloud, with the proxy that injects faults.
struct cloud_parts {
  std::unique_ptr<cloud_server> server;
  std::unique_ptr<tcp_wire> wire;
};

base::expected<cloud_parts> start_cloud(const std::string& bin_directory) {
  cloud_parts result;
  result.server = std::make_unique<cloud_server>(bin_directory);
  if (result.server->port() == 0)
    return base::problem{"cloud",
                         "the stand-in for the cloud cannot start: " + result.server->problem()};
  result.wire = std::make_unique<tcp_wire>(result.server->port());
  if (result.wire->port() == 0)
    return base::problem{"cloud", "the stand-in for the cloud cannot start: no free port"};
  return result;
}

/// Prints each problem; true when there is none.
bool has_no_problem(const rules_result& rules, const std::filesystem::path& file) {
  std::vector<config::problem> wrong;
  for (const auto& one : rules.problems) wrong.push_back({file.string(), 0, 0, {}, one, {}});
  say_problems(wrong);
  return wrong.empty();
}

void print_plan(const chaos_job& job, bool as_json) {
  if (as_json)
    print_json({{"plan", job.plan.name},
                {"seed", job.plan.seed},
                {"duration_ms", job.plan.duration.count()},
                {"schedule", schedule_json(job.schedule, job.cast)}});
  else
    print_schedule(job.schedule, job.cast);
}

int run_plan(const chaos_options& o, const std::filesystem::path& file, chaos_job& job,
             configuration_source& source) {
  // Loads twice: first to find out whether a cloud is used, then with the cloud server's port. The
  // second load repeats the warnings of the first, so each warning is printed once.
  ::setenv(cloud_variable, no_cloud, 1);
  auto loaded = load_configuration(source);
  if (!loaded) return refuse_configuration(loaded.error());
  const auto printed = loaded->warnings;
  print_warnings(printed);
  job.cast = list_cast(loaded->value, no_cloud);
  const auto rules = rules_of(job.plan, job.cast);
  if (!has_no_problem(rules, file)) return wrong_usage;
  job.schedule = chaos::make_schedule(rules.rules, job.cast.shape, job.plan.seed);
  if (o.dry_run) {
    print_plan(job, o.as_json);
    return done;
  }

  cloud_parts parts;
  if (std::ranges::any_of(job.cast.shape.is_cloud, [](bool one) { return one; })) {
    auto cloud = start_cloud(job.bin_directory);
    if (!cloud) {
      say_problem("failed", cloud.error().text);
      return failed;
    }
    parts = *std::move(cloud);
    job.cloud = parts.wire.get();
    ::setenv(cloud_variable, ("http://127.0.0.1:" + std::to_string(job.cloud->port())).c_str(), 1);
    loaded = load_configuration(source);
    if (!loaded) return refuse_configuration(loaded.error());
    std::erase_if(loaded->warnings, [&](const auto& one) {
      return std::ranges::find(printed, one) != printed.end();
    });
    print_warnings(loaded->warnings);
  }
  job.configuration = std::move(loaded->value);
  job.configuration.log.level = config::log_level::off;
  open_log(job.configuration.log);
  return carry_out(job, source.name(), o.as_json);
}

int run(const chaos_options& o) {
  const auto file = find_plan(o.plan);
  if (!file) return wrong_usage;
  auto loaded = config::load_chaos_plan(*file);
  if (!loaded) {
    say_problems(loaded.error());
    return wrong_usage;
  }
  chaos_job job;
  job.plan = *std::move(loaded);
  auto source = o.source;
  if (!apply_options(o, *file, job.plan, source)) return wrong_usage;
  const scratch_folder folder{"greenroom-chaos"};
  if (folder.path().empty()) {
    say_problem("failed",
                "cannot make a temporary folder for the journal — is TMPDIR a folder that can be "
                "written?");
    return failed;
  }
  job.folder = folder.path();
  job.bin_directory = program_folder().string();
  source.data = folder.path() + "/data";
  return run_plan(o, *file, job, source);
}

}  // namespace

void define_chaos(CLI::App& verb, outcome& result) {
  verb.description("Break a node on purpose, and see it recover");
  verb.require_subcommand(1);
  verb.footer(
      "A plan names the cast, the traffic and the faults. The program starts a node of its\n"
      "own with real workers and ends it afterwards. No other node is touched, so there is no\n"
      "confirmation.\n\n"
      "Example:\n"
      "  greenroom chaos list\n"
      "  greenroom chaos run worker-kills\n"
      "  greenroom chaos run cloud-outage --seed 7 --json | jq .recovery");

  auto* listing = verb.add_subcommand("list", "The plans that come with Greenroom");
  auto list_as_json = std::make_shared<bool>(false);
  listing->add_flag("--json", *list_as_json, "Print JSON");
  listing->footer("Example:\n  greenroom chaos list");
  listing->callback([list_as_json, &result] { result.code = list(*list_as_json); });

  auto* running = verb.add_subcommand("run", "Carry out a plan");
  auto o = std::make_shared<chaos_options>();
  running->add_option("PLAN", o->plan, "A file, or a name that chaos list shows")->required();
  add_configuration_options(*running, o->source);
  running->add_option("--seed", o->seed,
                      "Seed in place of the plan's; the same seed gives the same schedule");
  running->add_option("--duration", o->duration, "Duration in place of the plan's, such as 30s");
  running->add_flag("--dry-run", o->dry_run, "Only show what would happen when");
  running->add_flag("--json", o->as_json, "Print JSON");
  running->footer(
      "Exit code 1 when a threshold is missed: mean recovery at most 7 s, every fault recovered\n"
      "from, 95.2 % of the tasks completed, none lost; a plan may ask for more.\n\n"
      "Example:\n"
      "  greenroom chaos run worker-kills --dry-run\n"
      "  greenroom chaos run worker-kills --profile production --duration 60s\n"
      "  greenroom chaos run my-plan.yaml --seed 42 --json");
  running->callback([o, &result] { result.code = run(*o); });
}

}  // namespace greenroom::apps
