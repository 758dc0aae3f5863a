#include "runtime/simulation/comparison.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "runtime/simulation/trade_off_chart.hpp"

namespace greenroom::runtime {
namespace {

trace steady(std::size_t specialists, std::size_t rounds) {
  trace made;
  made.name = "steady";
  for (std::size_t i = 0; i < specialists; ++i) made.specialists.push_back("s" + std::to_string(i));
  for (std::size_t r = 0; r < rounds; ++r) {
    for (std::size_t i = 0; i < specialists; ++i) {
      if (r % (i + 1) != 0) continue;
      const double time_s = static_cast<double>(r) * 300 + static_cast<double>(i) * 11;
      made.requests.push_back({time_s, 1.0, 0, static_cast<specialist_index>(i)});
    }
  }
  return made;
}

TEST(PolicyName, CarriesADurationInAnyUnit) {
  const auto choice = std::get<policy_choice>(parse_policy("ttl:1.5h"));
  EXPECT_EQ(choice.kind, policy_kind::ttl);
  EXPECT_DOUBLE_EQ(choice.duration_s, 5400);
  EXPECT_EQ(choice.name, "ttl:1.5h");
  EXPECT_DOUBLE_EQ(std::get<policy_choice>(parse_policy("hybrid")).duration_s, 14400);
}

TEST(PolicyName, IsRefusedWithTheNamesThatExist) {
  const auto wrong = std::get<std::string>(parse_policy("arc"));
  EXPECT_NE(wrong.find("greedy-dual"), std::string::npos);
  EXPECT_TRUE(std::holds_alternative<std::string>(parse_policy("ttl:soon")));
  EXPECT_TRUE(std::holds_alternative<std::string>(parse_policy("ttl:0s")));
  EXPECT_TRUE(std::holds_alternative<std::string>(parse_policy("lru:5s")));
}

TEST(Tuning, FindsTheMostMemoryThatIsStillWithin) {
  const trace traffic = steady(12, 120);
  const workload work{&traffic, 5, 36'000};
  comparison_settings settings;
  settings.memory_ratio = 0.3;
  for (const char* name : {"ttl:600s", "hybrid", "lru", "greedy-dual", "greenroom", "reactive"}) {
    const auto choice = std::get<policy_choice>(parse_policy(name));
    const tuned_result found = tune(work, choice, settings);
    EXPECT_TRUE(found.reached) << name;
    EXPECT_LE(found.result.memory_ratio, 0.3) << name;
    EXPECT_FALSE(found.knob.empty()) << name;
  }
}

TEST(Tuning, SaysSoWhenNoSettingIsWithin) {
  const trace traffic = steady(4, 50);
  const workload work{&traffic, 5, 15'000};
  comparison_settings settings;
  settings.memory_ratio = 1e-6;
  const auto choice = std::get<policy_choice>(parse_policy("ttl:600s"));
  EXPECT_FALSE(tune(work, choice, settings).reached);
  const auto warm = std::get<policy_choice>(parse_policy("always-warm"));
  EXPECT_FALSE(tune(work, warm, settings).reached);
}

TEST(Simulation, HoldsAHardCapOfSlots) {
  const trace traffic = steady(12, 120);
  const workload work{&traffic, 1, 36'000};
  comparison_settings settings;
  settings.slots = 4;
  const auto choice = std::get<policy_choice>(parse_policy("greenroom"));
  EXPECT_EQ(simulate(work, choice, settings).peak_warm, 4U) << "all of them are of use";
}

TEST(Simulation, IsTheSameEveryTime) {
  const trace traffic = steady(9, 200);
  const workload work{&traffic, 5, 60'000};
  const auto choice = std::get<policy_choice>(parse_policy("greenroom"));
  const auto first = simulate(work, choice, {});
  const auto second = simulate(work, choice, {});
  EXPECT_EQ(first.cold, second.cold);
  EXPECT_EQ(first.memory_ratio, second.memory_ratio);
  EXPECT_EQ(first.loads, second.loads);
}

TEST(TradeOffChart, IsAnImageWithALineForEachPolicyAndSafeNames) {
  simulation_result point;
  point.cold_ratio = 0.1;
  point.memory_ratio = 0.2;
  simulation_result none;
  const std::string image =
      trade_off_chart("a < b", {{"greenroom", {none, point, point}}, {"x&y", {point}}});
  EXPECT_EQ(image.rfind("<svg", 0), 0U);
  EXPECT_NE(image.find("</svg>"), std::string::npos);
  EXPECT_NE(image.find("<polyline"), std::string::npos);
  EXPECT_NE(image.find("x&amp;y"), std::string::npos);
  EXPECT_NE(image.find("a &lt; b"), std::string::npos);
  EXPECT_EQ(image.find("nan"), std::string::npos);
  EXPECT_EQ(image.find("inf"), std::string::npos);
}

TEST(TradeOffChart, GivesEveryKindOfPolicyAColourOfItsOwn) {
  const std::vector<std::string> kinds{"greenroom", "ttl",         "hybrid",      "lru",
                                       "lfu",       "w-tinylfu",   "greedy-dual", "belady",
                                       "reactive",  "always-warm", "just-in-time"};
  simulation_result point;
  point.cold_ratio = 0.1;
  point.memory_ratio = 0.2;
  std::vector<chart_series> series;
  for (const std::string& kind : kinds) series.push_back({kind, {point, point}});
  const std::string image = trade_off_chart("all", series);
  const std::string stroke = "<polyline fill=\"none\" stroke=\"";
  std::set<std::string> colours;
  for (auto at = image.find(stroke); at != std::string::npos; at = image.find(stroke, at + 1))
    colours.insert(image.substr(at + stroke.size(), 7));
  EXPECT_EQ(colours.size(), kinds.size());
}

}  // namespace
}  // namespace greenroom::runtime
