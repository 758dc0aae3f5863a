#include "config/chaos_plan.hpp"
#include "tests/unit/config/loaded.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

namespace greenroom::config {
namespace {

chaos_plan_result plan_of(const std::string& text) {
  return load_chaos_plan_text(text, "plan.yaml");
}

const std::string head =
    "profile: core\n"
    "load:\n"
    "  arrival: { kind: poisson, rate: 60 }\n"
    "  mix: [ { cast: all } ]\n";

TEST(ChaosPlan, IsReadWithAllItsParts) {
  const auto loaded = plan_of(R"(
name: a storm
about: everything at once
duration: 20s
settle: 5s
seed: 42
profile: core
set: [ pool.max_warm=8, queue.total=100 ]
load:
  arrival: { kind: constant, rate: 60 }
  durable: 0.25
  sessions: 20
  mix:
    - { cast: all, zipf: 0.8, weight: 4, input: { query: login } }
    - { specialist: api-architect, priority: high }
faults:
  - { kind: kill_worker, every: 700ms, from: 1s, until: 15s }
  - { kind: kill_actor, from: 4s, roles: [bridge, journal] }
  - { kind: slow_worker, every: 5s, for: 1s, by: 150ms, only: [api-architect] }
  - { kind: swell_worker, from: 2s, for: 3s, mb: 30 }
  - { kind: cascade, from: 9s, count: 3, step: 300ms }
thresholds: { mean_recovery: 1s, max_recovery: 9s, recovered: 0.9, success: 0.99, lost: 0, over_budget: 2s }
)");
  for (const auto& each : problems_in(loaded)) ADD_FAILURE() << to_string(each);
  ASSERT_TRUE(loaded);
  const auto& plan = *loaded;
  EXPECT_EQ(plan.name, "a storm");
  EXPECT_EQ(plan.duration.count(), 20'000);
  EXPECT_EQ(plan.settle.count(), 5'000);
  EXPECT_EQ(plan.seed, 42U);
  EXPECT_EQ(plan.sets, (std::vector<std::string>{"pool.max_warm=8", "queue.total=100"}));
  EXPECT_EQ(plan.load.rate, 60);
  EXPECT_EQ(plan.durable, 0.25);
  ASSERT_EQ(plan.load.mix.size(), 2U);
  ASSERT_EQ(plan.faults.size(), 5U);
  EXPECT_EQ(plan.faults[0].every.count(), 700);
  EXPECT_EQ(plan.faults[0].until.count(), 15'000);
  EXPECT_EQ(plan.faults[1].roles, (std::vector<std::size_t>{0, 2}));
  EXPECT_EQ(plan.faults[2].by.count(), 150);
  EXPECT_EQ(plan.faults[2].only, std::vector<std::string>{"api-architect"});
  EXPECT_EQ(plan.faults[3].mb, 30);
  EXPECT_EQ(plan.faults[4].count, 3U);
  EXPECT_EQ(plan.thresholds.mean_recovery.count(), 1'000);
  EXPECT_EQ(plan.thresholds.success, 0.99);
}

TEST(ChaosPlan, RefusesWhatItDoesNotUnderstandWithLineAndNearestWord) {
  struct {
    std::string text, key;
    std::size_t line;
    std::string message, suggestion;
  } const mistakes[] = {
      {head + "faults:\n  - { kind: kill_worke, every: 1s }\n", "faults[0].kind", 6, "none of them",
       "kill_worker"},
      {head + "faults:\n  - { kind: kill_worker, evry: 1s, from: 1s }\n", "faults[0].evry", 6,
       "unknown key", "every"},
      {head + "faults:\n  - { kind: kill_worker }\n", "faults[0].from", 6, "is missing", ""},
      {head + "faults:\n  - { kind: freeze_worker, every: 1s }\n", "faults[0].for", 6, "above 0",
       ""},
      {head + "faults:\n  - { kind: slow_worker, from: 1s, for: 1s }\n", "faults[0].by", 6,
       "above 0", ""},
      {head + "faults:\n  - { kind: swell_worker, from: 1s, for: 1s }\n", "faults[0].mb", 6,
       "above 0", ""},
      {head + "faults:\n  - { kind: kill_worker, every: 1s, for: 1s }\n", "faults[0].for", 6,
       "unknown key", ""},
      {head + "faults:\n  - { kind: kill_actor, from: 1s, roles: [dispacher] }\n",
       "faults[0].roles", 6, "none of them", "dispatcher"},
      {head + "faults:\n  - { kind: kill_worker, from: 1s, until: 2s }\n", "faults[0].until", 6,
       "without", ""},
      {head + "faults:\n  - { kind: kill_worker, every: 1s, from: 5s, until: 2s }\n",
       "faults[0].until", 6, "after", ""},
      {head + "faults: []\n", "faults", 1, "at least one", ""},
      {head + "faults: [ { kind: kill_worker, from: 1s } ]\nthresholds: { sucess: 1 }\n",
       "thresholds.sucess", 6, "unknown key", "success"},
      {head + "config: other.yaml\nfaults: [ { kind: kill_worker, from: 1s } ]\n", "config", 1,
       "exactly one", ""},
  };
  for (const auto& each : mistakes) {
    const auto loaded = plan_of(each.text);
    EXPECT_FALSE(loaded) << each.text;
    ASSERT_EQ(problems_in(loaded).size(), 1U) << each.text;
    const auto problem = problems_in(loaded).front();
    EXPECT_EQ(problem.key, each.key) << each.text;
    EXPECT_EQ(problem.line, each.line) << each.text;
    EXPECT_NE(problem.message.find(each.message), std::string::npos)
        << each.text << problem.message;
    if (!each.suggestion.empty()) {
      EXPECT_EQ(problem.suggestion, each.suggestion) << each.text;
    }
  }
}

TEST(ChaosPlan, TakesNoTrafficThatWouldHideWhatAFaultCosts) {
  const std::string tail = "faults: [ { kind: kill_worker, from: 1s } ]\n";
  EXPECT_FALSE(
      plan_of("profile: core\nload:\n  arrival: { kind: closed, users: 3 }\n"
              "  mix: [ { cast: all } ]\n"
              + tail));
  EXPECT_FALSE(
      plan_of("profile: core\nload:\n  arrival: { kind: poisson, rate: 3 }\n"
              "  mix: [ { workflow: ML_PIPELINE } ]\n"
              + tail));
  EXPECT_FALSE(
      plan_of("profile: core\nload:\n  arrival: { kind: poisson, rate: 3 }\n  mix: []\n" + tail));
  EXPECT_FALSE(plan_of("profile: core\n" + tail)) << "no traffic at all";
}

TEST(ChaosPlan, RefusesWhatIsNoMap) {
  for (const auto* text : {"", "[]", "5", "- a\n- b\n", "load: 3\nprofile: core\nfaults: 7\n"}) {
    const auto loaded = plan_of(text);
    EXPECT_FALSE(loaded) << text;
    EXPECT_FALSE(problems_in(loaded).empty()) << text;
  }
}

// What ships must load, and there must be a plan for every kind of fault.
TEST(ChaosPlan, ShipsInOrderForEveryKindOfFault) {
  const std::filesystem::path folder = GREENROOM_SOURCE_DIR "/apps/chaos/plans";
  std::set<std::size_t> kinds;
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    if (entry.path().extension() != ".yaml") continue;
    const auto loaded = load_chaos_plan(entry.path());
    for (const auto& each : problems_in(loaded)) ADD_FAILURE() << to_string(each);
    if (!loaded) continue;
    EXPECT_EQ(loaded->name, entry.path().stem().string());
    EXPECT_FALSE(loaded->about.empty()) << entry.path();
    EXPECT_GE(loaded->thresholds.success, 0.952) << entry.path();
    EXPECT_LE(loaded->thresholds.mean_recovery.count(), 7'000) << entry.path();
    EXPECT_EQ(loaded->thresholds.recovered, 1) << entry.path();
    for (const auto& fault : loaded->faults) kinds.insert(fault.kind);
  }
  EXPECT_EQ(kinds.size(), chaos_kinds().size());
}

}  // namespace
}  // namespace greenroom::config
