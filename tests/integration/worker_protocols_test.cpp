// Workers that violate MessagePack or the Model Context Protocol: each costs only its own task a
// retry or a clear error.
#include "tests/integration/support/live_node.hpp"

#include <gtest/gtest.h>

#include <map>

namespace greenroom::tests {
namespace {

/// One department of `odd_talker.py`, with one specialist for each violation.
std::string odd_cast(const std::string& protocol, const std::vector<std::string>& ways) {
  const auto script =
      std::filesystem::path{GREENROOM_SOURCE_DIR} / "tests/integration/support/odd_talker.py";
  std::string yaml =
      "version: 1\n"
      "journal: { fsync: false }\n"
      "retry: { base: 10ms, max: 50ms }\n"
      "pool: { max_warm: 8, min_residency: 100ms }\n"
      "limits: { output_bytes: 1048576 }\n"
      "departments:\n  - name: ODD\n    specialists:\n";
  for (const auto& how : ways)
    yaml += "      - name: " + how + "\n        backend: { kind: process, protocol: " + protocol
            + ", command: [" + live_node::python() + ", -S, -E, " + script.string() + ", "
            + protocol + ", " + how + "], task_timeout: "
            + (how == "hang" || how == "flood-errors" || how == "never-ready" ? "2s" : "60s")
            + (how == "nonsense-at-start" ? ", start_timeout: 1s" : "")
            + ", side_effects: idempotent" + ", stop_timeout: 100ms }\n";
  return yaml;
}

class MisbehavingWorker : public testing::TestWithParam<std::string> {
protected:
  void begin(const std::vector<std::string>& ways) {
    node.write_configuration(odd_cast(GetParam(), ways));
    ASSERT_TRUE(node.start()) << node.errors();
  }
  [[nodiscard]] static json task_of(const std::string& how) {
    json input = 1;
    if (GetParam() == "mcp") input = {{"tool", "echo"}, {"arguments", json::object()}};
    return {{"specialist", how}, {"input", input}};
  }
  live_node node{"", {}};
};

TEST_P(MisbehavingWorker, CostOnlyTheirOwnTaskARetryOrAClearError) {
  // What the problem's detail must name, for each violation.
  const std::map<std::string, std::pair<int, std::string>> expected{
      {"exit-at-start", {502, "no licence found"}},
      {"never-ready", {504, "while its worker started"}},
      {"nonsense-at-start", {502, "sent a line that is not"}},
      {"flood-at-start", {502, "flooded"}},
      {"die", {502, "killed by signal 9"}},
      {"hang", {504, "deadline"}},
      {"half-and-exit", {502, "exited with status 0"}},
      {"chatter", {502, "flooded"}},
      {"endless", {502, "a "}},
      {"flood-errors", {504, "deadline"}},
      {"asks-and-never-reads", {502, "flooded"}},
      {"deep", {502, "the worker answered with "}},
      {"not-a-value", {502, "the worker answered with "}},
  };
  std::vector<std::string> ways{"behave"};
  for (const auto& [how, what] : expected) ways.push_back(how);
  begin(ways);
  if (HasFatalFailure()) return;
  ASSERT_EQ(node.task(task_of("behave")).status, 200);
  const auto before = resident_kib(node.pid());
  std::map<std::string, std::future<answer>> under_way;
  for (const auto& [how, what] : expected) under_way[how] = node.begin(task_of(how));
  for (int i = 0; i < 30; ++i) EXPECT_EQ(node.task(task_of("behave")).status, 200);
  for (const auto& [how, what] : expected) {
    const auto got = under_way[how].get();
    EXPECT_EQ(got.status, what.first) << how << ": " << got.body;
    EXPECT_NE(got.detail().find(what.second), std::string::npos) << how << ": " << got.body;
  }
  EXPECT_EQ(node.task(task_of("behave")).status, 200);
  EXPECT_LT(resident_kib(node.pid()), before + std::size_t{64} * 1024);
}

TEST_P(MisbehavingWorker, AreUnderstoodWhereWhatTheyMeanIsClear) {
  begin({"wrong-id", "twice", "bytewise", "answer-and-exit", "nonsense", "behave"});
  if (HasFatalFailure()) return;
  for (const std::string how : {"wrong-id", "twice", "bytewise", "answer-and-exit", "nonsense"})
    for (int i = 0; i < 3; ++i) {
      const auto got = node.task(task_of(how));
      EXPECT_EQ(got.status, 200) << how << ": " << got.body;
      EXPECT_EQ(got.body.value("output", ""), "fine") << how;
      // A worker that exits after each answer may exit just when the next task arrives.
      if (how != "answer-and-exit") {
        EXPECT_EQ(got.body.value("attempts", 0), 1) << how;
      }
    }
}

INSTANTIATE_TEST_SUITE_P(Speaking, MisbehavingWorker, testing::Values("msgpack", "mcp"),
                         [](const auto& one) { return one.param; });

TEST(McpServers, AreRunWhateverVersionTheyAnswerWith) {
  live_node node{"", {}};
  node.write_configuration(odd_cast("mcp", {"other-version"}));
  ASSERT_TRUE(node.start()) << node.errors();
  const auto got = node.task("other-version", {{"tool", "echo"}});
  EXPECT_EQ(got.status, 200) << got.body;
}

}  // namespace
}  // namespace greenroom::tests
