// Driving a load and replaying a recording: results and exit codes.
#include "tests/integration/cli_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace greenroom::tests {
namespace {

using ::testing::HasSubstr;

class CliLoad : public cli_fixture {};

TEST_F(CliLoad, DrivesALoadAndJudgesIt) {
  served_node node{{"--config", file("cast.yaml", small_cast())}};
  ASSERT_FALSE(node.address().empty()) << node.err();
  const std::string scenario =
      "duration: 1s\narrival: { kind: constant, rate: 40 }\n"
      "mix: [ { specialist: echo, input: { a: 1 } } ]\n";
  const auto good = node.ask({"load",
                              file("good.yaml", scenario
                                                    + "thresholds: [ \"error_rate<=0\", "
                                                      "\"completed>=40\" ]\n"),
                              "--json"});
  EXPECT_EQ(good.code, 0) << good.out << good.err;
  EXPECT_THAT(good.out, HasSubstr("\"completed\":40"));
  const auto missed =
      node.ask({"load", file("bad.yaml", scenario + "thresholds: [ \"throughput>1000000\" ]\n")});
  EXPECT_EQ(missed.code, 1);
  EXPECT_THAT(missed.out, HasSubstr("MISSED"));
  // A load without any completed request fails, also without thresholds.
  const auto strangers = file("strangers.yaml",
                              "duration: 500ms\narrival: { kind: constant, rate: 40 }\n"
                              "mix: [ { specialist: nobody } ]\n");
  const auto vain = node.ask({"load", strangers});
  EXPECT_EQ(vain.code, 1) << vain.out;
  EXPECT_THAT(vain.err, HasSubstr("not one request was completed"));
  EXPECT_THAT(vain.err, HasSubstr("nobody"));
  EXPECT_EQ(node.ask({"load", strangers, "--json"}).code, 1);
  const auto closed =
      node.ask({"load",
                file("closed.yaml",
                     "duration: 1s\narrival: { kind: closed, users: 4, think: 10ms }\n"
                     "mix: [ { cast: all, zipf: 0, weight: 0 }, { command: say } ]\n"
                     "thresholds: [ \"error_rate<=0\", \"completed>=4\" ]\n"),
                "--json"});
  EXPECT_EQ(closed.code, 0) << closed.out << closed.err;
}

// A Python worker that answers 1 to every task, after `statement`, which may use the number of
// tasks `seen`.
std::string worker_that(const std::string& statement) {
  return "import json, os, sys\n"
         "print(json.dumps({'type': 'ready'}), flush=True)\n"
         "seen = 0\n"
         "for line in sys.stdin:\n"
         "    m = json.loads(line)\n"
         "    if m['type'] != 'task': continue\n"
         "    seen += 1\n"
         "    "
         + statement
         + "\n"
           "    print(json.dumps({'type': 'result', 'id': m['id'], 'output': 1}), flush=True)\n";
}

TEST_F(CliLoad, CallsALoadWhoseNodeDiesUnreachableWhateverElseWasGood) {
  // The worker kills the node during the third task, the second of the load.
  const auto pid = file("node.pid", "");
  const auto killer =
      file("killer.py", worker_that("if seen == 3: os.kill(int(open('" + pid + "').read()), 9)"));
  const auto cast = file("killer.yaml",
                         "departments:\n  - name: WORDS\n    specialists:\n      - name: killer\n"
                         "        backend: { command: [python3, -S, "
                             + killer + "] }\n");
  const std::string scenario =
      "duration: 3s\narrival: { kind: closed, users: 1, think: 1ms }\n"
      "mix: [ { specialist: killer } ]\n";
  const auto free = file("free.yaml", scenario);
  const auto lenient = file("lenient.yaml", scenario + "thresholds: [ \"completed>=1\" ]\n");
  for (const auto& load : {free, lenient}) {
    served_node node{{"--config", cast}};
    ASSERT_FALSE(node.address().empty()) << node.err();
    write_file(pid, std::to_string(node.pid()));
    ASSERT_EQ(node.ask({"submit", "killer", "1"}).code, 0);
    const auto result = node.ask({"load", load, "--json"});
    EXPECT_EQ(result.code, 3) << result.out << result.err;
    const auto report = nlohmann::json::parse(result.out, nullptr, false);
    ASSERT_TRUE(report.is_object()) << result.out;
    EXPECT_EQ(report.value("completed", 0), 1);
    EXPECT_FALSE(report.value("ok", true));
    const auto problem = nlohmann::json::parse(result.err, nullptr, false);
    ASSERT_TRUE(problem.is_object()) << result.err;
    EXPECT_EQ(problem.value("type", ""), "urn:greenroom:unreachable");
    EXPECT_GE(problem.value("unanswered", 0), 1);
    EXPECT_EQ(problem.value("unanswered", 0), report.value("unanswered", 1));
    EXPECT_THAT(problem.value("detail", ""), HasSubstr("went away during the load"));
    EXPECT_THAT(problem.value("detail", ""), HasSubstr("got no answer"));
  }
}

TEST_F(CliLoad, FailsWhenARequestHasNoAnswerUnlessAThresholdAllowsIt) {
  // The second task is never answered, and the driver's timeout is short.
  const auto silent = file("silent.py", worker_that("if seen == 2: continue"));
  served_node node{{"--config", file("silent.yaml",
                                     "departments:\n  - name: WORDS\n    specialists:\n"
                                     "      - name: silent\n"
                                     "        backend: { command: [python3, -S, "
                                         + silent + "], concurrency: 4 }\n")}};
  ASSERT_FALSE(node.address().empty()) << node.err();
  ASSERT_EQ(node.ask({"submit", "silent", "1"}).code, 0);
  const std::string scenario =
      "duration: 3s\npatience: 400ms\narrival: { kind: closed, users: 1, think: 1ms }\n"
      "mix: [ { specialist: silent } ]\n";
  const auto failed = node.ask({"load", file("free.yaml", scenario)});
  EXPECT_EQ(failed.code, 1) << failed.out << failed.err;
  EXPECT_THAT(failed.err, HasSubstr("requests got no answer"));
  EXPECT_THAT(failed.err, HasSubstr("no answer within 400 ms"));
}

TEST_F(CliLoad, ReplaysARecordingAtItsSpeed) {
  served_node node{{"--config", file("cast.yaml", small_cast())}};
  ASSERT_FALSE(node.address().empty()) << node.err();
  const auto trace = file("trace.csv",
                          "timestamp_s,specialist,case\n"
                          "100,echo,a\n110,echo,a\n120,stranger,b\n");
  const auto refused = node.ask({"replay", trace, "--speed", "100"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("stranger"));
  const auto known = node.ask({"replay", trace, "--speed", "100", "--limit", "2", "--json"});
  EXPECT_EQ(known.code, 0) << known.err;
  EXPECT_THAT(known.out, HasSubstr("\"completed\":2"));
  EXPECT_EQ(node.ask({"replay", trace, "--speed", "100", "--cast", "--json"}).code, 0);
  for (const auto* const first : {"10", "10s", "0.2m"}) {
    const auto part = node.ask({"replay", trace, "--speed", "100", "--first", first, "--json"});
    EXPECT_THAT(part.out, HasSubstr("\"completed\":2")) << first << part.err;
  }
  for (const auto* const option : {"--first", "--warmup", "--patience"}) {
    const auto wrong = node.ask({"replay", trace, option, "soon"});
    EXPECT_EQ(wrong.code, 2) << option;
    EXPECT_THAT(wrong.err, HasSubstr("\"soon\" is not a duration")) << option;
  }
}

}  // namespace
}  // namespace greenroom::tests
