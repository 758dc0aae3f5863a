// Two pools in one tree: shadow, routing, and the six phases.
#include "tests/support/watched_stage.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <utility>

namespace greenroom::tests {
namespace {

TEST(Rollout, GoesThroughItsSixPhasesWhileBothPoolsAnswerAlike) {
  watched_stage node{quick_cast()};
  node.open();
  ASSERT_EQ(node.command(rollout_command::kind::start), 200);
  EXPECT_EQ(node.command(rollout_command::kind::start), 409);
  std::mt19937_64 chance{7};
  std::vector<runtime::rollout::phase> seen;
  for (int i = 0; i < 2400 && node.phase() != runtime::rollout::phase::complete; ++i) {
    if (seen.empty() || seen.back() != node.phase()) seen.push_back(node.phase());
    node.ask("d0-s" + std::to_string(chance() % 2));
    node.run_for(50ms);
  }
  seen.push_back(node.phase());
  using enum runtime::rollout::phase;
  EXPECT_EQ(seen, (std::vector{preparation, shadow_mode, partial_rollout, full_deployment,
                               optimization, complete}));
  EXPECT_EQ(node.shared->routes.now().routes, mode::full);
  EXPECT_FALSE(node.shared->routes.baseline_warm);
  for (int i = 0; i < 20; ++i) node.run_for(50ms);
  for (const auto& one : node.callers) EXPECT_EQ(one->ends, 1);
}

TEST(Rollout, LetsTheBaselineAnswerInShadowAndComparesBeside) {
  watched_stage node{quick_cast()};
  node.open();
  node.command(rollout_command::kind::start);
  node.run_for(2s);
  ASSERT_EQ(node.phase(), runtime::rollout::phase::shadow_mode);
  const auto before = node.shared->gauge.accepted();
  for (int i = 0; i < 10; ++i) {
    const auto who = node.ask("d0-s0");
    node.run_for(200ms);
    EXPECT_EQ(who->ends, 1);
  }
  node.run_for(1s);
  const auto shadow = node.shared->shadow.read();
  EXPECT_EQ(shadow.mirrored, 10u);
  EXPECT_EQ(shadow.commands_compared, 10u);
  EXPECT_EQ(shadow.commands_differing, 0u);
  EXPECT_EQ(node.ended(pool_kind::intelligent), 10u);
  // Shadow copies are not counted as tasks.
  EXPECT_EQ(node.shared->gauge.accepted(), before + 10);
  EXPECT_EQ(node.shared->gauge.ended(), node.shared->gauge.accepted());
}

TEST(Rollout, CopiesNoUnsafeTask) {
  auto config = quick_cast();
  config.departments[0].specialists[0].backend.side_effects = config::side_effects::unsafe;
  watched_stage node{config};
  node.open();
  node.command(rollout_command::kind::start);
  node.run_for(2s);
  ASSERT_EQ(node.phase(), runtime::rollout::phase::shadow_mode);
  for (int i = 0; i < 5; ++i) node.ask("d0-s0");
  node.run_for(1s);
  EXPECT_EQ(node.ended(pool_kind::intelligent), 0u);
  EXPECT_EQ(node.shared->shadow.read()
                .drops[static_cast<std::size_t>(runtime::rollout::shadow_drop::unsafe)],
            5u);
}

TEST(Rollout, KeepsACaseInOnePool) {
  watched_stage node{quick_cast()};
  node.open();
  node.route(50);
  ASSERT_EQ(node.shared->routes.now().routes, mode::hybrid);
  std::size_t smart = 0;
  for (int i = 0; i < 200; ++i) {
    const auto name = "case " + std::to_string(i);
    const auto first = node.shared->routes.answering(name, "");
    for (int again = 0; again < 3; ++again)
      EXPECT_EQ(node.shared->routes.answering(name, ""), first);
    if (first == pool_kind::intelligent) ++smart;
  }
  EXPECT_GT(smart, 60u);
  EXPECT_LT(smart, 140u);
}

// The virtual duration of OPTIMIZATION when the tuner changes something at `when` (time since the
// phase began).
double seconds_of_optimization(const std::function<bool(std::chrono::milliseconds)>& when) {
  watched_stage node{quick_cast()};
  node.open();
  node.command(rollout_command::kind::start);
  using runtime::rollout::phase;
  std::optional<std::int64_t> began_ns;
  for (int i = 0; i < 4800 && node.phase() != phase::complete; ++i) {
    if (!began_ns && node.phase() == phase::optimization) began_ns = node.world.now_ns();
    if (began_ns && when(std::chrono::milliseconds{(node.world.now_ns() - *began_ns) / 1'000'000}))
      machine::count(node.shared->forecast.adjustments);
    node.ask(i % 2 == 0 ? "d0-s0" : "d0-s1");
    node.run_for(50ms);
  }
  EXPECT_EQ(node.phase(), phase::complete);
  return began_ns ? static_cast<double>(node.world.now_ns() - *began_ns) * 1e-9 : 0;
}

TEST(Rollout, WatchesWhatTheTunerChangedBeforeItIsComplete) {
  const auto quiet = seconds_of_optimization([](auto) { return false; });
  EXPECT_GE(quiet, 3.0);
  EXPECT_LT(quiet, 4.5);
  // Four checks of 500 ms each after the change.
  const auto once = seconds_of_optimization([done = false](auto passed) mutable {
    return passed >= 2900ms && !std::exchange(done, true);
  });
  EXPECT_GE(once, 4.9);
  EXPECT_LT(once, 5.9);
  // A tuner that never settles at most doubles the phase.
  const auto restless = seconds_of_optimization([](auto) { return true; });
  EXPECT_GE(restless, 6.0);
  EXPECT_LT(restless, 7.0);
}

TEST(Rollout, GivesTheBaselineCopiesWhenItHasNothingElseToCompareWith) {
  auto config = quick_cast();
  config.departments[0].specialists[1].backend.side_effects = config::side_effects::unsafe;
  watched_stage node{config};
  node.open();
  node.route(100);
  node.run_for(1s);
  using runtime::rollout::phase;
  for (int i = 0; i < 200 && node.phase() == phase::partial_rollout; ++i) {
    node.ask("d0-s1");
    node.run_for(100ms);
  }
  EXPECT_EQ(node.phase(), phase::partial_rollout) << "what is unsafe is never copied";
  EXPECT_EQ(node.ended(pool_kind::baseline), 0u);
  for (int i = 0; i < 200 && node.phase() == phase::partial_rollout; ++i) {
    node.ask("d0-s0");
    node.run_for(100ms);
  }
  EXPECT_EQ(node.phase(), phase::full_deployment);
  // As many copies as the comparison needs, each run twice to measure the noise, not one per task.
  EXPECT_GE(node.ended(pool_kind::baseline), 20u);
  EXPECT_LE(node.ended(pool_kind::baseline), 52u);
  EXPECT_EQ(node.shared->shadow.read().commands_differing, 0u);
  for (const auto& one : node.callers) EXPECT_EQ(one->ends, 1);
  // Shadow copies are not counted as tasks.
  EXPECT_EQ(node.shared->gauge.accepted(), node.callers.size());
}

}  // namespace
}  // namespace greenroom::tests
