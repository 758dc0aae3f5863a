// MCP servers as they are in the field: untidy, of other versions, and with a state to be kept.
#include "tests/machine/worker_world.hpp"

#include <gmock/gmock.h>

namespace greenroom::machine::testing {
namespace {

using protocols::failure, protocols::side_effects;
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
  for (int i = 0; i < 500 && world.seen->tools()->size() != 1; ++i)
    EXPECT_EQ(world.run(calling("plain")).why, failure::none);
  EXPECT_THAT(*world.seen->tools(), ElementsAre(Pair("append", side_effects::none)));
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

}  // namespace
}  // namespace greenroom::machine::testing
