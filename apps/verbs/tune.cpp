// `greenroom tune`: replays the node's latest traffic through the simulator with other settings,
// and proposes the settings that would have been better.
#include "apps/client/asking.hpp"
#include "apps/client/terminal.hpp"
#include "apps/client/verb.hpp"
#include "apps/verbs/scratch_folder.hpp"
#include "apps/verbs/tune_advice.hpp"
#include "protocols/base/duration.hpp"
#include "protocols/base/expected.hpp"
#include "runtime/machine/trace/trace_file.hpp"
#include "runtime/pooling/predictive_policy.hpp"
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
#include <utility>
#include <variant>
#include <vector>

namespace greenroom::apps {
namespace {

using nlohmann::json;

constexpr std::size_t requests_min = 200;  // With fewer, chance outweighs the settings.
constexpr double worthwhile = 0.05;        // A proposal must be better by this share.
constexpr double same_memory = 1.02;       // Up to this factor, memory counts as equal.
constexpr double memory_factor_max = 1.5;  // A proposal may need more memory up to this factor,
constexpr double wait_share_max = 0.85;    // if the wait shrinks to at most this share.

struct tune_options {
  asking how;
  std::string apply;  ///< The proposal to apply; empty: none.
};

/// Settings, and the simulator's result with them.
struct trial {
  runtime::pool_limits limits;
  runtime::simulation_result result;
};

/// The recorded traffic, from time 0, and the cast that it belongs to.
struct recording {
  runtime::trace traffic;
  double epoch_s = 0;           ///< When the first request came, in seconds since 1970.
  std::size_t specialists = 0;  ///< All of the node, with and without requests.
  double load_s = 1;            ///< The duration of a start.

  [[nodiscard]] double horizon_s() const { return traffic.requests.back().time_s + load_s; }
  /// The share of the specialists that had a request.
  [[nodiscard]] double share() const {
    return static_cast<double>(traffic.specialists.size()) / static_cast<double>(specialists);
  }
};

/// Trials that are better than the current settings; null: none.
struct proposals {
  const trial* faster = nullptr;   ///< Less waiting with the same memory.
  const trial* smaller = nullptr;  ///< Less memory with the same waiting.
  const trial* dearer = nullptr;   ///< Less waiting for more memory.

  /// The proposal that `--apply` names.
  [[nodiscard]] const trial* named(const std::string& aim) const {
    return aim == "waiting" ? faster : aim == "memory" ? smaller : dearer;
  }
};

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

json trial_json(const trial& one) {
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

std::string settings_of(const trial& one) {
  auto text = "max_warm " + std::to_string(one.limits.max_warm);
  text += one.limits.target_memory > 0 ? ", target_memory " + fixed(one.limits.target_memory, 2)
                                       : ", cooldown " + fixed(one.limits.cooldown_s, 1) + "s";
  return text + ", min_residency "
         + (one.limits.min_residency_s >= 0 ? fixed(one.limits.min_residency_s, 1) + "s" : "auto");
}

/// The best of the fitting settings, or null unless it is better by `worthwhile`.
template <class Fits, class Measure>
const trial* better(const std::vector<trial>& all, const trial& now, Fits fits, Measure measure) {
  const trial* best = nullptr;
  for (const auto& one : all)
    if (fits(one) && (best == nullptr || measure(one) < measure(*best))) best = &one;
  if (best == nullptr || measure(*best) > (1 - worthwhile) * measure(now)) return nullptr;
  return best;
}

/// Applies the settings until the node restarts or reloads its file.
int apply_settings(node_client& client, const tune_options& o, const trial& chosen) {
  const auto answer = client.call("POST", "/v1/tuning",
                                  {{"max_warm", chosen.limits.max_warm},
                                   {"cooldown_ms", std::llround(chosen.limits.cooldown_s * 1e3)},
                                   {"target_memory", chosen.limits.target_memory}});
  if (!answer) return client.code();
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

/// Fetches the node's recording. On failure prints the problem and returns the exit code.
base::expected<runtime::trace, int> fetch_recording(node_client& client) {
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
  return std::get<runtime::trace>(std::move(read));
}

runtime::pool_limits limits_of(const json& pool) {
  runtime::pool_limits limits;
  limits.max_warm = static_cast<std::size_t>(number_of(pool, "max_warm", 17));
  limits.cooldown_s = number_of(pool, "cooldown_s", 45);
  limits.target_memory = number_of(pool, "target_memory");
  limits.min_residency_s = number_of(pool, "min_residency_s", runtime::automatic_residency);
  limits.warm_threshold = number_of(pool, "warm_threshold", 0.3);
  limits.adaptive = truth_of(pool, "adaptive");
  return limits;
}

recording recording_of(runtime::trace traffic, const json& pool) {
  recording result;
  result.traffic = std::move(traffic);
  result.epoch_s = result.traffic.requests.front().time_s;
  for (auto& one : result.traffic.requests) one.time_s -= result.epoch_s;
  result.specialists = std::max(static_cast<std::size_t>(number_of(pool, "specialists")),
                                result.traffic.specialists.size());
  result.load_s = std::max(number_of(pool, "load_s", 1), 1e-3);
  return result;
}

trial replay_with(const recording& from, const runtime::pool_limits& limits) {
  trial one{limits, {}};
  runtime::warm_policy_run run;
  run.limits = limits;
  // The recording holds only requested specialists, while `target_memory` refers to all.
  run.limits.target_memory = std::min(1.0, limits.target_memory / from.share());
  run.epoch_s = from.epoch_s;
  const runtime::workload work{&from.traffic, from.load_s, from.horizon_s()};
  runtime::predictive_policy policy;
  one.result = runtime::run_warm_policy(work, policy, run);
  // Specialists without a request take no memory here, but always-warm counts them.
  one.result.memory_ratio *= from.share();
  return one;
}

proposals find_proposals(const std::vector<trial>& all, const trial& now) {
  const auto wait_s = [](const trial& one) { return one.result.wait_s; };
  const auto memory = [](const trial& one) { return one.result.memory_ratio; };
  const auto same_memory_max = now.result.memory_ratio * same_memory;
  proposals found;
  found.faster = better(
      all, now, [&](const trial& one) { return memory(one) <= same_memory_max; }, wait_s);
  found.smaller = better(
      all, now, [&](const trial& one) { return wait_s(one) <= wait_s(now); }, memory);
  // Shows what more memory would gain.
  found.dearer = better(
      all, now,
      [&](const trial& one) {
        return memory(one) > same_memory_max && memory(one) <= memory(now) * memory_factor_max
               && wait_s(one) <= wait_s(now) * wait_share_max;
      },
      wait_s);
  return found;
}

json proposals_json(const proposals& found) {
  json result = json::array();
  const auto add = [&](const char* aim, const trial* one) {
    if (one == nullptr) return;
    auto entry = trial_json(*one);
    entry["aim"] = aim;
    result.push_back(std::move(entry));
  };
  add("less waiting", found.faster);
  add("less memory", found.smaller);
  add("less waiting for more memory", found.dearer);
  return result;
}

json result_json(const recording& from, const trial& now, const std::vector<trial>& all,
                 const proposals& found) {
  json tried = json::array();
  for (const auto& one : all) tried.push_back(trial_json(one));
  return {{"requests", from.traffic.requests.size()},
          {"span_s", from.horizon_s()},
          {"load_s", from.load_s},
          {"specialists", from.specialists},
          {"now", trial_json(now)},
          {"proposals", proposals_json(found)},
          {"tried", std::move(tried)}};
}

void print_proposals(const recording& from, const trial& now, const proposals& found,
                     std::size_t tried) {
  std::printf("%zu tasks of the last %s s, %zu of %zu specialists, a start takes %s s\n\n",
              from.traffic.requests.size(), fixed(from.horizon_s(), 0).c_str(),
              from.traffic.specialists.size(), from.specialists, fixed(from.load_s, 2).c_str());
  table rows{{{""}, {"SETTINGS"}, {"COLD", true}, {"MEAN WAIT", true}, {"MEMORY", true}}};
  const auto add = [&rows](const char* name, const trial* one) {
    if (one == nullptr) return;
    rows.add({name, settings_of(*one), fixed(one->result.cold_ratio * 100, 2) + " %",
              fixed(one->result.wait_s * 1000, 1) + " ms",
              fixed(one->result.memory_ratio * 100, 1) + " %"});
  };
  add("now", &now);
  add("less waiting", found.faster);
  add("less memory", found.smaller);
  add("for more memory", found.dearer);
  std::printf("%s", rows.text().c_str());
  if (found.faster == nullptr && found.smaller == nullptr)
    std::printf("\nNo better setting found (%zu tried, same memory, %.0f %% margin)\n", tried,
                worthwhile * 100);
}

int tune(const tune_options& o) {
  node_client client{o.how};
  const auto pool = client.get("/v1/tuning");
  if (!pool) return client.code();
  auto traffic = fetch_recording(client);
  if (!traffic) return traffic.error();
  const auto from = recording_of(*std::move(traffic), *pool);
  const auto limits = limits_of(*pool);
  const auto now = replay_with(from, limits);
  std::vector<trial> all;
  for (const auto& one : candidates(limits, from.specialists))
    all.push_back(replay_with(from, one));
  const auto found = find_proposals(all, now);
  const auto more = advise(client, from.traffic, *pool);
  if (!more) return client.code();
  const auto* const chosen = o.apply.empty() ? nullptr : found.named(o.apply);
  if (o.how.as_json) {
    if (chosen != nullptr)
      if (const int code = apply_settings(client, o, *chosen); code != done) return code;
    auto result = result_json(from, now, all, found);
    result["applied"] = chosen != nullptr;
    result["other"] = advice_json(*more);
    print_json(result);
    return done;
  }
  print_proposals(from, now, found, all.size());
  print_advice(*more);
  if (o.apply.empty()) return done;
  if (chosen == nullptr) {
    std::printf("\nnothing to apply: there is no proposal for \"%s\"\n", o.apply.c_str());
    return done;
  }
  return apply_settings(client, o, *chosen);
}

}  // namespace

void define_tune(CLI::App& verb, outcome& result) {
  verb.description("Propose better settings, queues and workflows");
  auto o = std::make_shared<tune_options>();
  verb.add_option("--apply", o->apply, "Put a proposal in force: waiting, memory or more-memory")
      ->check(CLI::IsMember({"waiting", "memory", "more-memory"}));
  add_asking_options(verb, o->how);
  verb.footer(
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
  verb.callback([o, &result] { result.code = tune(*o); });
}

}  // namespace greenroom::apps
