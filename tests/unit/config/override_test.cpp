// The environment and --set reach every key, and say where they went wrong.
#include "config/loader.hpp"
#include "tests/unit/config/loaded.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace greenroom::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* cast = R"(
pool: { max_warm: 5 }
commands: { implement: { department: BACKEND } }
departments:
  - name: BACKEND
    specialists:
      - name: api-architect
        backend: { command: [worker], env: { LEVEL: low } }
      - name: gpt-4.1
        backend: { kind: function }
)";

load_result with_sets(std::vector<std::string> sets) {
  load_options options;
  options.sets = std::move(sets);
  return load_text(cast, "node.yaml", options);
}

load_result with_environment(std::map<std::string, std::string> environment) {
  load_options options;
  options.environment = std::move(environment);
  return load_text(cast, "node.yaml", options);
}

problem only_problem(const load_result& result) {
  const auto all = problems_in(result);
  EXPECT_EQ(all.size(), 1u);
  return all.empty() ? problem{} : all.front();
}

TEST(Override, SetsKeysOfSections) {
  const auto result = with_sets({"pool.max_warm=20", "rollout.criteria.error_rate=0.01",
                                 "listen=[::1]:0", "alerts.webhooks=[http://a, http://b]"});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->value.pool.max_warm, 20u);
  EXPECT_EQ(result->value.rollout.criteria.error_rate, 0.01);
  EXPECT_EQ(result->value.listen, "[::1]:0");
  EXPECT_THAT(result->value.alerts.webhooks, ElementsAre("http://a", "http://b"));
}

TEST(Override, TakesBlanksAndQuotesOffAsYamlDoes) {
  // As files of variables for containers hand them on.
  const auto result = with_environment({{"GREENROOM_POOL_COOLDOWN", "\"45s\""},
                                        {"GREENROOM_POOL_MAX_WARM", " '20' \r"},
                                        {"GREENROOM_POOL_ADAPTIVE", "'false'"},
                                        {"GREENROOM_LIMITS_REQUEST_BYTES", "\"1MiB\""}});
  ASSERT_TRUE(result) << to_string(problems_in(result).front());
  EXPECT_EQ(result->value.pool.cooldown, std::chrono::seconds{45});
  EXPECT_EQ(result->value.pool.max_warm, 20u);
  EXPECT_FALSE(result->value.pool.adaptive);
  EXPECT_EQ(result->value.limits.request_bytes, 1u << 20U);
  const auto set =
      with_sets({"pool.cooldown='1h30m'",
                 "departments.BACKEND.specialists.api-architect.backend.env.LEVEL=\"a"});
  ASSERT_TRUE(set);
  EXPECT_EQ(set->value.pool.cooldown, std::chrono::minutes{90});
  EXPECT_EQ(find_specialist(set->value, "api-architect")->backend.env.at("LEVEL"), "\"a");
}

TEST(Override, SetsKeysOfNamedEntries) {
  const auto result =
      with_sets({"departments.BACKEND.specialists.api-architect.pin=true",
                 "departments.BACKEND.specialists.gpt-4.1.priority=high",
                 "departments.BACKEND.restart.intensity=7",
                 "departments.BACKEND.specialists.api-architect.backend.env.NEW=a=b",
                 "commands.ask.specialist=gpt-4.1"});
  ASSERT_TRUE(result) << to_string(problems_in(result).front());
  EXPECT_TRUE(find_specialist(result->value, "api-architect")->pin);
  EXPECT_EQ(find_specialist(result->value, "gpt-4.1")->priority, priority::high);
  EXPECT_EQ(result->value.departments[0].restart.intensity, 7u);
  EXPECT_EQ(find_specialist(result->value, "api-architect")->backend.env.at("NEW"), "a=b");
  EXPECT_EQ(result->value.commands.at("ask").specialist, "gpt-4.1");
}

TEST(Override, TheLastSetWinsOverTheEnvironmentAndTheFile) {
  load_options options;
  options.environment = {{"GREENROOM_POOL_MAX_WARM", "7"}};
  EXPECT_EQ(load_text(cast, "node.yaml", options)->value.pool.max_warm, 7u);
  options.sets = {"pool.max_warm=8", "pool.max_warm=9"};
  EXPECT_EQ(load_text(cast, "node.yaml", options)->value.pool.max_warm, 9u);
}

TEST(Override, SaysWhereAWrongValueCameFrom) {
  const auto wrong = only_problem(with_sets({"pool.max_warm=0"}));
  EXPECT_EQ(wrong.source, "--set pool.max_warm");
  EXPECT_EQ(wrong.line, 0u);
  EXPECT_EQ(wrong.key, "pool.max_warm");
  EXPECT_THAT(to_string(wrong), HasSubstr("--set pool.max_warm: pool.max_warm: must be between 1"));
  EXPECT_EQ(only_problem(with_environment({{"GREENROOM_POOL_MAX_WARM", "x"}})).source,
            "environment GREENROOM_POOL_MAX_WARM");
}

TEST(Override, NamesTheNearestKey) {
  const auto misspelt = only_problem(with_sets({"pool.max_wram=5"}));
  EXPECT_EQ(misspelt.key, "pool.max_wram");
  EXPECT_EQ(misspelt.suggestion, "pool.max_warm");
  EXPECT_EQ(only_problem(with_sets({"cooldown=5s"})).suggestion, "pool.cooldown");
  EXPECT_EQ(
      only_problem(with_sets({"departments.BACKEND.specialists.api-architct.pin=true"})).suggestion,
      "departments.BACKEND.specialists.api-architect");
  EXPECT_EQ(only_problem(with_sets({"departments.BAKCEND.restart.intensity=1"})).suggestion,
            "departments.BACKEND");
  EXPECT_EQ(only_problem(with_sets({"pool.max_warm.x=1"})).suggestion, "pool.max_warm");
  EXPECT_EQ(only_problem(with_environment({{"GREENROOM_POOL_MAX_WRAM", "5"}})).suggestion,
            "GREENROOM_POOL_MAX_WARM");
}

TEST(Override, RefusesWhatIsNotAnAssignment) {
  EXPECT_THAT(only_problem(with_sets({"pool.max_warm"})).message, HasSubstr("key.path=value"));
  EXPECT_THAT(only_problem(with_sets({"=5"})).message, HasSubstr("key.path=value"));
  EXPECT_THAT(only_problem(with_sets({"pool=5"})).message, HasSubstr("is a section"));
  EXPECT_THAT(only_problem(with_sets({"departments.BACKEND=5"})).message,
              HasSubstr("is a section"));
  EXPECT_THAT(only_problem(with_sets({"alerts.webhooks=[a"})).message,
              HasSubstr("expected a list"));
  EXPECT_THAT(only_problem(with_sets({"alerts.webhooks=[a}]"})).message, HasSubstr("not YAML"));
  EXPECT_EQ(only_problem(with_sets({"alerts.webhooks=[http://a\xe1]"})).message, "not UTF-8");
  EXPECT_EQ(only_problem(with_sets({"p\xffool.max_warm=1"})).source, "--set");
  EXPECT_EQ(only_problem(with_environment({{"GREENROOM_DATA_DIR", "a\xc3"}})).key, "data_dir");
}

TEST(Override, ReachesNamedEntriesFromTheEnvironment) {
  const auto result = with_environment(
      {{"GREENROOM_DEPARTMENTS_BACKEND_SPECIALISTS_API_ARCHITECT_PIN", "true"},
       {"GREENROOM_DEPARTMENTS_BACKEND_SPECIALISTS_GPT_4_1_MEMORY_MB", "9"},
       {"GREENROOM_DEPARTMENTS_BACKEND_SPECIALISTS_API_ARCHITECT_BACKEND_ENV_LEVEL", "high"},
       {"GREENROOM_DEPARTMENTS_BACKEND_SPECIALISTS_API_ARCHITECT_BACKEND_ENV_API_TOKEN", "t"},
       {"GREENROOM_COMMANDS_IMPLEMENT_DEPARTMENT", "BACKEND"}});
  ASSERT_TRUE(result) << to_string(problems_in(result).front());
  const auto& one = *find_specialist(result->value, "api-architect");
  EXPECT_TRUE(one.pin);
  EXPECT_EQ(find_specialist(result->value, "gpt-4.1")->memory_mb, 9);
  EXPECT_EQ(one.backend.env.at("LEVEL"), "high");
  EXPECT_EQ(one.backend.env.at("API_TOKEN"), "t");
  EXPECT_EQ(one.backend.env.size(), 2u);
}

TEST(Override, RefusesAVariableThatMayMeanTwoKeys) {
  load_options options;
  options.environment = {{"GREENROOM_DEPARTMENTS_A_SPECIALISTS_X_Y_PIN", "true"}};
  const auto result = load_text(
      "departments:\n  - name: A\n    specialists: [{ name: x-y, backend: { kind: function } },"
      " { name: x_y, backend: { kind: function } }]\n",
      "node.yaml", options);
  EXPECT_THAT(only_problem(result).message, HasSubstr("may also mean"));
}

TEST(Override, LeavesVariablesOfOtherPartsAlone) {
  EXPECT_TRUE(with_environment({{"GREENROOM_NODE", "http://127.0.0.1:1"},
                                {"GREENROOM_SHARED", "/somewhere"},
                                {"GREENROOM_SPECIALIST", "a"},
                                {"GREENROOM_DEPARTMENT", "b"},
                                {"GREENROOM_POOL", "intelligent"},
                                {"GREENROOM_SERVICE_HOST", "10.0.0.1"},
                                {"GREENROOM_PORT_7117_TCP", "tcp://10.0.0.1:7117"},
                                {"GREENROOMS", "many"},
                                {"PATH", "/bin"}}));
}

TEST(Override, MayDecideOnTheSizeOfTheCast) {
  const auto result = with_sets({"cast_size=5"});
  ASSERT_TRUE(result);
  std::vector<std::string> names;
  for (const auto& one : result->value.departments[0].specialists) names.push_back(one.name);
  EXPECT_THAT(names, ElementsAre("api-architect", "gpt-4.1", "api-architect-2", "gpt-4.1-2",
                                 "api-architect-3"));
  EXPECT_EQ(only_problem(with_sets({"cast_size=1"})).key, "cast_size");
  EXPECT_EQ(only_problem(with_sets({"cast_size=1000000"})).key, "cast_size");
  EXPECT_EQ(only_problem(with_environment({{"GREENROOM_CAST_SIZE", "some"}})).source,
            "environment GREENROOM_CAST_SIZE");
}

}  // namespace
}  // namespace greenroom::config
