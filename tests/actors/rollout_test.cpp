// Two pools in one tree: shadow, routing, and the six phases.
#include "tests/support/watched_stage.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <utility>

namespace greenroom::tests {
namespace {

TEST(Rollout, GoesThroughItsSixPhasesWhileBothPoolsAnswerAlike) {
  watched_stage play{quick_cast()};
  play.open();
  ASSERT_EQ(play.steer(steering::what::start), 200);
  EXPECT_EQ(play.steer(steering::what::start), 409);
  std::mt19937_64 chance{7};
  std::vector<runtime::rollout::phase> seen;
  for (int i = 0; i < 2400 && play.phase() != runtime::rollout::phase::complete; ++i) {
    if (seen.empty() || seen.back() != play.phase()) seen.push_back(play.phase());
    play.ask("d0-s" + std::to_string(chance() % 2));
    play.live(50ms);
  }
  seen.push_back(play.phase());
  using enum runtime::rollout::phase;
  EXPECT_EQ(seen, (std::vector{preparation, shadow_mode, partial_rollout, full_deployment,
                               optimization, complete}));
  EXPECT_EQ(play.shared->routes.now().routes, mode::full);
  EXPECT_FALSE(play.shared->routes.baseline_warm);
  for (int i = 0; i < 20; ++i) play.live(50ms);
  for (const auto& one : play.callers) EXPECT_EQ(one->ends, 1);
}

TEST(Rollout, LetsTheBaselineAnswerInShadowAndComparesBeside) {
  watched_stage play{quick_cast()};
  play.open();
  play.steer(steering::what::start);
  play.live(2s);
  ASSERT_EQ(play.phase(), runtime::rollout::phase::shadow_mode);
  const auto before = play.shared->gauge.accepted();
  for (int i = 0; i < 10; ++i) {
    const auto who = play.ask("d0-s0");
    play.live(200ms);
    EXPECT_EQ(who->ends, 1);
  }
  play.live(1s);
  const auto shadow = play.shared->shadow.read();
  EXPECT_EQ(shadow.mirrored, 10u);
  EXPECT_EQ(shadow.commands_compared, 10u);
  EXPECT_EQ(shadow.commands_differing, 0u);
  EXPECT_EQ(play.ended(pool_kind::intelligent), 10u);
  // Shadow copies are not counted as tasks.
  EXPECT_EQ(play.shared->gauge.accepted(), before + 10);
  EXPECT_EQ(play.shared->gauge.ended(), play.shared->gauge.accepted());
}

TEST(Rollout, NeverMirrorsWhatIsUnsafe) {
  auto config = quick_cast();
  config.departments[0].specialists[0].backend.side_effects = config::side_effects::unsafe;
  watched_stage play{config};
  play.open();
  play.steer(steering::what::start);
  play.live(2s);
  ASSERT_EQ(play.phase(), runtime::rollout::phase::shadow_mode);
  for (int i = 0; i < 5; ++i) play.ask("d0-s0");
  play.live(1s);
  EXPECT_EQ(play.ended(pool_kind::intelligent), 0u);
  EXPECT_EQ(play.shared->shadow.read()
                .drops[static_cast<std::size_t>(runtime::rollout::mirror_drop::unsafe)],
            5u);
}

TEST(Rollout, KeepsACaseInOnePool) {
  watched_stage play{quick_cast()};
  play.open();
  play.route(50);
  ASSERT_EQ(play.shared->routes.now().routes, mode::hybrid);
  std::size_t smart = 0;
  for (int i = 0; i < 200; ++i) {
    const auto name = "case " + std::to_string(i);
    const auto first = play.shared->routes.answering(name, "");
    for (int again = 0; again < 3; ++again)
      EXPECT_EQ(play.shared->routes.answering(name, ""), first);
    if (first == pool_kind::intelligent) ++smart;
  }
  EXPECT_GT(smart, 60u);
  EXPECT_LT(smart, 140u);
}

// The virtual duration of OPTIMIZATION when the tuner changes something at `when` (time since the
// phase began).
double seconds_of_optimization(const std::function<bool(std::chrono::milliseconds)>& when) {
  watched_stage play{quick_cast()};
  play.open();
  play.steer(steering::what::start);
  using runtime::rollout::phase;
  std::optional<std::int64_t> began_ns;
  for (int i = 0; i < 4800 && play.phase() != phase::complete; ++i) {
    if (!began_ns && play.phase() == phase::optimization) began_ns = play.world.now_ns();
    if (began_ns && when(std::chrono::milliseconds{(play.world.now_ns() - *began_ns) / 1'000'000}))
      machine::count(play.shared->forecast.adjustments);
    play.ask(i % 2 == 0 ? "d0-s0" : "d0-s1");
    play.live(50ms);
  }
  EXPECT_EQ(play.phase(), phase::complete);
  return began_ns ? static_cast<double>(play.world.now_ns() - *began_ns) * 1e-9 : 0;
}

TEST(Rollout, WatchesWhatTheTunerChangedBeforeItIsComplete) {
  const auto quiet = seconds_of_optimization([](auto) { return false; });
  EXPECT_GE(quiet, 3.0);
  EXPECT_LT(quiet, 4.5);
  // Four checks of 500 ms each after the change.
  const auto once = seconds_of_optimization([told = false](auto passed) mutable {
    return passed >= 2900ms && !std::exchange(told, true);
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
  watched_stage play{config};
  play.open();
  play.route(100);
  play.live(1s);
  using runtime::rollout::phase;
  for (int i = 0; i < 200 && play.phase() == phase::partial_rollout; ++i) {
    play.ask("d0-s1");
    play.live(100ms);
  }
  EXPECT_EQ(play.phase(), phase::partial_rollout) << "what is unsafe is never copied";
  EXPECT_EQ(play.ended(pool_kind::baseline), 0u);
  for (int i = 0; i < 200 && play.phase() == phase::partial_rollout; ++i) {
    play.ask("d0-s0");
    play.live(100ms);
  }
  EXPECT_EQ(play.phase(), phase::full_deployment);
  // As many copies as the comparison needs, each run twice to measure the noise, not one per task.
  EXPECT_GE(play.ended(pool_kind::baseline), 20u);
  EXPECT_LE(play.ended(pool_kind::baseline), 52u);
  EXPECT_EQ(play.shared->shadow.read().commands_differing, 0u);
  for (const auto& one : play.callers) EXPECT_EQ(one->ends, 1);
  // Shadow copies are not counted as tasks.
  EXPECT_EQ(play.shared->gauge.accepted(), play.callers.size());
}

}  // namespace
}  // namespace greenroom::tests
