// Every error of a configuration is reported with position and remedy.
#include "tests/unit/config/loader_texts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <ostream>
#include <string>
#include <vector>

namespace greenroom::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(LoaderProblems, NamesTheNearestKeyForAnUnknownOne) {
  const auto wrong = problem_of(with("pool:\n  max_wram: 20\n"));
  EXPECT_EQ(wrong, (problem{"node.yaml", 14, 3, "pool.max_wram", "unknown key", "max_warm"}));
  EXPECT_EQ(to_string(wrong),
            "node.yaml:14:3: pool.max_wram: unknown key; did you mean \"max_warm\"?");
}

TEST(LoaderProblems, NamesTheSectionThatAMisplacedKeyBelongsTo) {
  EXPECT_EQ(problem_of(with("max_warm: 20\n")),
            (problem{"node.yaml", 13, 1, "max_warm", "unknown key", "pool.max_warm"}));
}

TEST(LoaderProblems, FindsUnknownKeysInsideNamedEntries) {
  const auto wrong = problem_of(
      "departments:\n  - name: A\n    specialists:\n      - name: one\n        prio: high\n"
      "        backend: { kind: function }\n");
  EXPECT_EQ(wrong.line, 5u);
  EXPECT_EQ(wrong.column, 9u);
  EXPECT_EQ(wrong.key, "departments.A.specialists.one.prio");
  EXPECT_EQ(wrong.suggestion, "priority");
}

struct mistake {
  std::string text;
  std::string key;
  std::size_t line;
  std::string message;
  std::string suggestion;
};

std::ostream& operator<<(std::ostream& out, const mistake& given) { return out << given.text; }

/// `pool_max_warm_3`: the key and the number of the parameter.
std::string name_of(const testing::TestParamInfo<mistake>& given) {
  std::string name;
  for (const char c : given.param.key) {
    name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  }
  return name + '_' + std::to_string(given.index);
}

class ConfigurationMistake : public testing::TestWithParam<mistake> {};

TEST_P(ConfigurationMistake, IsReportedWithPositionAndRemedy) {
  const auto& given = GetParam();
  const auto wrong = problem_of(with(given.text));
  EXPECT_EQ(wrong.source, "node.yaml");
  EXPECT_EQ(wrong.line, given.line);
  EXPECT_GT(wrong.column, 0u);
  EXPECT_EQ(wrong.key, given.key);
  EXPECT_THAT(wrong.message, HasSubstr(given.message));
  EXPECT_EQ(wrong.suggestion, given.suggestion);
}

INSTANTIATE_TEST_SUITE_P(
    OfType, ConfigurationMistake,
    testing::Values(
        mistake{"pool: 5\n", "pool", 13, "expected a map, found \"5\"", ""},
        mistake{"pool: [a]\n", "pool", 13, "expected a map, found a list", ""},
        mistake{"pool: { max_warm: many }\n", "pool.max_warm", 13,
                "expected a whole number, found \"many\"", ""},
        mistake{"pool: { max_warm: 1.5 }\n", "pool.max_warm", 13, "expected a whole number", ""},
        mistake{"pool: { max_warm: 1e3 }\n", "pool.max_warm", 13, "expected a whole number", ""},
        mistake{"pool: { max_warm: '' }\n", "pool.max_warm", 13,
                "expected a whole number, found \"\"", ""},
        mistake{"pool: { memory_budget_mb: 1e400 }\n", "pool.memory_budget_mb", 13,
                "must be a number in the range of a double, not 1e400", ""},
        mistake{"pool: { memory_budget_mb: 1e300 }\n", "pool.memory_budget_mb", 13,
                "must be between 0 and 1000000000", ""},
        mistake{"pool: { memory_budget_mb: '-1' }\n", "pool.memory_budget_mb", 13,
                "must be between 0 and 1000000000", ""},
        mistake{"pool: { memory_budget_mb: '.inf' }\n", "pool.memory_budget_mb", 13,
                "expected a number", ""},
        mistake{"pool: { max_warm: 99999999999999999999 }\n", "pool.max_warm", 13,
                "must be between 1 and 10000000", ""},
        mistake{"pool: { cooldown: '-45s' }\n", "pool.cooldown", 13, "must not be negative", ""},
        mistake{"pool: { cooldown: 99999999999999999999h }\n", "pool.cooldown", 13,
                "must be at most 87840h, not", ""},
        mistake{"pool: { cooldown: 87840h1ms }\n", "pool.cooldown", 13,
                "must be at most 87840h, not", ""},
        mistake{"pool: { min_residency: automatic }\n", "pool.min_residency", 13,
                "expected a duration", ""},
        mistake{"limits: { request_bytes: -1MiB }\n", "limits.request_bytes", 13,
                "must not be negative", ""},
        mistake{"pool: { max_warm: }\n", "pool.max_warm", 13, "found nothing", ""},
        mistake{"pool: { adaptive: yes }\n", "pool.adaptive", 13, "expected true or false", "true"},
        mistake{"pool: { memory_budget_mb: nan }\n", "pool.memory_budget_mb", 13,
                "expected a number", ""},
        mistake{"pool: { cooldown: 45 }\n", "pool.cooldown", 13, "expected a duration", "45s"},
        mistake{"pool: { cooldown: 45 seconds }\n", "pool.cooldown", 13, "expected a duration", ""},
        mistake{"pool: { mode: inteligent }\n", "pool.mode", 13,
                "expected intelligent or baseline, found \"inteligent\"", "intelligent"},
        mistake{"limits: { request_bytes: lots }\n", "limits.request_bytes", 13, "expected a size",
                ""},
        mistake{"listen: 7117\n", "listen", 13, "expected ADDR:PORT", ""},
        mistake{"listen: 127.0.0.1:70000\n", "listen", 13, "expected ADDR:PORT", ""},
        mistake{"listen: ::1:80\n", "listen", 13, "expected ADDR:PORT", ""},
        mistake{"listen: example.com:80\n", "listen", 13, "expected ADDR:PORT", ""},
        mistake{"listen: ''\n", "listen", 13, "expected ADDR:PORT", ""},
        mistake{"data_dir: ''\n", "data_dir", 13, "its name is empty", ""},
        mistake{"rollout: { criteria: { response_ratio: 0 } }\n", "rollout.criteria.response_ratio",
                13, "must be above 0", ""},
        mistake{"alerts: { webhooks: ['ftp://a'] }\n", "alerts.webhooks[0]", 13,
                "expected an http URL", ""},
        mistake{"alerts: { webhooks: ['http://a:65536/'] }\n", "alerts.webhooks[0]", 13,
                "expected an http URL", ""},
        mistake{"alerts: { webhooks: ['http://a:/'] }\n", "alerts.webhooks[0]", 13,
                "expected an http URL", ""},
        mistake{"data_dir: [a]\n", "data_dir", 13, "expected a text, found a list", ""},
        mistake{"alerts: { webhooks: http://a }\n", "alerts.webhooks", 13, "expected a list",
                "[http://a]"},
        mistake{"alerts: { webhooks: [a.example/hook] }\n", "alerts.webhooks[0]", 13,
                "expected an http URL", "http://a.example/hook"},
        mistake{"workflows: { a: b }\n", "workflows", 13, "expected a list, found a map", ""},
        mistake{"workflows: [a]\n", "workflows[0]", 13, "expected a map, found \"a\"", ""},
        mistake{"commands: [a]\n", "commands", 13, "expected a map, found a list", ""}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    OfValue, ConfigurationMistake,
    testing::Values(
        mistake{"version: 1\n", "version", 13, "duplicate key, first written on line 1", ""},
        mistake{"pool: { max_warm: 0 }\n", "pool.max_warm", 13,
                "must be between 1 and 10000000, not 0", ""},
        mistake{"pool: { max_warm: -3 }\n", "pool.max_warm", 13, "must be between 1", ""},
        mistake{"pool: { warm_threshold: 0.61 }\n", "pool.warm_threshold", 13,
                "must be between 0.2 and 0.6, not 0.61", ""},
        mistake{"pool: { warm_threshold: 0.19 }\n", "pool.warm_threshold", 13,
                "must be between 0.2 and 0.6", ""},
        mistake{"pool: { target_memory: 20 }\n", "pool.target_memory", 13,
                "must be between 0 and 1, not 20", "0.2"},
        mistake{"pool: { cooldown: -45s }\n", "pool.cooldown", 13, "must not be negative", ""},
        mistake{"rollout:\n  check_interval: 0s\n", "rollout.check_interval", 14,
                "must be at least 1ms, not 0s", ""},
        mistake{"rollback:\n  error_rate: 10\n", "rollback.error_rate", 14,
                "must be between 0 and 1", "0.1"},
        mistake{"retry: { base: 10s }\n", "retry.base", 13, "is longer than retry.max (5s)", ""},
        mistake{"limits: { request_bytes: 2GiB }\n", "limits.request_bytes", 13,
                "must be between 1B and 1GiB", ""},
        mistake{"io_threads: 0\n", "io_threads", 13, "must be between 1 and 1024", ""},
        mistake{"pool: { max_warm: 3, max_warm: 4 }\n", "pool.max_warm", 13, "duplicate key", ""}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    OfName, ConfigurationMistake,
    testing::Values(
        mistake{"workflows:\n  - name: W\n    steps:\n      - api-architect\n      - "
                "database-desinger\n",
                "workflows.W.steps[1]", 17, "no specialist is called \"database-desinger\"",
                "database-designer"},
        mistake{"workflows:\n  - name: W\n    steps: []\n", "workflows.W.steps", 15,
                "a workflow needs steps", ""},
        mistake{"workflows:\n  - steps: [api-architect]\n", "workflows[0].name", 14,
                "a name is needed", ""},
        mistake{"workflows:\n  - { name: W, steps: [api-architect] }\n"
                "  - { name: W, steps: [api-architect] }\n",
                "workflows.W.name", 15, "duplicate workflow \"W\", first used on line 14", ""},
        mistake{"commands:\n  implement: { department: BAKCEND }\n",
                "commands.implement.department", 14, "no department is called \"BAKCEND\"",
                "BACKEND"},
        mistake{"commands:\n  implement: { specialist: api-architct }\n",
                "commands.implement.specialist", 14, "no specialist is called", "api-architect"},
        mistake{"commands:\n  implement: {}\n", "commands.implement", 14,
                "needs either a department or a specialist", ""},
        mistake{"commands:\n  implement: { specialist: api-architect, department: BACKEND }\n",
                "commands.implement", 14, "needs either", ""},
        mistake{"commands:\n  bumba:implement: { department: BACKEND }\n",
                "commands.bumba:implement", 14, "is understood in front of every command",
                "implement"}),
    name_of);

class SpecialistMistake : public testing::TestWithParam<mistake> {};

TEST_P(SpecialistMistake, IsReportedWithPositionAndRemedy) {
  const auto& given = GetParam();
  const auto wrong = problem_of(specialist_with(given.text));
  EXPECT_EQ(wrong.line, given.line);
  EXPECT_EQ(wrong.key, "departments.A.specialists." + given.key);
  EXPECT_THAT(wrong.message, HasSubstr(given.message));
  EXPECT_EQ(wrong.suggestion, given.suggestion);
}

INSTANTIATE_TEST_SUITE_P(
    OfValue, SpecialistMistake,
    testing::Values(
        mistake{"        priority: hihg\n        backend: { kind: function }\n", "one.priority", 5,
                "expected high, medium or low", "high"},
        mistake{"        backend: { kind: function, concurrency: 0 }\n", "one.backend.concurrency",
                5, "must be between 1", ""},
        mistake{"        backend: { kind: process }\n", "one.backend.command", 5,
                "a process needs a command", ""},
        mistake{"        backend: { kind: process, command: [] }\n", "one.backend.command", 5,
                "a process needs a command", ""},
        mistake{"        backend: { kind: http }\n", "one.backend.url", 5,
                "an http backend needs a url", ""},
        mistake{"        backend: { kind: http, url: localhost }\n", "one.backend.url", 5,
                "does not begin with http://", "http://localhost"},
        mistake{"        backend: { kind: http, url: http://a, health: ready }\n",
                "one.backend.health", 5, "a path begins with /", "/ready"},
        mistake{"        backend: { kind: function, command: [a] }\n", "one.backend.command", 5,
                "a function has no command", "kind: process"},
        mistake{"        backend: { kind: function, headers: { A: b } }\n", "one.backend.headers",
                5, "only an http backend is sent headers", ""},
        mistake{"        backend: { kind: http, url: http://a, headers: { a b: c } }\n",
                "one.backend.headers.a b", 5, "not the name of a header", ""},
        mistake{"        backend: { kind: http, url: http://a, headers: { Host: c } }\n",
                "one.backend.headers.Host", 5, "the node sets this header itself", ""},
        mistake{"        backend: { kind: http, url: http://a, headers: { A: \"b\\nc\" } }\n",
                "one.backend.headers.A", 5, "a header's value is one line", ""},
        mistake{"        backend: { command: [\"${GONE}\"] }\n", "one.backend.command[0]", 5,
                "the environment variable GONE is not set", ""},
        mistake{"        backend: { command: [a], env: { A: [b] } }\n", "one.backend.env.A", 5,
                "expected a text, found a list", ""},
        mistake{"        backend: { command: a }\n", "one.backend.command", 5, "expected a list",
                "[a]"},
        mistake{"        backend: { command: python3  w.py }\n", "one.backend.command", 5,
                "expected a list", "[python3, w.py]"},
        mistake{"        backend: { command: [a], url: \"http://b\" }\n", "one.backend.url", 5,
                "only an http backend has a url", "kind: http"},
        mistake{"        backend: { kind: http, protocol: mcp, url: \"http://b\" }\n",
                "one.backend.protocol", 5, "only a process has a protocol", ""},
        mistake{"        backend: { kind: http, url: \"http://b\", headers: { A: x, a: y } }\n",
                "one.backend.headers.a", 5, "set twice", ""},
        mistake{"        fallback: othre\n        backend: { kind: function }\n", "one.fallback", 5,
                "no specialist is called \"othre\"", "other"},
        mistake{"        fallback: one\n        backend: { kind: function }\n", "one.fallback", 5,
                "leads back to the specialist itself", ""},
        mistake{"        aliases: [second]\n        backend: { kind: function }\n",
                "other.aliases[0]", 7, "duplicate specialist or alias \"second\"", ""},
        mistake{"        aliases: [other]\n        backend: { kind: function }\n", "one.aliases[0]",
                5, "duplicate specialist or alias \"other\", first used on line 7", ""},
        mistake{"        aliases: ['a b']\n        backend: { kind: function }\n", "one.aliases[0]",
                5, "cannot be a name", ""},
        mistake{"        memory_mb: -1\n        backend: { kind: function }\n", "one.memory_mb", 5,
                "must be between 0 and 1000000000", ""}),
    name_of);

TEST(LoaderProblems, RefusesASpecialistThatCouldNeverBeWarm) {
  const auto text =
      specialist_with("        memory_mb: 600\n        backend: { kind: function }\n");
  load_options options;
  options.sets = {"pool.memory_budget_mb=599"};
  EXPECT_EQ(problem_of(text, options).key, "departments.A.specialists.one.memory_mb");
  options.sets = {"pool.memory_budget_mb=600"};
  EXPECT_THAT(problems_of(text, options), IsEmpty());
}

TEST(LoaderProblems, RefusesDuplicateSpecialistsAcrossDepartments) {
  const auto wrong =
      problem_of(with("  - name: OTHER\n    specialists:\n"
                      "      - { name: api-architect, backend: { kind: function } }\n"));
  EXPECT_EQ(wrong.line, 15u);
  EXPECT_EQ(wrong.message, "duplicate specialist \"api-architect\", first used on line 5");
}

TEST(LoaderProblems, RefusesDuplicateDepartments) {
  const auto wrong = problem_of(with("  - name: BACKEND\n"));
  EXPECT_EQ(wrong.line, 13u);
  EXPECT_EQ(wrong.message, "duplicate department \"BACKEND\", first used on line 3");
}

TEST(LoaderProblems, RefusesNamesThatCannotStandInAPath) {
  EXPECT_EQ(problem_of(with("  - name: 'A B'\n")).key, "departments[2].name");
  EXPECT_EQ(problem_of(with("  - name: /b\n")).line, 13u);
  EXPECT_THAT(problem_of(with("  - name: ''\n")).message, HasSubstr("a name has letters"));
}

TEST(LoaderProblems, RefusesAFallbackThatLeadsRoundAndRound) {
  const auto all = problems_of(
      "departments:\n  - name: A\n    specialists:\n"
      "      - { name: a, fallback: b, backend: { kind: function } }\n"
      "      - { name: b, fallback: a, backend: { kind: function } }\n"
      "      - { name: c, fallback: a, backend: { kind: function } }\n");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].line, 4u);
  EXPECT_EQ(all[1].line, 5u);
}

TEST(LoaderProblems, OnlyUnderstandsVersionOne) {
  const auto wrong = problem_of("version: 2\n");
  EXPECT_EQ(wrong, (problem{"node.yaml", 1, 10, "version", "must be 1, not 2", ""}));
}

TEST(LoaderProblems, ReportsEverythingThatIsWrongInTheOrderOfTheFile) {
  const auto all =
      problems_of(with("pool: { max_warm: 0, cooldwon: 3s }\nqueue: { total: x }\n"
                       "workflows:\n  - { name: W, steps: [nobody] }\n"));
  ASSERT_EQ(all.size(), 4u);
  std::vector<std::string> keys;
  for (const auto& each : all) keys.push_back(each.key);
  EXPECT_THAT(keys,
              ElementsAre("pool.max_warm", "pool.cooldwon", "queue.total", "workflows.W.steps[0]"));
}

TEST(LoaderProblems, ReportsBrokenYamlWithItsLine) {
  EXPECT_EQ(problem_of("version: 1\npool: {\n").line, 3u);
  EXPECT_THAT(problem_of("a: b: c\n").message, HasSubstr("not YAML"));
  EXPECT_THAT(problem_of("").message, HasSubstr("is empty"));
  EXPECT_THAT(problem_of("- a\n").message, HasSubstr("expected a map, found a list"));
  EXPECT_THAT(problem_of("version: 1\n---\nversion: 1\n").message, HasSubstr("second document"));
  EXPECT_THAT(problem_of("version: !!int 1\n").message, HasSubstr("tags"));
  EXPECT_THAT(problem_of("? [a]\n: b\n").message, HasSubstr("a key must be a plain text"));
}

TEST(LoaderProblems, StopsAtFilesThatNestOrExpandWithoutEnd) {
  EXPECT_FALSE(problems_of(std::string(100'000, '[')).empty());
  EXPECT_FALSE(problems_of(std::string(40, '[') + std::string(40, ']')).empty());
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int level = 1; level < 10; ++level) {
    const auto below = "*a" + std::to_string(level - 1);
    laughs += "a" + std::to_string(level) + ": &a" + std::to_string(level) + " [";
    for (int copy = 0; copy < 10; ++copy) laughs += (copy ? ", " : "") + below;
    laughs += "]\n";
  }
  EXPECT_THAT(problem_of(laughs).message, HasSubstr("too many values"));
}

TEST(LoaderProblems, ReportsAMissingFile) {
  const auto result = load_file("/nowhere/node.yaml");
  ASSERT_FALSE(result);
  EXPECT_EQ(to_string(problems_in(result).at(0)), "/nowhere/node.yaml: no such file");
}

TEST(LoaderProblems, ReportsAWrongDefaultOnce) {
  const auto wrong = problem_of(
      "defaults: { memroy_mb: 7, backend: { kind: function } }\n"
      "departments:\n  - name: A\n    specialists: [{ name: one }, { name: two }]\n");
  EXPECT_EQ(wrong, (problem{"node.yaml", 1, 13, "defaults.memroy_mb", "unknown key", "memory_mb"}));
}

}  // namespace
}  // namespace greenroom::config
