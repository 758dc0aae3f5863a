// `greenroom tune`: replays the node's latest traffic through the simulator with other settings,
// and proposes the settings that would have been better.
#include "apps/client/asking.hpp"
#include "apps/client/terminal.hpp"
#include "apps/verbs/all.hpp"
#include "apps/verbs/scratch_folder.hpp"
#include "apps/verbs/tune_advice.hpp"
#include "protocols/base/duration.hpp"
#include "runtime/machine/trace/trace_file.hpp"
#include "runtime/pooling/greenroom_policy.hpp"
#include "runtime/simulation/warm_policy_run.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace greenroom::apps {
namespace {

using nlohmann::json;

constexpr std::size_t requests_min = 200;  // With fewer, chance outweighs the settings.
constexpr double worthwhile = 0.05;        // A proposal must be better by this share.
constexpr double same_memory = 1.02;       // Up to this factor, memory counts as equal.
constexpr double dearest = 1.5;            // Largest factor of memory that is proposed,
constexpr double much_less = 0.85;         // for a wait of at most this share.

struct tune_options {
  asking how;
  std::string apply;  ///< The proposal to apply; empty: none.
};

struct outcome_of {
  runtime::pool_limits limits;
  runtime::simulation_result result;
};

runtime::simulation_result replay_with(const runtime::workload& work,
                                       const runtime::pool_limits& limits, double epoch_s) {
  runtime::warm_policy_run how;
  how.limits = limits;
  how.epoch_s = epoch_s;
  runtime::greenroom_policy policy;
  return runtime::run_warm_policy(work, policy, how);
}

std::vector<runtime::pool_limits> candidates(const runtime::pool_limits& now, std::size_t cast) {
  std::set<std::size_t> slots{now.max_warm};
  for (const double factor : {0.5, 0.75, 1.5, 2.0}) {
    const auto other = static_cast<std::size_t>(
        std::lround(static_cast<double>(std::min(now.max_warm, cast)) * factor));
    slots.insert(std::clamp<std::size_t>(other, 1, cast));
  }
  std::set<double> cooldowns{now.cooldown_s};
  for (const double factor : {0.25, 0.5, 2.0, 4.0}) cooldowns.insert(now.cooldown_s * factor);
  std::set<double> shares{now.target_memory};
  for (const double share : {0.05, 0.1, 0.2, 0.3}) shares.insert(share);
  std::vector<runtime::pool_limits> result;
  // Residency beyond a start's duration makes other specialists wait for the slot.
  if (now.min_residency_s > 0)
    for (const auto most : slots) {
      auto one = now;
      one.max_warm = most;
      one.min_residency_s = runtime::automatic_residency;
      result.push_back(one);
    }
  const auto with = [&](std::size_t most, double cooldown_s, double share) {
    auto one = now;
    one.max_warm = most;
    one.cooldown_s = cooldown_s;
    one.target_memory = share;
    result.push_back(one);
  };
  for (const auto most : slots) {
    // With `target_memory` the policy sets the price of memory itself, and cooldown has no effect.
    for (const double cooldown_s : cooldowns) with(most, cooldown_s, 0);
    for (const double share : shares)
      if (share > 0) with(most, now.cooldown_s, share);
  }
  return result;
}

json trial_json(const outcome_of& one) {
  return {{"max_warm", one.limits.max_warm},
          {"cooldown_s", one.limits.cooldown_s},
          {"target_memory", one.limits.target_memory},
          {"min_residency_s",
           one.limits.min_residency_s >= 0 ? json(one.limits.min_residency_s) : json("auto")},
          {"cold_ratio", one.result.cold_ratio},
          {"cold_ratio_p75", one.result.cold_ratio_p75},
          {"memory_ratio", one.result.memory_ratio},
          {"wait_s", one.result.wait_s},
          {"loads", one.result.loads},
          {"prewarm_hits", one.result.prewarm_hits},
          {"prewarm_wasted_s", one.result.prewarm_wasted_s}};
}

std::string settings_of(const outcome_of& one) {
  auto text = "max_warm " + std::to_string(one.limits.max_warm);
  text += one.limits.target_memory > 0 ? ", target_memory " + fixed(one.limits.target_memory, 2)
                                       : ", cooldown " + fixed(one.limits.cooldown_s, 1) + "s";
  return text + ", min_residency "
         + (one.limits.min_residency_s >= 0 ? fixed(one.limits.min_residency_s, 1) + "s" : "auto");
}

/// The best of the fitting settings, or null unless it is better by `worthwhile`.
template <class Fits, class Measure>
const outcome_of* better(const std::vector<outcome_of>& all, const outcome_of& now, Fits fits,
                         Measure measure) {
  const outcome_of* best = nullptr;
  for (const auto& one : all)
    if (fits(one) && (best == nullptr || measure(one) < measure(*best))) best = &one;
  if (best == nullptr || measure(*best) > (1 - worthwhile) * measure(now)) return nullptr;
  return best;
}

/// Applies the settings until the node restarts or reloads its file.
int apply_settings(node_client& client, const tune_options& o, const outcome_of& chosen) {
  const auto came = client.call("POST", "/v1/tuning",
                                {{"max_warm", chosen.limits.max_warm},
                                 {"cooldown_ms", std::llround(chosen.limits.cooldown_s * 1e3)},
                                 {"target_memory", chosen.limits.target_memory}});
  if (!came) return client.code();
  if (o.how.as_json) return done;
  std::printf(
      "\napplied: %s\nThe node keeps it until it restarts or reads its file again. To keep "
      "it, write:\n  pool: { max_warm: %zu, cooldown: %s, target_memory: %s }\n",
      settings_of(chosen).c_str(), chosen.limits.max_warm,
      base::format_duration(std::chrono::milliseconds{std::llround(chosen.limits.cooldown_s * 1e3)})
          .c_str(),
      fixed(chosen.limits.target_memory, 3).c_str());
  return done;
}

int tune(const tune_options& o) {  // NOLINT(readability-function-size)
  node_client client{o.how};
  const auto pool = client.get("/v1/tuning");
  if (!pool) return client.code();
  const auto recorded = client.raw("GET", "/v1/recording");
  if (!recorded) return client.code();
  if (!recorded->good()) {
    client.say_refused(*recorded);
    return client.code();
  }
  // The first line is the header.
  const auto lines = std::ranges::count(recorded->body, '\n');
  const auto tasks = static_cast<std::size_t>(std::max<std::ptrdiff_t>(lines - 1, 0));
  if (tasks < requests_min) {
    say_problem("too-few-tasks", "only " + std::to_string(tasks)
                                     + " tasks were recorded so far; tune needs "
                                     + std::to_string(requests_min));
    return failed;
  }
  const scratch_folder folder{"greenroom-tune"};
  const auto file = folder.path() + "/recording.csv";
  if (folder.path().empty() || !(std::ofstream{file, std::ios::binary} << recorded->body)) {
    say_problem("cannot-write",
                "cannot write the recording to " + std::filesystem::temp_directory_path().string());
    return failed;
  }
  auto read = machine::read_trace(file);
  if (const auto* why = std::get_if<machine::trace_error>(&read)) {
    say_problem("wrong-recording", "the recording cannot be read: " + why->what);
    return failed;
  }
  auto& traffic = std::get<runtime::trace>(read);
  const double epoch_s = traffic.requests.front().time_s;
  for (auto& one : traffic.requests) one.time_s -= epoch_s;

  runtime::pool_limits limits;
  limits.max_warm = static_cast<std::size_t>(number_of(*pool, "max_warm", 17));
  limits.cooldown_s = number_of(*pool, "cooldown_s", 45);
  limits.target_memory = number_of(*pool, "target_memory");
  limits.min_residency_s = number_of(*pool, "min_residency_s", runtime::automatic_residency);
  limits.warm_threshold = number_of(*pool, "warm_threshold", 0.3);
  limits.adaptive = truth_of(*pool, "adaptive");
  const auto cast = std::max<std::size_t>(static_cast<std::size_t>(number_of(*pool, "specialists")),
                                          traffic.specialists.size());
  // Specialists without a request take no memory here, but always-warm counts them.
  const auto asked_for = traffic.specialists.size();
  const double share = static_cast<double>(asked_for) / static_cast<double>(cast);
  runtime::workload work;
  work.traffic = &traffic;
  work.load_s = std::max(number_of(*pool, "load_s", 1), 1e-3);
  work.horizon_s = traffic.requests.back().time_s + work.load_s;

  const auto play = [&](runtime::pool_limits with) {
    outcome_of one{with, {}};
    // The recording holds only requested specialists, while `target_memory` refers to all.
    with.target_memory = std::min(1.0, with.target_memory / share);
    one.result = replay_with(work, with, epoch_s);
    one.result.memory_ratio *= share;
    return one;
  };
  const auto now = play(limits);
  std::vector<outcome_of> all;
  for (const auto& one : candidates(limits, cast)) all.push_back(play(one));

  const auto* const faster = better(
      all, now,
      [&](const outcome_of& one) {
        return one.result.memory_ratio <= now.result.memory_ratio * same_memory;
      },
      [](const outcome_of& one) { return one.result.wait_s; });
  const auto* const smaller = better(
      all, now, [&](const outcome_of& one) { return one.result.wait_s <= now.result.wait_s; },
      [](const outcome_of& one) { return one.result.memory_ratio; });
  // Shows what more memory would gain.
  const auto* const dearer = better(
      all, now,
      [&](const outcome_of& one) {
        return one.result.memory_ratio > now.result.memory_ratio * same_memory
               && one.result.memory_ratio <= now.result.memory_ratio * dearest
               && one.result.wait_s <= now.result.wait_s * much_less;
      },
      [](const outcome_of& one) { return one.result.wait_s; });

  const auto more = advise(client, traffic, *pool);
  if (!more) return client.code();
  const auto* const chosen = o.apply == "waiting" ? faster : o.apply == "memory" ? smaller : dearer;
  if (o.how.as_json) {
    json proposals = json::array();
    const auto propose = [&](const char* aim, const outcome_of* one) {
      if (one == nullptr) return;
      auto entry = trial_json(*one);
      entry["aim"] = aim;
      proposals.push_back(std::move(entry));
    };
    propose("less waiting", faster);
    propose("less memory", smaller);
    propose("less waiting for more memory", dearer);
    json tried = json::array();
    for (const auto& one : all) tried.push_back(trial_json(one));
    if (!o.apply.empty() && chosen != nullptr)
      if (const int code = apply_settings(client, o, *chosen); code != done) return code;
    print_json({{"applied", !o.apply.empty() && chosen != nullptr},
                {"other", advice_json(*more)},
                {"requests", traffic.requests.size()},
                {"span_s", work.horizon_s},
                {"load_s", work.load_s},
                {"specialists", cast},
                {"now", trial_json(now)},
                {"proposals", proposals},
                {"tried", tried}});
    return done;
  }
  std::printf("%zu tasks of the last %s s, %zu of %zu specialists, a start takes %s s\n\n",
              traffic.requests.size(), fixed(work.horizon_s, 0).c_str(), asked_for, cast,
              fixed(work.load_s, 2).c_str());
  table rows{{{""}, {"SETTINGS"}, {"COLD", true}, {"MEAN WAIT", true}, {"MEMORY", true}}};
  const auto add = [&rows](const char* name, const outcome_of* one) {
    if (one == nullptr) return;
    rows.add({name, settings_of(*one), fixed(one->result.cold_ratio * 100, 2) + " %",
              fixed(one->result.wait_s * 1000, 1) + " ms",
              fixed(one->result.memory_ratio * 100, 1) + " %"});
  };
  add("now", &now);
  add("less waiting", faster);
  add("less memory", smaller);
  add("for more memory", dearer);
  std::printf("%s", rows.text().c_str());
  if (faster == nullptr && smaller == nullptr)
    std::printf("\nNo better setting found (%zu tried, same memory, %.0f %% margin)\n", all.size(),
                worthwhile * 100);
  print_advice(*more);
  if (o.apply.empty()) return done;
  if (chosen == nullptr) {
    std::printf("\nnothing to apply: there is no proposal for \"%s\"\n", o.apply.c_str());
    return done;
  }
  return apply_settings(client, o, *chosen);
}

}  // namespace

void add_tune(CLI::App& program, outcome& result) {
  auto* verb = program.add_subcommand("tune", "Propose better settings, queues and workflows");
  verb->group(group::watch);
  auto o = std::make_shared<tune_options>();
  verb->add_option("--apply", o->apply, "Put a proposal in force: waiting, memory or more-memory")
      ->check(CLI::IsMember({"waiting", "memory", "more-memory"}));
  add_asking_options(*verb, o->how);
  verb->footer(
      "Replays the node's latest traffic (up to 65,536 tasks) through the simulator with other\n"
      "values of pool.max_warm, pool.cooldown, pool.target_memory and\n"
      "pool.min_residency. Nothing is changed without --apply; what it applies lasts until\n"
      "the node restarts or reloads its file.\n"
      "It also looks for queues that were nearly full, and for chains of calls within a\n"
      "session that could be a workflow.\n\n"
      "Example:\n"
      "  greenroom tune\n"
      "  greenroom tune --apply waiting\n"
      "  greenroom tune --json");
  verb->callback([o, &result] { result.code = tune(*o); });
}

}  // namespace greenroom::apps
