#include "config/scenario.hpp"
#include "tests/unit/config/loaded.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace greenroom::config {
namespace {

scenario_result scenario_of(std::string_view text) { return load_scenario_text(text, "load.yaml"); }

TEST(Scenario, IsReadWithAllItsParts) {
  const auto loaded = scenario_of(R"(
name: a spike
duration: 60s
warmup: 5s
patience: 10s
seed: 42
connections: 128
sessions: 20
arrival: { kind: spike, rate: 20, peak: 300, at: 20s, for: 500ms }
mix:
  - { cast: all, zipf: 1.2, weight: 4 }
  - specialist: api-architect
    priority: high
    input: { query: rate "limits", top: 3, deep: [true, null, -1.5e3, "7", 007] }
  - { department: BACKEND, weight: 0.5 }
  - { command: implement }
  - { workflow: ML_PIPELINE }
thresholds: [ "p95_ms<500", "error_rate<0.01" ]
)");
  for (const auto& each : problems_in(loaded)) ADD_FAILURE() << to_string(each);
  ASSERT_TRUE(loaded);
  const auto& value = *loaded;
  EXPECT_EQ(value.arrival, scenario_arrival::spike);
  EXPECT_EQ(value.rate, 20);
  EXPECT_EQ(value.peak, 300);
  EXPECT_EQ(value.spike_at.count(), 20'000);
  EXPECT_EQ(value.spike_for.count(), 500);
  EXPECT_EQ(value.seed, 42U);
  EXPECT_EQ(value.connections, 128U);
  ASSERT_EQ(value.mix.size(), 5U);
  EXPECT_TRUE(value.mix[0].cast);
  EXPECT_EQ(value.mix[0].zipf, 1.2);
  EXPECT_EQ(value.mix[1].specialist, "api-architect");
  EXPECT_EQ(value.mix[1].input,
            R"({"query":"rate \"limits\"","top":3,"deep":[true,null,-1.5e3,"7","007"]})");
  EXPECT_EQ(value.mix[2].weight, 0.5);
  ASSERT_EQ(value.thresholds.size(), 2U);
  EXPECT_EQ(value.thresholds[1].text, "error_rate<0.01");
}

TEST(Scenario, NamesTheLineAndTheNearestKeyOfWhatIsWrong) {
  const auto loaded = scenario_of(
      "duration: 60s\n"
      "arival: { kind: poisson, rate: 5 }\n"
      "mix: [ { specialist: a } ]\n");
  ASSERT_FALSE(loaded);
  bool found = false;
  for (const auto& each : problems_in(loaded))
    if (each.line == 2 && each.key == "arival" && each.suggestion == "arrival") found = true;
  EXPECT_TRUE(found);
}

TEST(Scenario, RefusesWhatCannotBeDone) {
  const std::string good_mix = "mix: [ { specialist: a } ]\n";
  const std::string good_arrival = "arrival: { kind: poisson, rate: 5 }\n";
  for (const std::string& text : {good_mix,
                                  good_arrival,
                                  good_mix + "arrival: { kind: poisson }\n",
                                  good_mix + "arrival: { kind: sometimes, rate: 1 }\n",
                                  good_mix + "arrival: { kind: constant, rate: -1 }\n",
                                  good_mix + "arrival: { kind: constant, rate: \"five\" }\n",
                                  good_mix + "arrival: { kind: closed, users: 1.5 }\n",
                                  good_mix + "arrival: { kind: closed }\n",
                                  good_mix + "arrival: { kind: ramp }\n",
                                  good_mix + "arrival: { kind: spike, rate: 1, peak: 5 }\n",
                                  good_mix + "arrival: { kind: poisson, rate: 5, peak: 6 }\n",
                                  good_mix + good_arrival + "duration: 0s\n",
                                  good_mix + good_arrival + "duration: soon\n",
                                  good_mix + good_arrival + "thresholds: p95_ms<1\n",
                                  good_arrival + "mix: []\n",
                                  good_arrival + "mix: [ { specialist: a, weight: 0 } ]\n",
                                  good_arrival + "mix: [ { specialist: a, department: B } ]\n",
                                  good_arrival + "mix: [ { weight: 2 } ]\n",
                                  good_arrival + "mix: [ { cast: some } ]\n",
                                  good_arrival + "mix: [ { specialist: a, priority: urgent } ]\n",
                                  good_arrival + "mix: { specialist: a }\n",
                                  std::string{"[]\n"},
                                  std::string{},
                                  std::string{"{"}})
    EXPECT_FALSE(scenario_of(text)) << text;
}

TEST(Scenario, OfAFileThatIsNotThereIsAProblemThatNamesIt) {
  const auto loaded = load_scenario("/nowhere/load.yaml");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(problems_in(loaded).front().source, "/nowhere/load.yaml");
}

TEST(Scenario, IsRightInEveryFileThatIsShipped) {
  std::size_t files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator{GREENROOM_SOURCE_DIR "/apps/scenarios"}) {
    if (entry.path().extension() != ".yaml") continue;
    const auto loaded = load_scenario(entry.path());
    for (const auto& each : problems_in(loaded)) ADD_FAILURE() << to_string(each);
    EXPECT_TRUE(loaded) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 4U);
}

}  // namespace
}  // namespace greenroom::config
