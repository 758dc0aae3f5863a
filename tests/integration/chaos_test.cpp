// `greenroom chaos`: a short run of each kind of fault loses nothing, the same seed gives the same
// schedule, and all faults end with the program.
#include "tests/integration/folder_fixture.hpp"
#include "tests/integration/support/live_node.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <set>

namespace greenroom::tests {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using tests::eventually;

// Generous time limits, since the test machine may be busy.
const std::string patient =
    "settle: 60s\n"
    "thresholds: { mean_recovery: 60s, max_recovery: 120s, success: 0.2, over_budget: 120s }\n";

class Chaos : public folder_fixture {
protected:
  /// Runs the plan and checks what must hold under any fault.
  json survive(const std::string& plan) {
    const auto ran = run_program({"chaos", "run", plan, "--json"});
    EXPECT_EQ(ran.code, 0) << ran.out << ran.err;
    const auto report = json::parse(ran.out, nullptr, false);
    if (!report.is_object()) {
      ADD_FAILURE() << "no report: " << ran.err;
      return {};
    }
    EXPECT_TRUE(report["ok"].get<bool>());
    EXPECT_GT(report["faults_done"].get<int>(), 0);
    EXPECT_EQ(report["recovered"], 1.0);
    const auto& ledger = report["ledger"];
    EXPECT_GT(ledger["accepted"].get<int>(), 0);
    EXPECT_GT(ledger["looks"].get<int>(), 0);
    for (const auto* none : {"lost", "doubled", "pending", "journal_missing"})
      EXPECT_EQ(ledger[none], 0) << none;
    EXPECT_TRUE(ledger["always_balanced"].get<bool>());
    return report;
  }

  static std::set<std::string> done(const json& report) {
    std::set<std::string> kinds;
    for (const auto& one : report["faults"])
      if (one["carried_out"].get<bool>()) kinds.insert(one["kind"].get<std::string>());
    return kinds;
  }
};

TEST_F(Chaos, ListsAPlanForEachKindOfTrouble) {
  const auto listed = run_program({"chaos", "list", "--json"});
  ASSERT_EQ(listed.code, 0) << listed.err;
  std::set<std::string> names;
  const auto plans = json::parse(listed.out);
  for (const auto& one : plans["items"]) names.insert(one["name"]);
  for (const auto* name : {"worker-kills", "actor-kills", "memory-pressure", "bad-backends",
                           "cloud-outage", "cascade", "partition"})
    EXPECT_TRUE(names.contains(name)) << name;
  EXPECT_THAT(run_program({"chaos", "list"}).out, HasSubstr("SIGKILL"));
}

TEST_F(Chaos, HasTheSameScheduleForTheSameSeed) {
  const auto schedule = [](const char* seed) {
    const auto shown =
        run_program({"chaos", "run", "bad-backends", "--dry-run", "--json", "--seed", seed});
    EXPECT_EQ(shown.code, 0) << shown.err;
    return shown.out;
  };
  const auto first = schedule("5");
  EXPECT_FALSE(first.empty());
  EXPECT_EQ(schedule("5"), first);
  EXPECT_NE(schedule("6"), first);
}

TEST_F(Chaos, RefusesAPlanThatIsWrongBeforeAnythingStarts) {
  const auto unknown = run_program({"chaos", "run", "worker-kils"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("worker-kills"));
  const std::string head =
      "profile: core\nload: { arrival: { kind: poisson, rate: 1 }, mix: [ { cast: all } ] }\n";
  const auto typo = run_program(
      {"chaos", "run", file("a.yaml", head + "faults: [ { kind: kil_worker, from: 1s } ]\n")});
  EXPECT_EQ(typo.code, 2);
  EXPECT_THAT(typo.err, HasSubstr("kill_worker"));
  const auto nobody = run_program(
      {"chaos", "run",
       file("b.yaml", head + "faults: [ { kind: kill_worker, from: 1s, only: [nobody] } ]\n")});
  EXPECT_EQ(nobody.code, 2);
  EXPECT_THAT(nobody.err, HasSubstr("nobody"));
  const auto cloudless =
      run_program({"chaos", "run",
                   file("c.yaml", head + "faults: [ { kind: cloud_down, from: 1s, for: 1s } ]\n")});
  EXPECT_EQ(cloudless.code, 2);
  EXPECT_THAT(cloudless.err, HasSubstr("CHAOS_CLOUD"));
  EXPECT_EQ(run_program({"chaos", "run", "cascade", "--duration", "soon"}).code, 2);
  EXPECT_EQ(run_program({"chaos"}).code, 2);
}

TEST_F(Chaos, LosesNothingWhenWorkersAndActorsAreKilledAndStopped) {
  const auto report = survive(
      file("storm.yaml",
           "profile: core\nduration: 4s\nset: [ pool.max_warm=14, pool.memory_budget_mb=150, "
           "pool.min_residency=50ms, supervision.restarts_max=100, breaker.open=200ms ]\n"
               + patient
               + "load:\n"
                 "  durable: 0.3\n"
                 "  sessions: 10\n"
                 "  arrival: { kind: poisson, rate: 80 }\n"
                 "  mix: [ { cast: all, zipf: 0.5, input: { query: billing } } ]\n"
                 "faults:\n"
                 "  - { kind: kill_worker, every: 300ms }\n"
                 "  - { kind: kill_actor, every: 350ms }\n"
                 "  - { kind: freeze_worker, every: 800ms, for: 300ms }\n"
                 "  - { kind: slow_worker, every: 900ms, for: 400ms, by: 50ms }\n"
                 "  - { kind: garble_worker, from: 1s, for: 200ms }\n"
                 "  - { kind: cut_worker, every: 1500ms, for: 300ms }\n"
                 "  - { kind: swell_worker, from: 1500ms, for: 1s, mb: 30 }\n"
                 "  - { kind: lower_budget, from: 2s, for: 1s, mb: 60 }\n"
                 "  - { kind: cascade, from: 2500ms, count: 2, step: 100ms }\n"));
  for (const auto* kind : {"kill_worker", "kill_actor", "freeze_worker", "slow_worker",
                           "swell_worker", "lower_budget"})
    EXPECT_TRUE(done(report).contains(kind)) << kind;
}

// Recovered means that the cloud itself answers again.
TEST_F(Chaos, TakesTheLocalRouteWhileTheCloudIsDownAndGoesBack) {
  const auto hybrid = std::string{GREENROOM_SOURCE_DIR} + "/apps/chaos/plans/casts/hybrid.yaml";
  const auto report = survive(file(
      "hybrid.yaml", "config: " + hybrid + "\nduration: 4s\nset: [ breaker.open=200ms ]\n" + patient
                         + "load:\n"
                           "  arrival: { kind: poisson, rate: 80 }\n"
                           "  mix: [ { specialist: writer, input: { query: a letter } } ]\n"
                           "faults:\n"
                           "  - { kind: cloud_down, from: 1s, for: 1500ms, only: [writer] }\n"));
  EXPECT_EQ(done(report), std::set<std::string>{"cloud_down"});
  EXPECT_GT(report["tasks"]["by_fallback"].get<int>(), 0);
  EXPECT_GT(report["tasks"]["completed"].get<int>(), report["tasks"]["by_fallback"].get<int>());
}

TEST_F(Chaos, SaysSoWhenABoundIsMissed) {
  const auto ran = run_program(
      {"chaos", "run",
       file("strict.yaml",
            "profile: core\nduration: 1s\nsettle: 60s\n"
            "thresholds: { mean_recovery: 0s }\n"
            "load: { arrival: { kind: constant, rate: 40 }, mix: [ { specialist: "
            "api-architect } ] }\n"
            "faults: [ { kind: kill_worker, from: 500ms, only: [api-architect] } ]\n")});
  EXPECT_EQ(ran.code, 1) << ran.out << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("MISSED mean recovery"));
}

/// All descendants of the process.
std::set<int> descendants(int pid) {
  std::set<int> all;
  std::error_code gone;
  for (const auto& thread :
       std::filesystem::directory_iterator{"/proc/" + std::to_string(pid) + "/task", gone}) {
    std::ifstream children{thread.path() / "children"};
    for (int child = 0; children >> child;) {
      all.insert(child);
      all.merge(descendants(child));
    }
  }
  return all;
}

bool is_stopped(int pid) {
  const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  const auto end = stat.rfind(')');
  return end != std::string::npos && stat.size() > end + 2 && stat[end + 2] == 'T';
}

TEST_F(Chaos, TakesAllThatItBrokeWithItWhenItIsKilled) {
  const auto hybrid = std::string{GREENROOM_SOURCE_DIR} + "/apps/chaos/plans/casts/hybrid.yaml";
  const auto plan = file(
      "long.yaml", "config: " + hybrid + "\nduration: 300s\n" + patient +
                       "load:\n"
                       "  arrival: { kind: constant, rate: 50 }\n"
                       "  mix: [ { specialist: writer }, { specialist: writer-local } ]\n"
                       "faults:\n"
                       "  - { kind: freeze_worker, from: 300ms, for: 250s, only: [writer-local] }\n"
                       "  - { kind: cut_worker, from: 290s, for: 1s }\n");
  const auto name = program().string();
  const int pid = ::fork();
  if (pid == 0) {
    ::setenv("TMPDIR", folder().c_str(), 1);
    ::execl(name.c_str(), name.c_str(), "chaos", "run", plan.c_str(), "--json", nullptr);
    ::_exit(127);
  }
  ASSERT_GT(pid, 0);
  std::set<int> all;
  // The cloud, a wire and the worker behind it; the wire and the worker are stopped.
  EXPECT_TRUE(eventually([&] {
    all = descendants(pid);
    std::size_t stopped = 0;
    for (const auto one : all)
      if (is_stopped(one)) ++stopped;
    return all.size() >= 3 && stopped >= 2;
  })) << all.size();
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  EXPECT_TRUE(eventually([&] {
    for (const auto one : all)
      if (tests::is_alive(one)) return false;
    return true;
  }));
}

}  // namespace
}  // namespace greenroom::tests
