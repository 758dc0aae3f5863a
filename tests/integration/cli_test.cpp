// The program as users and scripts see it: arguments in, text and exit codes out.
#include "tests/integration/cli_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <csignal>

namespace greenroom::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Cli : public cli_fixture {};

TEST_F(Cli, ShowsItsVerbsInGroupsAndEachVerbAnExample) {
  const auto help = run_program({"--help"});
  EXPECT_EQ(help.code, 0);
  for (const char* verb :
       {"serve", "demo", "submit", "load", "replay", "status", "health", "metrics", "specialists",
        "tasks", "events", "warm", "cool", "predict", "workflows", "export", "config", "version"}) {
    EXPECT_THAT(help.out, HasSubstr(verb));
    const auto one = run_program({verb, "--help"});
    EXPECT_EQ(one.code, 0) << verb;
    EXPECT_THAT(one.out, HasSubstr("greenroom " + std::string{verb})) << verb;
  }
}

TEST_F(Cli, RefusesAnUnknownVerbAndNamesTheNearest) {
  const auto result = run_program({"statsu"});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("\"status\""));
}

TEST_F(Cli, RefusesAFolderWithoutAName) {
  const auto result = run_program({"serve", "--profile", "core", "--data", ""});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("--data"));
}

TEST_F(Cli, AsksNobodyWhereThereIsNoTerminal) {
  served_node node{{"--config", file("cast.yaml", small_cast())}};
  ASSERT_FALSE(node.address().empty()) << node.err();
  // The refusal comes from the node; no confirmation is asked for.
  for (const std::vector<std::string>& call :
       {std::vector<std::string>{"routing", "25"}, {"rollout", "advance"}, {"rollout", "abort"}}) {
    const auto result = node.ask(call);
    EXPECT_EQ(result.code, 1) << call[0] << result.err;
    EXPECT_THAT(result.err, HasSubstr("409")) << call[0];
  }
  const auto planned = node.ask({"rollback", "--reason", "trial", "--planned"});
  EXPECT_NE(planned.code, 2) << planned.err;
}

TEST_F(Cli, RefusesAnUnknownOption) {
  const auto result = run_program({"status", "--jsn"});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("--jsn"));
}

TEST_F(Cli, SaysItsVersion) {
  EXPECT_THAT(run_program({"version"}).out, HasSubstr("greenroom 0."));
  EXPECT_THAT(run_program({"version", "--json"}).out, HasSubstr("\"version\""));
}

TEST_F(Cli, EndsWithThreeWhenTheNodeIsNotThere) {
  // Port 1 is reserved, and nothing listens there.
  for (const char* verb : {"status", "health", "metrics", "specialists", "tasks", "events",
                           "predict", "workflows", "export"}) {
    const auto result = run_program({verb, "--node", "http://127.0.0.1:1"});
    EXPECT_EQ(result.code, 3) << verb;
    EXPECT_THAT(result.err, HasSubstr("could not be reached")) << verb;
    EXPECT_THAT(result.err, HasSubstr("greenroom serve")) << verb;
  }
  EXPECT_EQ(run_program({"submit", "x", "1"}, {{"GREENROOM_NODE", "http://127.0.0.1:1"}}).code, 3);
  EXPECT_EQ(run_program({"status", "--node", "ftp://there"}).code, 2);
}

TEST_F(Cli, RefusesAnAddressThatCannotBeMeant) {
  for (const char* node :
       {"http://user:secret@127.0.0.1:1", "http://[::1", "http://a b", "http://::1", "http://?x"}) {
    const auto result = run_program({"status", "--node", node});
    EXPECT_EQ(result.code, 2) << node;
    // The address is refused, and its password is not shown.
    EXPECT_THAT(result.err, HasSubstr("http://")) << node;
    EXPECT_THAT(result.err, Not(HasSubstr("secret")));
  }
}

TEST_F(Cli, RefusesWhatIsNoNumber) {
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"demo", "--seconds", "nan"},
                                             {"demo", "--seconds", "inf"},
                                             {"simulate", "x.csv", "--memory-ratio", "nan"},
                                             {"replay", "x.csv", "--speed", "nan"},
                                             {"routing", "nan"},
                                             {"status", "--watch", "--interval", "nan"}}) {
    const auto result = run_program(words);
    EXPECT_EQ(result.code, 2) << words.front();
    EXPECT_THAT(result.err, HasSubstr("between")) << words.front();
  }
}

TEST_F(Cli, NamesTheNearestVerbWithinAVerb) {
  const auto result = run_program({"rollout", "statsu"});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("did you mean \"status\""));
}

TEST_F(Cli, StartsNothingWithAWrongConfigurationAndNamesTheLine) {
  const auto path = file("wrong.yaml", "version: 1\npool:\n  max_wram: 3\n");
  const auto result = run_program({"serve", "--config", path});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr(path + ":3"));
  EXPECT_THAT(result.err, HasSubstr("max_warm"));
  EXPECT_EQ(result.out, "");
}

TEST_F(Cli, NeedsAProfileOrAFileToServe) {
  const auto result = run_program({"serve"});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("--profile"));
}

TEST_F(Cli, RefusesAScenarioThatIsWrong) {
  const auto path = file("load.yaml", "arrival: { kind: poisson, rate: 5 }\nmix: []\n");
  const auto result = run_program({"load", path, "--node", "http://127.0.0.1:1"});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("load.yaml"));
  EXPECT_THAT(result.err, HasSubstr("mix"));
}

TEST_F(Cli, CallsAFileThatIsNotThereWrongUsage) {
  const std::vector<std::vector<std::string>> calls{{"simulate", "no.csv"},
                                                    {"predict", "--evaluate", "no.csv"},
                                                    {"load", "no.yaml"},
                                                    {"config", "check", "no.yaml"},
                                                    {"serve", "--config", "no.yaml"}};
  for (const auto& call : calls) {
    const auto result = run_program(call);
    EXPECT_EQ(result.code, 2) << call[0] << result.err;
    EXPECT_THAT(result.err, HasSubstr(call.back())) << call[0];
  }
}

TEST_F(Cli, SimulatesTimesSince1970LikeTimesSinceTheBeginning) {
  const auto simulated = [this](double begin_s, const std::vector<std::string>& more) {
    std::string text = "timestamp_s,specialist\n";
    for (int i = 0; i < 200; ++i) {
      text += std::to_string(begin_s + 43 * i) + (i % 3 == 0 ? ",a\n" : ",b\n");
    }
    std::vector<std::string> call{
        "simulate", file("times.csv", text), "--json", "--policy", "ttl:60s", "--policy",
        "greenroom"};
    call.insert(call.end(), more.begin(), more.end());
    const auto result = run_program(call);
    EXPECT_EQ(result.code, 0) << result.err;
    return nlohmann::json::parse(result.out, nullptr, false);
  };
  const double since_1970_s = 1762732800;
  const auto from_0 = simulated(0, {});
  const auto since_1970 = simulated(since_1970_s, {});
  ASSERT_TRUE(from_0.is_object() && since_1970.is_object());
  EXPECT_EQ(since_1970["policies"][0], from_0["policies"][0]);
  EXPECT_GT(since_1970["policies"][1].value("memory_ratio", 0.0), 0.05);
  EXPECT_EQ(simulated(since_1970_s, {"--horizon", "1762736400"})["requests"],
            simulated(0, {"--horizon", "3600"})["requests"]);

  const auto wrong =
      run_program({"simulate", file("ms.csv", "timestamp_s,specialist\n1,a\n1762732800000,b\n")});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("milliseconds"));
}

TEST_F(Cli, ServesTasksAndTellsAllAboutThem) {
  served_node node{{"--config", file("cast.yaml", small_cast())}};
  ASSERT_FALSE(node.address().empty()) << node.err();

  EXPECT_EQ(node.ask({"submit", "echo", "[1,2]"}).out, "[1,2]\n");
  EXPECT_EQ(node.ask({"submit", "repeat", "two words"}).out, "two words\n");
  EXPECT_EQ(node.ask({"submit", "echo", "-"}, "{\"a\":1}").out, "{\"a\":1}\n");
  EXPECT_EQ(node.ask({"submit", "echo", "@" + file("input", "7")}).out, "7\n");
  const std::string kept = "{\"z\":12345678901234567890123,\"a\":[\" \\\" \"]}";
  EXPECT_EQ(node.ask({"submit", "echo", kept}).out, kept + "\n");
  const auto no_text = node.ask({"submit", "echo", "caf\xe9"});
  EXPECT_EQ(no_text.code, 2);
  EXPECT_THAT(no_text.err, HasSubstr("UTF-8"));
  EXPECT_EQ(node.ask({"submit", "caf\xe9", "1"}).code, 1);
  // Echo is warm by now, and a department prefers its warm specialist.
  EXPECT_EQ(node.ask({"submit", "--department", "WORDS", "3"}).out, "3\n");
  EXPECT_EQ(node.ask({"submit", "--command", "say", "5"}).out, "5\n");
  EXPECT_EQ(node.ask({"submit", "--workflow", "TWICE", "6", "--json"}).code, 0);

  const auto refused = node.ask({"submit", "refuse", "1"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("not today"));
  const auto unknown = node.ask({"submit", "ecko", "1"});
  EXPECT_EQ(unknown.code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("echo"));
  EXPECT_EQ(node.ask({"submit", "echo", "1", "--timeout", "soon"}).code, 2);
  EXPECT_EQ(node.ask({"submit"}).code, 2);

  auto id = node.ask({"submit", "echo", "\"later\"", "--async"}).out;
  ASSERT_EQ(id.size(), 33U);
  id.pop_back();
  EXPECT_THAT(node.ask({"tasks", id, "--json"}).out, HasSubstr(id));

  EXPECT_THAT(node.ask({"status"}).out, HasSubstr("WORDS"));
  EXPECT_THAT(node.ask({"status", "--json"}).out, HasSubstr("\"averageResponseTime\""));
  EXPECT_EQ(node.ask({"health"}).code, 0);
  // The samples count the tasks above.
  EXPECT_THAT(node.ask({"metrics"}).out, HasSubstr("\ngreenroom_tasks_lost 0\n"));
  const auto samples = nlohmann::json::parse(
      node.ask({"metrics", "greenroom_tasks_total", "--json"}).out, nullptr, false);
  double completed = 0;
  for (const auto& one : samples["items"])
    if (one["labels"]["specialist"] == "echo" && one["labels"]["outcome"] == "completed")
      completed += one["value"].get<double>();
  EXPECT_GE(completed, 4) << samples;
  EXPECT_THAT(node.ask({"specialists"}).out, HasSubstr("refuse"));
  EXPECT_THAT(node.ask({"specialists", "echo", "--json"}).out, HasSubstr("\"name\":\"echo\""));
  EXPECT_THAT(node.ask({"workflows"}).out, HasSubstr("TWICE"));
  // Both wait until the state is reached.
  EXPECT_EQ(node.ask({"warm", "echo"}).out, "echo: warm\n");
  EXPECT_EQ(node.ask({"cool", "echo"}).out, "echo: cold\n");
  EXPECT_EQ(node.ask({"warm", "echo"}).out, "echo: warm\n");
  EXPECT_EQ(node.ask({"warm", "nobody"}).code, 1);
  EXPECT_EQ(node.ask({"predict"}).code, 0);
  EXPECT_THAT(node.ask({"events", "--json"}).out, HasSubstr("\"kind\""));
  EXPECT_THAT(node.ask({"export"}).out, HasSubstr("{"));
}

TEST_F(Cli, LooksOnUntilThereIsAPlaceForWhatIsToBeWarm) {
  const auto slow = file("slow.py", worker("(__import__('time').sleep(2.5), "
                                           "{'type': 'result', 'output': 1})[1]"));
  const auto echo = file("echo.py", worker("{'type': 'result', 'output': m['input']}"));
  served_node node{{"--config", file("one.yaml",
                                     "version: 1\n"
                                     "pool: { max_warm: 1, min_residency: 0s }\n"
                                     "departments:\n"
                                     "  - name: WORDS\n"
                                     "    specialists:\n"
                                     "      - name: slow\n"
                                     "        backend: { command: [python3, -S, "
                                         + slow
                                         + "] }\n"
                                           "      - name: echo\n"
                                           "        backend: { command: [python3, -S, "
                                         + echo + "] }\n")}};
  ASSERT_FALSE(node.address().empty()) << node.err();
  ASSERT_EQ(node.ask({"warm", "slow"}).code, 0);
  ASSERT_EQ(node.ask({"submit", "slow", "1", "--async"}).code, 0);
  // The one slot belongs to a busy worker.
  EXPECT_EQ(node.ask({"warm", "echo", "--timeout", "soon"}).code, 2);
  const auto hasty = node.ask({"warm", "echo", "--timeout", "1ms"});
  EXPECT_EQ(hasty.code, 1);
  EXPECT_THAT(hasty.err, HasSubstr("no free slot"));
  const auto patient = node.ask({"warm", "echo"});
  EXPECT_EQ(patient.out, "echo: warm\n") << patient.err;
}

TEST_F(Cli, SaysToProgramsInJsonWhatWentWrong) {
  const auto problem_of = [](const ran& from) {
    const auto problem = nlohmann::json::parse(from.err, nullptr, false);
    return problem.is_object() ? problem.value("type", "") : from.err;
  };
  const auto nobody = run_program({"status", "--json", "--node", "http://127.0.0.1:1"});
  EXPECT_EQ(nobody.code, 3);
  EXPECT_EQ(problem_of(nobody), "urn:greenroom:unreachable");
  const auto usage = run_program({"status", "--json", "--nonsense"});
  EXPECT_EQ(usage.code, 2);
  EXPECT_EQ(problem_of(usage), "urn:greenroom:wrong-usage");
  served_node node{{"--config", file("cast.yaml", small_cast())}};
  const auto unknown = node.ask({"submit", "ecko", "1", "--json"});
  EXPECT_EQ(unknown.code, 1);
  EXPECT_EQ(problem_of(unknown), "urn:greenroom:no-such-specialist");
  EXPECT_EQ(unknown.out, "");
}

TEST_F(Cli, SaysToProgramsInJsonAlsoWhatIsWrongWithTheirFiles) {
  const auto wrong = file("wrong.yaml", "version: 1\npool:\n  max_wram: 3\nlistn: x\n");
  const auto scenario = file("load.yaml", "arrival: { kind: poisson, rat: 5 }\nmix: []\n");
  const auto threshold = file("threshold.yaml",
                              "arrival: { kind: poisson, rate: 5 }\n"
                              "mix: [ { specialist: x } ]\nthresholds: [ \"p95<1\" ]\n");
  const auto trace = file("trace.csv", "when,who\n1,a\n");
  struct wish {
    std::vector<std::string> words;
    std::string type, part;  ///< A part of the detail.
  };
  const std::vector<wish> wishes{
      {{"load", "no.yaml"}, "wrong-configuration", "no.yaml"},
      {{"load", scenario}, "wrong-configuration", ":1:"},
      {{"load", threshold}, "wrong-configuration", ":3:"},
      {{"replay", "no.csv"}, "wrong-recording", "no.csv"},
      {{"replay", trace}, "wrong-recording", "timestamp_s"},
      {{"replay", trace, "--threshold", "p95"}, "wrong-usage", "p95"},
      {{"replay", trace, "--patience", "soon"}, "wrong-usage", "soon"},
      {{"replay", trace, "--input", "{"}, "wrong-usage", "JSON"},
      {{"simulate", "no.csv"}, "wrong-recording", "no.csv"},
      {{"simulate", trace, "--slots", "many"}, "wrong-recording", "timestamp_s"},
      {{"simulate", trace, "--policy", "lro"}, "wrong-usage", "lro"},
      {{"predict", "--evaluate", "no.csv"}, "wrong-recording", "no.csv"},
      {{"config", "check", "no.yaml"}, "wrong-configuration", "no.yaml"},
      {{"config", "check", wrong}, "wrong-configuration", "max_warm"},
      {{"config", "show", "--config", wrong}, "wrong-configuration", "max_warm"},
      {{"demo", "--config", wrong}, "wrong-configuration", "max_warm"},
      {{"chaos", "run", "no-plan"}, "no-such-plan", "no-plan"},
      {{"chaos", "list", "--nonsense"}, "wrong-usage", "nonsense"},
      {{"submit", "echo", "@no-file"}, "wrong-usage", "no-file"},
      {{"submit", "echo", "@/tmp"}, "wrong-usage", "/tmp"},
      {{"submit", "echo", "1", "--timeout", "soon"}, "wrong-usage", "soon"},
      {{"submit"}, "wrong-usage", "SPECIALIST"},
      {{"rollback"}, "wrong-usage", "--reason"},
      {{"help", "statsu"}, "wrong-usage", "\"status\""},
      {{"status", "--node", "ftp://there"}, "wrong-usage", "ftp://there"},
      {{"statsu"}, "wrong-usage", "\"status\""},
  };
  for (const auto& [words, type, part] : wishes) {
    auto call = words;
    call.emplace_back("--json");
    const auto result = run_program(call);
    EXPECT_EQ(result.code, 2) << words[0];
    // One line, and nothing else.
    ASSERT_EQ(result.err.find('\n') + 1, result.err.size()) << words[0] << ": " << result.err;
    const auto problem = nlohmann::json::parse(result.err, nullptr, false);
    ASSERT_TRUE(problem.is_object()) << words[0] << ": " << result.err;
    EXPECT_EQ(problem.value("type", ""), "urn:greenroom:" + type) << words[0];
    EXPECT_THAT(problem.value("detail", ""), HasSubstr(part)) << words[0];
  }
  // All problems of a file are in one line.
  const auto both = nlohmann::json::parse(run_program({"config", "check", wrong, "--json"}).err);
  ASSERT_EQ(both["problems"].size(), 2U) << both;
  EXPECT_EQ(both["problems"][0]["line"], 3);
  EXPECT_EQ(both["problems"][1]["line"], 4);
  // Without --json the output is text.
  EXPECT_THAT(run_program({"load", "no.yaml"}).err, ::testing::StartsWith("greenroom: no.yaml"));
}

TEST_F(Cli, WritesNoColoursWhenItIsNotATerminal) {
  served_node node{{"--config", file("cast.yaml", small_cast())}};
  ASSERT_FALSE(node.address().empty()) << node.err();
  for (const char* verb : {"status", "specialists", "health", "tasks"})
    EXPECT_THAT(node.ask({verb}).out, Not(HasSubstr("\x1b"))) << verb;
}

TEST_F(Cli, DrainsAtTheFirstSignalAndEndsWithZero) {
  served_node node{{"--config", file("cast.yaml", small_cast())}};
  ASSERT_FALSE(node.address().empty()) << node.err();
  ASSERT_EQ(node.ask({"submit", "echo", "1"}).code, 0);
  node.signal(SIGTERM);
  EXPECT_EQ(node.wait(), 0);
  EXPECT_THAT(node.err(), HasSubstr("node.drained"));
}

TEST_F(Cli, AppliesAChangedConfigurationOnHangUp) {
  const auto path = file("cast.yaml", small_cast());
  served_node node{{"--config", path}};
  ASSERT_FALSE(node.address().empty()) << node.err();
  EXPECT_EQ(node.ask({"submit", "--command", "tell", "1"}).code, 1);
  file("cast.yaml", small_cast() + "  tell: { specialist: echo }\n");
  node.signal(SIGHUP);
  // Each call starts a program; the signal is handled long before the last call.
  int code = 1;
  for (int times = 0; times < 200 && code != 0; ++times)
    code = node.ask({"submit", "--command", "tell", "1"}).code;
  EXPECT_EQ(code, 0) << node.err();
}

TEST_F(Cli, KeepsItsConfigurationWhenTheChangedOneIsWrong) {
  const auto path = file("cast.yaml", small_cast());
  served_node node{{"--config", path}};
  ASSERT_FALSE(node.address().empty()) << node.err();
  file("cast.yaml", small_cast() + "nonsense: true\n");
  node.signal(SIGHUP);
  EXPECT_EQ(node.ask({"submit", "echo", "1"}).code, 0);
  // Of two pending signals the lower number is handled first.
  node.signal(SIGTERM);
  EXPECT_EQ(node.wait(), 0);
  EXPECT_THAT(node.err(), HasSubstr("nonsense"));
}

}  // namespace
}  // namespace greenroom::tests
