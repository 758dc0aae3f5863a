// MCP servers as they are in the field: untidy, of other versions, and with a state to be kept.
#include "protocols/worker_mcp.hpp"
#include "tests/machine/worker_world.hpp"

#include <gmock/gmock.h>

namespace greenroom::machine::testing {
namespace {

using protocols::effects_of_call, protocols::failure, protocols::side_effects;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

config::specialist server(const std::string& how) {
  return speaks(config::worker_protocol::mcp,
                {"python3", "-S", in_tree("tests/workers/odd_mcp.py"), how});
}

std::string calling(const std::string& tool, const std::string& arguments = "{}") {
  return R"({"tool":")" + tool + R"(","arguments":)" + arguments + "}";
}

TEST(McpServer, IsRunWhateverItPrintsAndWhicheverVersionItIsOf) {
  for (const auto* const how :
       {"prints", "old", "next", "modern", "text-id", "batch", "notifies", "half"}) {
    stage world{server(how)};
    ASSERT_TRUE(world.seen->ready()) << how << ": " << world.seen->how().why;
    for (int i = 0; i < 2; ++i) {
      const auto answer = world.run(calling("plain"));
      EXPECT_EQ(answer.why, failure::none) << how << ": " << answer.output;
      EXPECT_THAT(answer.output, ::testing::AnyOf(HasSubstr("fine"), HasSubstr(R"("cut \ufffd")")));
    }
    EXPECT_EQ(world.seen->times_gone(), 0) << how;
  }
  stage world{server("float-id")};
  ASSERT_TRUE(world.seen->ready());
  EXPECT_EQ(world.run(calling("plain")).output, R"({"content":[]})");
}

TEST(McpServer, IsCountedAndQuotedWhenItPrints) {
  stage world{server("prints")};
  ASSERT_TRUE(world.seen->ready());
  EXPECT_EQ(world.run(calling("plain")).why, failure::none);
  EXPECT_TRUE(world.seen->logged("sent a line that is not JSON-RPC: «> start»"));
  EXPECT_GE(world.seen->strays(), 4);
}

TEST(McpServer, MayNotifyWithoutEndWhileItWorks) {
  stage world{server("notifies")};
  ASSERT_TRUE(world.seen->ready());
  EXPECT_EQ(world.run(calling("plain", R"({"n":30000})")).why, failure::none);
  EXPECT_EQ(world.seen->times_gone(), 0);
}

TEST(McpServer, IsAnsweredWhatItAsks) {
  stage world{server("asks")};
  ASSERT_TRUE(world.seen->ready());
  EXPECT_EQ(world.run(calling("plain")).output,
            R"({"s-sampling/createMessage": -32601, "s-roots/list": -32601, )"
            R"("s-elicitation/create": -32601, "s-ping": {}})");
}

TEST(McpServer, FailsOneTaskWithAnAnswerThatCannotBeUsed) {
  {
    stage world{server("nan")};
    ASSERT_TRUE(world.seen->ready());
    const auto answer = world.run(calling("plain"));
    EXPECT_EQ(answer.why, failure::worker_failed);
    EXPECT_FALSE(answer.retryable);
    EXPECT_TRUE(answer.answered);
    EXPECT_THAT(answer.output, AllOf(HasSubstr("NaN or Infinity"), HasSubstr("«{")));
    EXPECT_EQ(world.seen->times_gone(), 0);
  }
  worker_surroundings where;
  where.output_bytes_max = 100'000;
  stage world{server("huge"), where};
  ASSERT_TRUE(world.seen->ready());
  const auto answer = world.run(calling("plain", R"({"bytes":1000000})"));
  EXPECT_EQ(answer.why, failure::worker_failed);
  EXPECT_FALSE(answer.retryable);
  EXPECT_THAT(answer.output, AllOf(HasSubstr("answered with 10000"),
                                   HasSubstr("more than limits.output_bytes (100000) allows")));
  EXPECT_EQ(world.run(calling("plain", R"({"bytes":10})")).why, failure::none);
  EXPECT_EQ(world.seen->times_gone(), 0);
}

TEST(McpServer, KeepsItsStateWhenACallIsCancelled) {
  for (const auto* const how : {"plain", "late"}) {
    stage world{server(how)};
    ASSERT_TRUE(world.seen->ready());
    const int pid = world.work->pid();
    auto job = world.task(calling("hold"));
    world.work->run(job);
    world.work->cancel(job);
    ASSERT_TRUE(world.seen->ended());
    EXPECT_EQ(world.run(calling("plain")).why, failure::none);
    EXPECT_EQ(world.work->pid(), pid);
    EXPECT_EQ(world.seen->times_gone(), 0);
    for (const auto& line : world.seen->lines())
      EXPECT_EQ(line.find("does not have"), std::string::npos) << how << ": " << line;
  }
}

TEST(McpServer, IsNotReplacedForAnAttemptThatTakesTooLongWhileItAnswers) {
  auto who = server("plain");
  who.backend.attempt_timeout = std::chrono::milliseconds{100};
  stage world{std::move(who)};
  ASSERT_TRUE(world.seen->ready());
  const auto answer = world.run(calling("hold"));
  EXPECT_EQ(answer.why, failure::worker_failed);
  EXPECT_TRUE(answer.retryable);
  EXPECT_THAT(answer.output, HasSubstr("did not answer within 100ms"));
  EXPECT_EQ(world.run(calling("plain")).why, failure::none);
  EXPECT_EQ(world.seen->times_gone(), 0);
}

TEST(McpServer, TellsWhatItsToolsDo) {
  {
    stage world{server("plain")};
    const auto tools = world.seen->tools();
    ASSERT_TRUE(tools);
    EXPECT_THAT(
        *tools,
        ElementsAre(Pair("append", side_effects::unsafe), Pair("plain", side_effects::unsafe),
                    Pair("put", side_effects::idempotent), Pair("read", side_effects::none)));
  }
  stage world{server("changes")};
  ASSERT_TRUE(world.seen->tools());
  // Listed again because the server says that something has changed.
  EXPECT_TRUE(world.seen->has_tools(1));
  EXPECT_THAT(*world.seen->tools(), ElementsAre(Pair("append", side_effects::none)));
}

TEST(McpServer, IsNotListedWithoutEndWhenItsToolsChangeAllTheTime) {
  stage world{server("restless")};
  ASSERT_TRUE(world.seen->tools());
  const auto begun = std::chrono::steady_clock::now();
  std::string answer;
  for (int i = 0; i < 300; ++i) answer = world.run(calling("plain")).output;
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begun)
          .count();
  const auto at = answer.find("listed ");
  ASSERT_NE(at, std::string::npos) << answer;
  // A list has two pages, and a second passes between two lists.
  EXPECT_LE(std::stol(answer.substr(at + 7)), 2 * (seconds + 2)) << answer;
  EXPECT_EQ(world.seen->tools()->size(), 4U) << "no page of another list got in between";
  EXPECT_EQ(world.seen->times_gone(), 0);
}

TEST(McpServer, IsListedAgainAfterItRefused) {
  stage world{server("shy")};
  ASSERT_TRUE(world.seen->ready());
  // The first list is refused; then it says that its tools have changed.
  EXPECT_EQ(world.run(calling("plain")).why, failure::none);
  const auto tools = world.seen->tools();
  ASSERT_TRUE(tools);
  EXPECT_EQ(tools->size(), 4U);
}

TEST(ToolEffects, AreThoseOfTheToolThatIsCalled) {
  protocols::tool_effects known;
  EXPECT_EQ(protocols::add_tools(
                known, R"({"tools":[{"name":"r\u0065ad","annotations":{"readOnlyHint":true}},)"
                       R"({"name":"both","annotations":{"idempotentHint":true,"title":"x"}},7],)"
                       R"("nextCursor":""})"),
            R"("")");
  EXPECT_EQ(protocols::add_tools(known, R"({"tools":{}})"), "");
  EXPECT_EQ(protocols::add_tools(known, "nonsense"), "");
  const auto effects = [&](std::string_view input) { return effects_of_call(input, &known); };
  EXPECT_EQ(effects(calling("read")), side_effects::none);
  EXPECT_EQ(effects(calling("both")), side_effects::idempotent);
  EXPECT_EQ(effects(calling("other")), side_effects::unsafe);
  EXPECT_EQ(effects(R"({"method":"tools/call","params":{"name":"read"}})"), side_effects::none);
  EXPECT_EQ(effects(R"({"method":"tools/call","params":{"name":"x"}})"), side_effects::unsafe);
  EXPECT_EQ(effects(R"({"method":"tools/c\u0061ll"})"), side_effects::unsafe);
  EXPECT_EQ(effects(R"({"method":"tools/list"})"), side_effects::idempotent);
  EXPECT_EQ(protocols::effects_of_call(calling("read"), nullptr), side_effects::unsafe);
}

TEST(ToolEffects, AreOfWhatTheServerReadsHoweverItIsWritten) {
  protocols::tool_effects known{{"read", side_effects::none}, {"append", side_effects::unsafe}};
  const auto effects = [&](std::string_view input) { return effects_of_call(input, &known); };
  const auto params = [](const std::string& names) {
    return R"({"method":"tools/call","params":{)" + names + "}}";
  };
  EXPECT_EQ(effects(params(R"("n\u0061me":"read")")), side_effects::none);
  EXPECT_EQ(effects(params(R"("name":"read","n\u0061me":"append")")), side_effects::unsafe);
  EXPECT_EQ(effects(params(R"("n\u0061me":"append","name":"read")")), side_effects::unsafe)
      << "some servers take the first one";
  EXPECT_EQ(effects(params(R"("name":"read","Name":"append")")), side_effects::unsafe);
  EXPECT_EQ(effects(R"({"meth\u006fd":"tools/call","params":{"name":"append"}})"),
            side_effects::unsafe);
  EXPECT_EQ(effects(R"({"method":"tools/call","params":{"name":"read"},"par\u0061ms":{}})"),
            side_effects::unsafe);
  // What is sent and what it is taken for are the same.
  for (const std::string input :
       {R"({"tool":"read","to\u006fl":"append"})", R"({"to\u006fl":"read","tool":"append"})"}) {
    std::string sent;
    EXPECT_TRUE(protocols::make_mcp_codec(1000)->add_task(sent, "1", input, 0));
    EXPECT_THAT(sent, HasSubstr(R"("name":"append")"));
    EXPECT_EQ(effects(input), side_effects::unsafe) << input;
  }
}

TEST(ToolEffects, AreKeptOfSoManyToolsWithNamesOfSuchALength) {
  protocols::tool_effects known;
  const auto list = [&](const std::string& name) {
    static_cast<void>(protocols::add_tools(
        known, R"({"tools":[{"name":")" + name + R"(","annotations":{"readOnlyHint":true}}]})"));
  };
  list(std::string(protocols::tool_name_bytes_max, 'a'));
  EXPECT_EQ(known.size(), 1U);
  list(std::string(protocols::tool_name_bytes_max + 1, 'a'));
  EXPECT_EQ(known.size(), 1U);
}

}  // namespace
}  // namespace greenroom::machine::testing
