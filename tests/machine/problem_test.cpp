// What callers read when something fails, and the names that travel.
#include "protocols/problem.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

namespace greenroom::protocols {
namespace {

constexpr auto last_failure = static_cast<int>(failure::unknown_end);

TEST(Problem, HasAStableTypeAndTheStatusOfItsFailure) {
  const auto full = problem_of(failure::queue_full, "64 wait for api-architect", 1500);
  EXPECT_EQ(nlohmann::json::parse(to_json(full)),
            (nlohmann::json{{"type", "urn:greenroom:queue-full"},
                            {"title", "Queue full"},
                            {"status", 503},
                            {"detail", "64 wait for api-architect"},
                            {"retry_after_ms", 1500}}));
}

TEST(Problem, NamesTheNearestAndTheTaskWhenThereAreAny) {
  auto lost = problem_of(failure::no_such_specialist, "", 0, {"api-architect", "api-tester"});
  lost.task = "00ff";
  const auto json = nlohmann::json::parse(to_json(lost));
  EXPECT_EQ(json["status"], 404);
  EXPECT_EQ(json["nearest"], (nlohmann::json{"api-architect", "api-tester"}));
  EXPECT_EQ(json["task"], "00ff");
  EXPECT_FALSE(json.contains("retry_after_ms"));
  EXPECT_NE(json["detail"], "");
}

TEST(Problem, StaysJsonWhateverBytesAWorkerSaid) {
  const auto json = nlohmann::json::parse(
      to_json(problem_of(failure::worker_failed, std::string("a\xff\"\n\0b", 6))));
  EXPECT_EQ(json["detail"], std::string("a\xef\xbf\xbd\"\n\0b", 8));
}

TEST(Problem, RoundsRetryAfterUpToWholeSeconds) {
  const auto seconds = [](std::int64_t ms) {
    return retry_after_seconds(problem_of(failure::queue_full, "", ms));
  };
  EXPECT_EQ(seconds(0), 0);
  EXPECT_EQ(seconds(1), 1);
  EXPECT_EQ(seconds(1000), 1);
  EXPECT_EQ(seconds(1001), 2);
}

TEST(Problem, ExistsForEveryFailureWithATypeOfItsOwn) {
  std::set<std::string> types;
  for (int i = 1; i <= last_failure; ++i) {
    const auto about = problem_of(static_cast<failure>(i));
    EXPECT_GE(about.status, 400);
    EXPECT_FALSE(about.title.empty() || about.detail.empty());
    EXPECT_EQ(about.type.find_first_of("_ "), std::string::npos) << about.type;
    EXPECT_TRUE(types.insert(about.type).second) << about.type;
  }
}

TEST(TaskNames, ReadBackWhatTheyWrite) {
  const task_id id{0x0123456789abcdef, 0xfedcba9876543210};
  EXPECT_EQ(to_string(id), "0123456789abcdeffedcba9876543210");
  const auto back = parse_task_id(to_string(id));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, id);
  const auto capitals = parse_task_id("0123456789ABCDEFfedcba9876543210");
  ASSERT_TRUE(capitals);
  EXPECT_EQ(*capitals, id);
  for (const auto value : {priority::low, priority::normal, priority::high}) {
    const auto read = parse_priority(to_string(value));
    EXPECT_TRUE(read && *read == value);
  }
  for (int i = 0; i <= static_cast<int>(task_state::unknown); ++i) {
    const auto value = static_cast<task_state>(i);
    const auto read = parse_task_state(to_string(value));
    EXPECT_TRUE(read && *read == value);
  }
}

TEST(TaskNames, RefuseWhatIsNone) {
  for (const auto* text : {"", "1", "0123456789abcdeffedcba987654321", "xyz",
                           "0123456789abcdeffedcba98765432100", "0123456789abcdef-edcba9876543210",
                           "0x23456789abcdeffedcba9876543210", "+123456789abcdeffedcba9876543210"})
    EXPECT_FALSE(parse_task_id(text)) << text;
  EXPECT_FALSE(parse_priority("High"));
  EXPECT_FALSE(parse_task_state("done"));
}

}  // namespace
}  // namespace greenroom::protocols
