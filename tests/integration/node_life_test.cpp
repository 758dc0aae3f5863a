// Workers of a running node: shared starts, slots, timeouts, crashes.
#include "tests/integration/support/live_node.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <map>
#include <thread>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;

const std::string hasty = R"(
journal: { fsync: false }
retry: { base: 10ms, max: 50ms }
supervision: { delay: 10ms }
)";
std::string hasty_pool(const std::string& keys) { return hasty + "pool: { " + keys + " }\n"; }

TEST(WorkerLifecycle, ShareOneStartAmongSimultaneousRequests) {
  live_node node{hasty_pool("max_warm: 2"), {{"one", "gate:open"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  std::vector<std::future<answer>> asked;
  for (int i = 0; i < 20; ++i) asked.push_back(node.begin("one", i));
  ASSERT_TRUE(eventually([&] {
    return node.get("/v1/specialists/one").body.value("queue_depth", 0) == 20;
  })) << node.get("/v1/specialists/one").body;
  node.release("open");
  for (int i = 0; i < 20; ++i) {
    const auto got = asked[static_cast<std::size_t>(i)].get();
    EXPECT_EQ(got.status, 200) << got.body;
    EXPECT_EQ(got.body["output"], i);
    EXPECT_EQ(got.body["cold_start"], true);
  }
  EXPECT_EQ(node.count("start", "one"), 1U);
}

TEST(WorkerLifecycle, ServeEightyThreeFromSeventeenSlots) {
  live_node node{hasty_pool("max_warm: 17, min_residency: 10ms, cooldown: 45s"), many(83)};
  ASSERT_TRUE(node.start()) << node.errors();
  std::atomic<bool> over{false};
  std::size_t most = 0, samples = 0;
  std::thread journaled_actor{[&] {
    while (!over) {
      most = std::max(most, node.workers().size());
      ++samples;
    }
  }};
  std::atomic<int> next{0}, served{0};
  std::vector<std::thread> users;
  for (int i = 0; i < 20; ++i)
    users.emplace_back([&] {
      for (int number = next++; number < 166; number = next++)
        if (node.task("s" + std::to_string(number % 83), number).status == 200) ++served;
    });
  for (auto& user : users) user.join();
  over = true;
  journaled_actor.join();
  EXPECT_EQ(served, 166);
  EXPECT_LE(most, 17U);
  EXPECT_GE(most, 2U);  // More than one slot is used.
  EXPECT_GT(samples, 10U);
  EXPECT_EQ(node.count("run"), 166U);
}

TEST(WorkerLifecycle, NeverEvictTheBusyForTheWaiting) {
  live_node node{hasty_pool("max_warm: 1, min_residency: 0s"), many(2)};
  ASSERT_TRUE(node.start()) << node.errors();
  auto first = node.begin("s0", {{"do", "hold"}, {"file", "go"}});
  ASSERT_TRUE(eventually([&] { return node.count("run", "s0") == 1; }));
  auto second = node.begin("s1", 2);
  ASSERT_TRUE(
      eventually([&] { return node.get("/v1/specialists/s1").body.value("queue_depth", 0) == 1; }));
  // An operator's command does not evict the busy worker either.
  EXPECT_NE(node.ask("POST", "/v1/specialists/s0/cool").status, 500);
  EXPECT_EQ(node.state_of("s0"), "busy");
  EXPECT_EQ(node.count("start", "s1"), 0U);
  node.release("go");
  const auto got = first.get();
  EXPECT_EQ(got.status, 200) << got.body;
  EXPECT_EQ(got.body["attempts"], 1);
  EXPECT_EQ(second.get().status, 200);
  EXPECT_EQ(node.count("run", "s0"), 1U);
}

TEST(WorkerLifecycle, DoNotThrashBetweenTwoOnOneSlot) {
  live_node node{hasty_pool("max_warm: 1, min_residency: 800ms"), many(2)};
  ASSERT_TRUE(node.start()) << node.errors();
  // Two users send the next task right after each answer.
  const auto until = std::chrono::steady_clock::now() + 3s;
  std::atomic<int> served{0}, failed{0};
  std::vector<std::thread> users;
  for (int who = 0; who < 2; ++who)
    users.emplace_back([&, who] {
      while (std::chrono::steady_clock::now() < until)
        ++(node.task("s" + std::to_string(who), 1).status == 200 ? served : failed);
    });
  for (auto& user : users) user.join();
  EXPECT_EQ(failed, 0);
  // At most one eviction per residency, and one more that was under way.
  EXPECT_LE(node.count("start"), 7U);
  EXPECT_GE(node.count("start", "s0"), 1U);
  EXPECT_GE(node.count("start", "s1"), 1U);
  EXPECT_GT(served, 2);
}

TEST(WorkerLifecycle, RetryWhatMayBeDoneTwiceWhenAWorkerDies) {
  live_node node{
      hasty_pool("max_warm: 3"),
      {{"twice"}, {"once", "", "side_effects: unsafe"}, {"never", "", "side_effects: none"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  const auto again = node.task("twice", {{"do", "die-once"}, {"file", "a"}, {"say", "alive"}});
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(again.body["output"], "alive");
  EXPECT_EQ(again.body["attempts"], 2);
  const auto pure = node.task("never", {{"do", "die-once"}, {"file", "b"}});
  EXPECT_EQ(pure.status, 200) << pure.body;
  // Unsafe to run twice: the state is reported as unknown.
  const auto unsafe = node.task(
      {{"specialist", "once"}, {"mode", "async"}, {"input", {{"do", "die-once"}, {"file", "c"}}}});
  ASSERT_EQ(unsafe.status, 202) << unsafe.body;
  EXPECT_EQ(node.ended(unsafe.id()).state(), "unknown");
  const auto waiting = node.task("once", {{"do", "die-once"}, {"file", "d"}});
  EXPECT_EQ(waiting.status, 502) << waiting.body;
  EXPECT_EQ(node.count("run", "once"), 2U);
  // A task that always kills its worker ends with a clear error after its attempts.
  const auto hopeless = node.task("twice", {{"do", "die"}});
  EXPECT_EQ(hopeless.status, 502) << hopeless.body;
  EXPECT_NE(hopeless.detail().find("worker"), std::string::npos) << hopeless.body;
  EXPECT_EQ(node.count("run", "twice"), 2U + 3U);
}

TEST(WorkerLifecycle, StopAHangingWorkerAndKeepItsSlotUntilItIsGone) {
  live_node node{hasty_pool("max_warm: 1, min_residency: 0s"),
                 {{"stuck", "ignore-term", "stop_timeout: 700ms"}, {"next"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  std::atomic<bool> over{false};
  std::size_t most = 0;
  std::thread journaled_actor{[&] {
    while (!over) most = std::max(most, node.workers().size());
  }};
  EXPECT_EQ(node.task("stuck", 0).status, 200);
  auto hanging =
      node.begin({{"specialist", "stuck"}, {"timeout_ms", 600}, {"input", {{"do", "hang"}}}});
  EXPECT_TRUE(eventually([&] { return node.count("run", "stuck") == 2; }));
  const auto got = node.task("next", 1);
  const auto late = hanging.get();
  over = true;
  journaled_actor.join();
  EXPECT_EQ(late.status, 504) << late.body;
  EXPECT_EQ(late.type(), "urn:greenroom:out-of-time");
  EXPECT_EQ(got.status, 200) << got.body;
  EXPECT_EQ(most, 1U);
  EXPECT_FALSE(is_alive(node.pids("start", "stuck").at(0)));
}

TEST(WorkerLifecycle, DoNotHarmTheNeighbourOfAHangingTask) {
  live_node node{hasty_pool("max_warm: 2"), {{"pair", "", "stop_timeout: 100ms"}, {"calm"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  ASSERT_EQ(node.task("calm", 0).status, 200);
  ASSERT_EQ(node.task("pair", 0).status, 200);
  auto hanging =
      node.begin({{"specialist", "pair"}, {"timeout_ms", 400}, {"input", {{"do", "hang"}}}});
  int fine = 0;
  while (hanging.wait_for(0s) != std::future_status::ready)
    if (node.task("calm", 1).status == 200) ++fine;
  EXPECT_EQ(hanging.get().status, 504);
  EXPECT_GT(fine, 0);
  EXPECT_EQ(node.count("run", "calm"), static_cast<std::size_t>(fine) + 1);
  EXPECT_EQ(node.count("start", "calm"), 1U);
  // The task behind the hanging task is served by a new worker.
  const auto after = node.task("pair", 5);
  EXPECT_EQ(after.status, 200) << after.body;
  EXPECT_EQ(node.count("start", "pair"), 2U);
}

TEST(WorkerLifecycle, EndWithTheirGrandchildren) {
  live_node node{hasty_pool("max_warm: 1, cooldown: 100ms, min_residency: 0s"),
                 {{"parent", "grandchild", "stop_timeout: 200ms"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  ASSERT_EQ(node.task("parent", 1).status, 200);
  ASSERT_TRUE(eventually([&] { return node.count("grandchild") == 1; }));
  const int grandchild = node.pids("grandchild", "parent").at(0);
  EXPECT_TRUE(eventually([&] { return node.workers().empty(); }));
  EXPECT_TRUE(eventually([&] { return node.state_of("parent") == "cold"; }));
  // The kernel may take a while to remove a killed process.
  EXPECT_TRUE(eventually([&] { return !is_alive(grandchild); }));
}

TEST(WorkerLifecycle, FloodsAndNonsenseCostOnlyTheirOwnTask) {
  live_node node{hasty_pool("max_warm: 5") + "limits: { output_bytes: 1048576 }\n",
                 {{"pongs", "", "task_timeout: 1s\nstop_timeout: 100ms"},
                  {"endless", "", "task_timeout: 2s\nstop_timeout: 100ms"},
                  {"babble"},
                  {"errors"},
                  {"calm"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  ASSERT_EQ(node.task("calm", 0).status, 200);
  auto pongs = node.begin("pongs", {{"do", "flood"}});
  auto endless = node.begin("endless", {{"do", "endless-line"}});
  auto babble = node.begin("babble", {{"do", "nonsense"}});
  auto errors = node.begin("errors", {{"do", "flood-errors"}, {"megabytes", 20}, {"say", "done"}});
  for (int i = 0; i < 50; ++i) EXPECT_EQ(node.task("calm", i).status, 200);
  for (auto* one : {&pongs, &endless}) {
    const auto got = one->get();
    EXPECT_TRUE(got.status == 502 || got.status == 504) << got.status << got.body;
    EXPECT_FALSE(got.detail().empty());
  }
  // A line that is no message costs no task, and is reported.
  const auto after_it = babble.get();
  EXPECT_EQ(after_it.status, 200) << after_it.body;
  EXPECT_EQ(after_it.body["output"], (json{{"do", "nonsense"}}));
  EXPECT_EQ(node.get("/v1/specialists/babble").body["skipped_lines"], 1);
  EXPECT_EQ(node.count("start", "babble"), 1U);
  const auto noisy = errors.get();
  EXPECT_EQ(noisy.status, 200) << noisy.body;
  EXPECT_EQ(node.count("start", "calm"), 1U);
  EXPECT_LT(resident_kib(node.pid()), 200U * 1024);
}

TEST(WorkerLifecycle, TellTheirLastErrorToWhoLooksAtTheSpecialist) {
  live_node node{hasty_pool("max_warm: 2"), {{"broken", "exit"}, {"fine"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  EXPECT_EQ(node.task("broken", 1).status, 502);
  EXPECT_EQ(node.task("fine", 1).status, 200);
  EXPECT_NE(
      node.get("/v1/specialists/broken").body.value("last_error", "").find("no licence found"),
      std::string::npos);
  EXPECT_TRUE(node.get("/v1/specialists/fine").body["last_error"].is_null());
  const auto all = node.get("/v1/specialists").body["items"];
  EXPECT_NE(all[0].value("last_error", "").find("no licence found"), std::string::npos) << all;
}

TEST(WorkerLifecycle, SayWhyAWorkerDoesNotStart) {
  live_node node{hasty_pool("max_warm: 3"),
                 {{"gone", "exit"},
                  {"slow", "never-ready", "start_timeout: 300ms\nstop_timeout: 100ms"},
                  {"calm"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  auto slow = node.begin("slow", 1);
  const auto gone = node.task("gone", 1);
  EXPECT_EQ(gone.status, 502) << gone.body;
  EXPECT_NE(gone.detail().find("gone"), std::string::npos) << gone.body;
  EXPECT_NE(gone.detail().find("3"), std::string::npos) << gone.body;  // The exit code.
  EXPECT_NE(gone.detail().find("no licence found"), std::string::npos) << gone.body;
  const auto never = slow.get();
  EXPECT_EQ(never.status, 502) << never.body;
  EXPECT_NE(never.detail().find("ready"), std::string::npos) << never.body;
  EXPECT_EQ(node.task("calm", 1).status, 200);
  // The start is retried now and then, so the state is not `failed` all the time.
  EXPECT_TRUE(eventually([&] { return node.state_of("gone") == "failed"; }));
}

TEST(WorkerLifecycle, GiveTheSlotBackWhenAWorkerDoesNotStart) {
  live_node node{hasty_pool("max_warm: 1, min_residency: 0s"), {{"gone", "exit"}, {"calm"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  EXPECT_EQ(node.task("gone", 1).status, 502);
  EXPECT_EQ(node.task("calm", 1).status, 200);
}

TEST(WorkerLifecycle, HoldToTheMeasuredMemoryBudget) {
  // Nominally 5 MB each, really some 60: the budget has room for two workers.
  live_node node{hasty_pool("max_warm: 6, memory_budget_mb: 160, min_residency: 0s"),
                 many(6, {"", "mb:50"})};
  ASSERT_TRUE(node.start()) << node.errors();
  const auto ask_all = [&] {
    for (int i = 0; i < 6; ++i) EXPECT_EQ(node.task("s" + std::to_string(i), 1).status, 200);
  };
  ask_all();
  const auto few = [&] { return node.workers().size() <= 2; };
  EXPECT_TRUE(eventually(few)) << node.workers().size();
  ask_all();  // The memory was measured, so the budget is not exceeded from the start.
  EXPECT_TRUE(eventually(few)) << node.workers().size();
}

TEST(WorkerLifecycle, KeepThePinnedOutsideTheBudget) {
  live_node node{hasty_pool("max_warm: 1, cooldown: 50ms, min_residency: 0s"),
                 {{"star", "", "", "pin: true"}, {"a"}, {"b"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  ASSERT_TRUE(eventually([&] { return node.state_of("star") == "warm"; }));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(node.task("a", i).status, 200);
    EXPECT_EQ(node.task("b", i).status, 200);
  }
  ASSERT_TRUE(eventually([&] { return node.state_of("b") == "cold"; }));
  EXPECT_EQ(node.state_of("star"), "warm");
  EXPECT_EQ(node.count("start", "star"), 1U);
  // A pinned worker that dies is started again without a task.
  ::kill(node.pids("start", "star").at(0), SIGKILL);
  EXPECT_TRUE(eventually(
      [&] { return node.count("start", "star") == 2 && node.state_of("star") == "warm"; }));
}

TEST(WorkerLifecycle, CoolOnlyAfterTheLastTaskHasEnded) {
  live_node node{hasty_pool("max_warm: 2, cooldown: 300ms, min_residency: 0s"), {{"one"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  // The task runs longer than the cooldown.
  EXPECT_EQ(node.task("one", {{"do", "sleep"}, {"ms", 900}}).status, 200);
  const auto after = node.task("one", 1);
  EXPECT_EQ(after.body["cold_start"], false) << after.body;
  EXPECT_TRUE(eventually([&] { return node.state_of("one") == "cold"; }));
  EXPECT_TRUE(node.workers().empty());
  EXPECT_EQ(node.count("start"), 1U);
}

TEST(WorkerLifecycle, WarmAndCoolByHand) {
  live_node node{hasty_pool("max_warm: 1, min_residency: 0s"), many(2)};
  ASSERT_TRUE(node.start()) << node.errors();
  EXPECT_LT(node.ask("POST", "/v1/specialists/s0/warm").status, 300);
  ASSERT_TRUE(eventually([&] { return node.state_of("s0") == "warm"; }));
  EXPECT_EQ(node.task("s0", 1).body["cold_start"], false);
  EXPECT_LT(node.ask("POST", "/v1/specialists/s0/cool").status, 300);
  ASSERT_TRUE(eventually([&] { return node.state_of("s0") == "cold"; }));
  EXPECT_TRUE(node.workers().empty());
  EXPECT_EQ(node.ask("POST", "/v1/specialists/nobody/warm").status, 404);
}

TEST(WorkerLifecycle, OpenTheCircuitOfABrokenOneAndCloseItAgain) {
  live_node node{hasty_pool("max_warm: 2") + "breaker: { failures: 3, open: 600ms }\n",
                 {{"shaky", "exit-until:mended"}, {"calm"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  answer last;
  ASSERT_TRUE(eventually([&] {
    last = node.task("shaky", 1);
    return last.status == 503 && last.type() == "urn:greenroom:circuit-open";
  })) << last.status
      << last.body;
  EXPECT_GE(std::atoi(last.header("Retry-After").c_str()), 1);
  const auto starts = node.count("start", "shaky");
  EXPECT_EQ(starts, 3U);  // As many as `breaker.failures`.
  EXPECT_EQ(node.task("calm", 1).status, 200);
  node.release("mended");
  ASSERT_TRUE(eventually([&] { return (last = node.task("shaky", 1)).status == 200; }))
      << last.status << last.body;
  // Only probes started the worker.
  EXPECT_LE(node.count("start", "shaky"), starts + 3);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(node.task("shaky", i).status, 200);
}

TEST(WorkerLifecycle, EndWithTheirNodeEvenWhenItIsKilled) {
  live_node node{hasty_pool("max_warm: 4"), {{"plain"}, {"deaf", "ignore-term"}, {"held"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  ASSERT_EQ(node.task("plain", 1).status, 200);
  ASSERT_EQ(node.task("deaf", 1).status, 200);
  auto held = node.begin("held", {{"do", "hang"}});
  ASSERT_TRUE(eventually([&] { return node.count("run", "held") == 1; }));
  EXPECT_EQ(node.workers().size(), 3U);
  node.kill();
  EXPECT_TRUE(eventually([&] { return node.workers().empty(); })) << node.workers().size();
  held.get();
}

TEST(WorkerLifecycle, AreGoneByTheNextStartWhenTheirNodeWasKilled) {
  live_node node{hasty_pool("max_warm: 2"), {{"parent", "grandchild"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  ASSERT_EQ(node.task("parent", 1).status, 200);
  ASSERT_TRUE(eventually([&] { return node.count("grandchild") == 1; }));
  const int left = node.pids("grandchild", "parent").at(0);
  node.kill();
  // The guardian may have ended the process by now; else the next start ends it.
  ASSERT_TRUE(eventually([&] { return node.workers().size() <= 1; }));
  ASSERT_TRUE(node.start()) << node.errors();
  EXPECT_FALSE(is_alive(left));
  EXPECT_EQ(node.task("parent", 2).status, 200);
}

}  // namespace
}  // namespace greenroom::tests
