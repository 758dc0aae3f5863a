// Under a hard cap the policy against the best of four plain rules, each on traffic that some rule
// is made for.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "runtime/simulation/comparison.hpp"

#include "runtime/calendar.hpp"

namespace greenroom::runtime {
namespace {

constexpr std::size_t cast = 100;

trace of_cast() {
  trace made;
  for (std::size_t i = 0; i < cast; ++i) made.specialists.push_back("s" + std::to_string(i));
  return made;
}

/// A request every few seconds; `who` is asked for the specialist.
trace poisson(std::uint32_t seed, const std::function<std::size_t(std::mt19937&, double)>& who) {
  std::mt19937 random(seed);
  trace made = of_cast();
  std::exponential_distribution<double> gap(0.25);
  for (double now_s = gap(random); now_s < day_s; now_s += gap(random)) {
    made.requests.push_back({now_s, 0.5, 0, static_cast<specialist_index>(who(random, now_s))});
  }
  return made;
}

/// Our cold starts, or what else is asked for, over those of the best of LRU, LFU, Greedy-Dual and
/// W-TinyLFU.
double against_the_best(const trace& traffic,
                        double simulation_result::*which = &simulation_result::cold_ratio) {
  const workload work{&traffic, 10.0, day_s};
  comparison_settings settings;
  settings.slots = cast / 5;
  const auto cold = [&](const char* name) {
    const auto choice = std::get<policy_choice>(parse_policy(name));
    return simulate(work, choice, settings).*which;
  };
  const double best = std::min({cold("lru"), cold("lfu"), cold("greedy-dual"), cold("w-tinylfu")});
  return cold("greenroom") / best;
}

TEST(HardCap, IsAsGoodAsFrequencyWherePopularityStays) {
  std::vector<double> weights;
  for (std::size_t i = 0; i < cast; ++i)
    weights.push_back(std::pow(static_cast<double>(i + 1), -0.8));
  std::discrete_distribution<std::size_t> zipf(weights.begin(), weights.end());
  EXPECT_LE(
      against_the_best(poisson(7, [&](std::mt19937& random, double) { return zipf(random); })),
      1.02);
}

TEST(HardCap, IsNearlyAsGoodAsRecencyWhereThatIsAllThereIs) {
  std::vector<std::size_t> latest(cast);
  for (std::size_t i = 0; i < cast; ++i) latest[i] = i;
  const trace traffic = poisson(5, [&](std::mt19937& random, double) {
    // A Pareto distance from the one used last.
    const double u = std::uniform_real_distribution<double>(1e-9, 1.0)(random);
    const auto depth = std::min(cast - 1, static_cast<std::size_t>(std::pow(u, -1 / 0.9)) - 1);
    std::rotate(latest.begin(), latest.begin() + static_cast<std::ptrdiff_t>(depth),
                latest.begin() + static_cast<std::ptrdiff_t>(depth) + 1);
    return latest.front();
  });
  EXPECT_LE(against_the_best(traffic), 1.08);
}

TEST(HardCap, IsBetterThanAllWhereTheWorkingSetChanges) {
  EXPECT_LE(against_the_best(poisson(6,
                                     [](std::mt19937& random, double now_s) {
                                       if (random() % 10 == 0) return random() % cast;
                                       const auto phase = static_cast<std::size_t>(now_s / 7200);
                                       return (phase * 18 + random() % 18) % cast;
                                     })),
            0.85);
}

TEST(HardCap, DoesNotTurnColdStartsOfTimersIntoWaiting) {
  trace traffic = of_cast();
  std::mt19937 random(9);
  for (specialist_index who = 0; who < cast; ++who) {
    const double period_s = 60 * std::pow(60.0, static_cast<double>(who) / cast);
    std::normal_distribution<double> late_s(0, 0.02 * period_s);
    for (double due_s = period_s; due_s < day_s; due_s += period_s)
      traffic.requests.push_back({std::max(due_s + late_s(random), 0.0), 0.5, 0, who});
  }
  std::ranges::sort(traffic.requests, {}, &request::time_s);
  EXPECT_LE(against_the_best(traffic), 0.03);
  EXPECT_LE(against_the_best(traffic, &simulation_result::wait_s), 0.03);
}

TEST(HardCap, LetsNobodyGoWhoWouldBeBackBeforeItCouldHaveStarted) {
  // Some are asked again after little more than a start takes; the timers of the others want in.
  constexpr std::size_t often = cast / 4;
  trace traffic = of_cast();
  std::mt19937 random(4);
  for (specialist_index who = 0; who < cast; ++who) {
    const double period_s = who < often ? 12 + 2.0 * who : 90 + 15.0 * who;
    std::normal_distribution<double> late_s(0, 0.05 * period_s);
    for (double due_s = period_s; due_s < day_s; due_s += period_s)
      traffic.requests.push_back({std::max(due_s + late_s(random), 0.0), 0.5, 0, who});
  }
  std::ranges::sort(traffic.requests, {}, &request::time_s);
  EXPECT_LE(against_the_best(traffic, &simulation_result::wait_s), 0.2);
}

TEST(HardCap, ForeseesALoopLargerThanTheCap) {
  trace traffic = of_cast();
  std::mt19937 random(3);
  double now_s = 0;
  for (std::size_t i = 0; now_s < day_s; ++i) {
    now_s += std::uniform_real_distribution<double>(8, 30)(random);
    traffic.requests.push_back({now_s, 0.5, 0, static_cast<specialist_index>(i % 24)});
  }
  EXPECT_LE(against_the_best(traffic), 0.2);
}

}  // namespace
}  // namespace greenroom::runtime
