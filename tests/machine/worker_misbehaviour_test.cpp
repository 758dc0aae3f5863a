// Workers that misbehave cost their own task and nothing else.
#include "protocols/worker_codec.hpp"
#include "runtime/machine/process/descriptor.hpp"
#include "runtime/machine/process/process_keeper.hpp"
#include "runtime/machine/process/process_memory.hpp"
#include "tests/machine/worker_world.hpp"

#include <gmock/gmock.h>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>

namespace greenroom::machine::testing {
namespace {

using protocols::failure;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// Starts a worker that never gets ready, and returns how it went.
worker_events::departure start_failure(config::specialist who) {
  stage world{std::move(who)};
  EXPECT_TRUE(world.seen->gone());
  EXPECT_EQ(world.seen->times_ready(), 0);
  EXPECT_TRUE(world.seen->how().before_ready);
  EXPECT_FALSE(world.seen->how().asked);
  return world.seen->how();
}

/// Runs one task on a worker that does not survive it. The task is answered, or lost with it.
worker_events::departure lost_with(const std::string& how, protocols::attempt_result* answer) {
  stage world{odd(how)};
  EXPECT_TRUE(world.seen->ready()) << world.seen->how().why;
  world.work->run(world.task("1"));
  EXPECT_TRUE(world.seen->gone());
  if (answer) *answer = world.seen->result();
  EXPECT_EQ(world.seen->endings(), answer ? 1U : 0U);
  EXPECT_FALSE(world.seen->how().before_ready);
  return world.seen->how();
}

TEST(MisbehavingWorker, ThatExitsAtStartTellsItsLastWords) {
  EXPECT_THAT(start_failure(odd("exit-at-start")).why,
              AllOf(HasSubstr("exited with status 3"), HasSubstr("no licence found")));
}

TEST(MisbehavingWorker, ThatIsNeverReadyIsStoppedInTime) {
  auto who = odd("never-ready");
  who.backend.start_timeout = std::chrono::milliseconds{300};
  EXPECT_THAT(start_failure(std::move(who)).why,
              HasSubstr("not ready within 300ms: it has not sent {\"type\":\"ready\"}"));
}

TEST(MisbehavingWorker, ThatOnlyPrintsAtStartIsQuoted) {
  auto who = odd("nonsense-at-start");
  who.backend.start_timeout = std::chrono::milliseconds{2500};
  EXPECT_THAT(start_failure(std::move(who)).why,
              HasSubstr("; it sent a line that is not a message: "
                        "«Server listening on stdio»"));
}

TEST(MisbehavingWorker, ThatHangsIsGivenUpWhereItsAttemptsAreLimited) {
  auto who = odd("hang");
  who.backend.attempt_timeout = std::chrono::milliseconds{150};
  who.backend.stop_timeout = std::chrono::milliseconds{100};
  stage world{std::move(who)};
  ASSERT_TRUE(world.seen->ready());
  world.work->run(world.task("1"));
  ASSERT_TRUE(world.seen->gone());
  EXPECT_EQ(world.seen->endings(), 1U);
  EXPECT_EQ(world.seen->result().why, failure::worker_failed);
  EXPECT_TRUE(world.seen->result().retryable);
  EXPECT_THAT(world.seen->result().output, HasSubstr("did not answer within 150ms"));
  EXPECT_FALSE(world.seen->how().asked);
}

TEST(MisbehavingWorker, ThatClosesItsOutputIsStopped) {
  EXPECT_THAT(start_failure(odd("close-at-start")).why, HasSubstr("closed its standard output"));
  stage world{odd("close-output")};
  ASSERT_TRUE(world.seen->ready());
  world.work->run(world.task("1"));
  ASSERT_TRUE(world.seen->gone());
  EXPECT_THAT(world.seen->how().why, HasSubstr("closed its standard output"));
}

TEST(MisbehavingWorker, ThatDoesNotExistIsExplained) {
  using config::worker_protocol;
  const auto why = [](std::vector<std::string> command, std::string cwd = {}) {
    auto who = speaks(worker_protocol::jsonl, std::move(command));
    who.backend.cwd = std::move(cwd);
    return start_failure(std::move(who)).why;
  };
  EXPECT_THAT(why({"no-such-program"}),
              AllOf(HasSubstr("no program \"no-such-program\""), HasSubstr("PATH")));
  EXPECT_THAT(why({"/no/such/program"}), HasSubstr("No such file"));
  EXPECT_THAT(why({in_tree("CMakeLists.txt")}), HasSubstr("chmod +x"));
  EXPECT_THAT(why({"sh"}, "/no/such/folder"), HasSubstr("cwd \"/no/such/folder\""));
}

TEST(MisbehavingWorker, ThatDiesLosesItsTaskOnly) {
  EXPECT_THAT(lost_with("die", nullptr).why, HasSubstr("killed by signal 9"));
  EXPECT_THAT(lost_with("exit", nullptr).why, HasSubstr("exited with status 7"));
}

TEST(MisbehavingWorker, ThatAnswersAndExitsIsBelieved) {
  protocols::attempt_result answer;
  EXPECT_THAT(lost_with("answer-and-exit", &answer).why, HasSubstr("exited with status 0"));
  EXPECT_EQ(answer.output, R"("fine")");
}

TEST(MisbehavingWorker, ThatPrintsBesidesItsAnswersIsUnderstood) {
  for (const auto* const how : {"nonsense", "binary"}) {
    stage world{odd(how)};
    ASSERT_TRUE(world.seen->ready());
    EXPECT_EQ(world.run("1").output, R"("fine")") << how;
    EXPECT_TRUE(world.seen->logged("sent a line that is not a message: «"));
    EXPECT_GE(world.seen->strays(), 1);
    EXPECT_EQ(world.run("1").output, R"("fine")") << how;
    EXPECT_EQ(world.seen->times_gone(), 0);
  }
}

TEST(MisbehavingWorker, ThatAnswersWithNoJsonFailsItsTaskOnceAndGoesOn) {
  for (const auto* const how : {"invalid-output", "not-a-number"}) {
    stage world{odd(how)};
    ASSERT_TRUE(world.seen->ready());
    for (int i = 0; i < 2; ++i) {
      const auto answer = world.run("1");
      EXPECT_EQ(answer.why, failure::worker_failed) << how;
      EXPECT_FALSE(answer.retryable);
      EXPECT_TRUE(answer.answered);
      EXPECT_THAT(answer.output, HasSubstr("«{"));
    }
    EXPECT_EQ(world.seen->times_gone(), 0);
  }
}

TEST(MisbehavingWorker, ThatAnswersWithTooMuchFailsItsTaskOnceAndGoesOn) {
  worker_surroundings where;
  where.output_bytes_max = std::size_t{1} << 20;
  stage world{odd("huge-line"), where};
  ASSERT_TRUE(world.seen->ready());
  for (int i = 0; i < 2; ++i) {
    const auto answer = world.run("1");
    EXPECT_EQ(answer.why, failure::worker_failed);
    EXPECT_FALSE(answer.retryable);
    EXPECT_THAT(answer.output,
                AllOf(HasSubstr("30000"), HasSubstr("more than limits.output_bytes (1048576)")));
  }
  EXPECT_EQ(world.seen->times_gone(), 0);
}

TEST(MisbehavingWorker, ThatNeverEndsALineIsStoppedBeforeItFillsTheMemory) {
  stage world{odd("endless-line")};
  ASSERT_TRUE(world.seen->ready());
  const auto answer = world.run("1");
  EXPECT_EQ(answer.why, failure::worker_failed);
  EXPECT_FALSE(answer.retryable);
  ASSERT_TRUE(world.seen->gone());
  EXPECT_THAT(world.seen->how().why, HasSubstr("a line of more than"));
}

TEST(MisbehavingWorker, ThatEndsWithItsLastLineUnfinishedIsBelieved) {
  protocols::attempt_result answer;
  EXPECT_THAT(lost_with("answer-without-end", &answer).why, HasSubstr("exited with status 0"));
  EXPECT_EQ(answer.output, R"("fine")");
}

TEST(MisbehavingWorker, IsKeptWhenACancelledTaskLetsGo) {
  auto who = odd("slow");
  stage world{std::move(who)};
  ASSERT_TRUE(world.seen->ready());
  auto job = world.task("1");
  world.work->run(job);
  world.work->cancel(job);
  world.work->cancel(job);
  ASSERT_TRUE(world.seen->ended());
  EXPECT_EQ(world.seen->endings(), 1U);
  EXPECT_EQ(world.run("1").output, R"("fine")");
  EXPECT_EQ(world.seen->endings(), 2U);
  EXPECT_EQ(world.seen->times_gone(), 0);
}

TEST(MisbehavingWorker, SaysNothingAboutATaskThatWasForgotten) {
  stage world{odd("slow")};
  ASSERT_TRUE(world.seen->ready());
  auto job = world.task("1");
  world.work->run(job);
  EXPECT_TRUE(world.work->forget(job));
  EXPECT_FALSE(world.work->forget(job));
  EXPECT_EQ(world.run("2").output, R"("fine")");
  EXPECT_EQ(world.seen->endings(), 1U);
  EXPECT_NE(world.seen->job(0), job);
  for (const auto& line : world.seen->lines())
    EXPECT_EQ(line.find("does not have"), std::string::npos) << line;
}

TEST(MisbehavingWorker, MayTakeLongerThanAnAttemptWhenItShowsThatItLives) {
  auto who = odd("slow");
  who.backend.attempt_timeout = std::chrono::milliseconds{50};
  stage world{std::move(who)};
  ASSERT_TRUE(world.seen->ready());
  // Its answer comes before the one to the ping, within the time that it has to stop.
  EXPECT_EQ(world.run("1").output, R"("fine")");
  EXPECT_EQ(world.seen->times_gone(), 0);
}

TEST(MisbehavingWorker, ThatAnswersForOthersIsIgnored) {
  for (const auto* const how : {"wrong-id", "twice"}) {
    stage world{odd(how)};
    ASSERT_TRUE(world.seen->ready());
    EXPECT_EQ(world.run("1").output, R"("fine")");
    EXPECT_TRUE(world.seen->logged("answered a task that it does not have"));
    EXPECT_EQ(world.run("1").output, R"("fine")");
    EXPECT_EQ(world.seen->endings(), 2U);
  }
}

TEST(MisbehavingWorker, IsNotBelievedAboutAnEarlierAttempt) {
  stage world{odd("hang")};
  ASSERT_TRUE(world.seen->ready());
  auto job = world.task("1");
  EXPECT_NE(protocols::wire_name(job->id, 1), protocols::wire_name(job->id, 2));
}

TEST(MisbehavingWorker, ThatRefusesSaysWhetherLaterIsBetter) {
  {
    stage world{odd("error")};
    ASSERT_TRUE(world.seen->ready());
    const auto answer = world.run("1");
    EXPECT_EQ(answer.why, failure::refused);
    EXPECT_FALSE(answer.retryable);
    EXPECT_EQ(answer.output, "not like \"this\"");
  }
  stage world{odd("retryable-error")};
  ASSERT_TRUE(world.seen->ready());
  const auto answer = world.run("1");
  EXPECT_EQ(answer.why, failure::worker_failed);
  EXPECT_TRUE(answer.retryable);
  EXPECT_TRUE(answer.answered);
}

TEST(MisbehavingWorker, ThatFloodsItsOutputIsStopped) {
  stage world{odd("flood-unasked")};
  ASSERT_TRUE(world.seen->ready());
  ASSERT_TRUE(world.seen->gone());
  EXPECT_THAT(world.seen->how().why, HasSubstr("flooded"));
}

TEST(MisbehavingWorker, ThatFloodsItsErrorsIsSlowedDownAndStillWorks) {
  stage world{odd("flood-errors")};
  ASSERT_TRUE(world.seen->ready());
  EXPECT_TRUE(world.seen->logged("lines dropped"));
  EXPECT_EQ(world.run("1").output, R"("fine")");
  world.work->stop(std::chrono::milliseconds{0});
  ASSERT_TRUE(world.seen->gone());
  EXPECT_LT(world.seen->lines().size(), 5000U);
}

TEST(MisbehavingWorker, ThatReadsSlowlyGetsEverythingInTheEnd) {
  auto who = odd("slow-reader");
  who.backend.concurrency = 8;
  stage world{std::move(who)};
  ASSERT_TRUE(world.seen->ready());
  const auto big = "\"" + std::string(400'000, 'x') + "\"";
  for (int i = 0; i < 8; ++i) world.work->run(world.task(big));
  ASSERT_TRUE(world.seen->pong());
  // The first ten bytes of the first task are gone, so it cannot be understood; the rest can.
  ASSERT_TRUE(world.seen->ended(7));
}

TEST(MisbehavingWorker, ThatIgnoresTermIsKilledAfterTheGrace) {
  stage world{odd("ignore-term")};
  ASSERT_TRUE(world.seen->ready());
  world.work->run(world.task("1"));
  world.work->stop(std::chrono::milliseconds{200});
  ASSERT_TRUE(world.seen->gone());
  EXPECT_THAT(world.seen->how().why, HasSubstr("killed by signal 9"));
  EXPECT_TRUE(world.seen->how().asked);
  EXPECT_EQ(world.seen->endings(), 0U);
}

TEST(MisbehavingWorker, ThatHangsGoesWithTermBeforeTheGraceIsOver) {
  stage world{odd("hang")};
  ASSERT_TRUE(world.seen->ready());
  world.work->run(world.task("1"));
  world.work->stop(std::chrono::minutes{10});
  ASSERT_TRUE(world.seen->gone());
  EXPECT_THAT(world.seen->how().why, HasSubstr("killed by signal 15"));
}

TEST(MisbehavingWorker, TakesItsGrandchildrenWithIt) {
  stage world{odd("grandchild")};
  ASSERT_TRUE(world.seen->ready());
  ASSERT_TRUE(world.seen->logged("grandchild "));
  const int grandchild = std::stoi(world.seen->lines().front().substr(11));
  const descriptor pidfd{static_cast<int>(::syscall(SYS_pidfd_open, grandchild, 0))};
  ASSERT_TRUE(pidfd);
  EXPECT_GE(measure_process(world.work->pid()).processes, 2);
  world.work->stop(std::chrono::minutes{10});
  ASSERT_TRUE(world.seen->gone());
  pollfd wait{pidfd.number(), POLLIN, 0};
  EXPECT_EQ(::poll(&wait, 1, 30'000), 1);
}

/// Whether a process has ended within the patience of a test.
bool ends(int pid) {
  const descriptor pidfd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  if (!pidfd) return true;
  pollfd wait{pidfd.number(), POLLIN, 0};
  return ::poll(&wait, 1, 30'000) == 1;
}

/// In how many ways a node may have to hold the processes of a worker together.
std::vector<std::shared_ptr<process_keeper>> keepers() {
  std::vector<std::shared_ptr<process_keeper>> result;
  for (const bool groups : {true, false}) {
    process_keeper::options how;
    how.mark = "0123456789abcdef:" + std::to_string(::getpid()) + (groups ? "g" : "m");
    how.control_groups = groups;
    how.guardian = false;
    result.push_back(process_keeper::start(how));
  }
  return result;
}

TEST(MisbehavingWorker, TakesItsDaemonsWithIt) {
  for (const auto& keeper : keepers()) {
    worker_surroundings where;
    where.keeper = keeper;
    where.node_mark = keeper->mark();
    stage world{odd("daemon"), where};
    ASSERT_TRUE(world.seen->ready());
    ASSERT_TRUE(world.seen->logged("daemon "));
    const int daemon = std::stoi(world.seen->lines().front().substr(7));
    const descriptor pidfd{static_cast<int>(::syscall(SYS_pidfd_open, daemon, 0))};
    ASSERT_TRUE(pidfd) << "it lives while its worker does";
    world.work->stop(std::chrono::minutes{10});
    ASSERT_TRUE(world.seen->gone());
    EXPECT_TRUE(ends(daemon)) << keeper->lacks();
  }
}

TEST(MisbehavingWorker, LeavesNoDaemonBehindByExiting) {
  for (const auto& keeper : keepers()) {
    worker_surroundings where;
    where.keeper = keeper;
    where.node_mark = keeper->mark();
    stage world{odd("daemon-and-exit"), where};
    ASSERT_TRUE(world.seen->gone());
    ASSERT_TRUE(world.seen->logged("daemon "));
    EXPECT_TRUE(ends(std::stoi(world.seen->lines().front().substr(7)))) << keeper->lacks();
    keeper->close();
    EXPECT_EQ(keeper->orphans_ended(), 1U) << keeper->lacks();
  }
}

TEST(MisbehavingWorker, TakesItsDaemonsWithItWithoutAControlGroup) {
  const auto keeper = keepers().front();
  const auto place = keeper->add();
  if (place.group.empty()) GTEST_SKIP() << keeper->lacks();
  {
    std::ofstream limit{place.group.substr(0, place.group.rfind('/')) + "/cgroup.max.descendants"};
    limit << "1\n" << std::flush;
    if (!limit) GTEST_SKIP() << "the number of control groups cannot be limited";
  }
  worker_surroundings where;
  where.keeper = keeper;
  where.node_mark = keeper->mark();
  for (const bool node_ends : {false, true}) {
    stage world{odd("daemon"), where};
    ASSERT_TRUE(world.seen->ready());
    ASSERT_TRUE(world.seen->logged("daemon "));
    const int daemon = std::stoi(world.seen->lines().front().substr(7));
    const descriptor pidfd{static_cast<int>(::syscall(SYS_pidfd_open, daemon, 0))};
    ASSERT_TRUE(pidfd);
    if (node_ends) {
      keeper->close();
    } else {
      world.work->stop(std::chrono::minutes{10});
      ASSERT_TRUE(world.seen->gone());
    }
    EXPECT_TRUE(ends(daemon)) << node_ends;
  }
}

TEST(MisbehavingWorker, MayBeStoppedWhileItStarts) {
  stage world{odd("never-ready")};
  world.work->stop(std::chrono::minutes{10});
  ASSERT_TRUE(world.seen->gone());
  EXPECT_TRUE(world.seen->how().asked);
  EXPECT_TRUE(world.seen->how().before_ready);
}

}  // namespace
}  // namespace greenroom::machine::testing
