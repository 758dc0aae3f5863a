// What the loader assigns, expands and fills in.
#include "tests/unit/config/loader_texts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace greenroom::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Loader, ReadsTheExampleOfTheManual) {
  const auto whole = loaded(R"(
version: 1
listen: 127.0.0.1:0
data_dir: ./elsewhere
shutdown_grace: 5s
pool: { mode: baseline, max_warm: 20, target_memory: 0.1, cooldown: 1500ms, adaptive: false }
queue: { per_specialist: 8, total: 100 }
limits: { request_bytes: 1MiB }
rollout: { criteria: { memory_efficiency: 0.5 } }
rollback: { critical_alerts: 3m }
commands: { implement: { department: BACKEND }, ask: { specialist: architect } }
departments:
  - name: BACKEND
    restart: { strategy: rest_for_one, intensity: 5 }
    specialists:
      - name: api-architect
        priority: high
        memory_mb: 66.5
        pin: true
        aliases: [architect]
        fallback: cloud-architect
        backend:
          kind: process
          protocol: mcp
          command: [node, worker.js]
          env: { KEY: value, PORT: 8080 }
          cwd: /srv/workers
          concurrency: 2
          side_effects: unsafe
          start_timeout: 1m
      - name: cloud-architect
        backend: { kind: http, url: "http://127.0.0.1:9000", health: /ready, path: /ask }
workflows:
  - name: TWICE
    steps: [api-architect, architect]
)");
  EXPECT_EQ(whole.listen, "127.0.0.1:0");
  EXPECT_EQ(whole.shutdown_grace, std::chrono::seconds{5});
  EXPECT_EQ(whole.pool.mode, pool_mode::baseline);
  EXPECT_EQ(whole.pool.max_warm, 20u);
  EXPECT_EQ(whole.pool.cooldown, std::chrono::milliseconds{1500});
  EXPECT_FALSE(whole.pool.adaptive);
  EXPECT_EQ(whole.limits.request_bytes, 1u << 20);
  EXPECT_EQ(whole.rollout.criteria.memory_efficiency, 0.5);
  EXPECT_EQ(whole.rollback.critical_alerts, std::chrono::minutes{3});
  ASSERT_EQ(count_specialists(whole), 2u);
  const auto* const one = find_specialist(whole, "architect");
  ASSERT_NE(one, nullptr);
  EXPECT_EQ(one->name, "api-architect");
  EXPECT_EQ(one->backend.protocol, worker_protocol::mcp);
  EXPECT_THAT(one->backend.command, ElementsAre("node", "worker.js"));
  EXPECT_EQ(one->backend.env.at("PORT"), "8080");
  EXPECT_EQ(one->backend.side_effects, side_effects::unsafe);
  EXPECT_EQ(one->backend.task_timeout, std::nullopt);
  EXPECT_EQ(whole.departments[0].restart.intensity, 5u);
  ASSERT_NE(find_department(whole, "BACKEND"), nullptr);
  EXPECT_EQ(&find_department(whole, "BACKEND")->specialists.front(), one);
  EXPECT_EQ(find_specialist(whole, "nobody"), nullptr);
}

TEST(Loader, TakesQuotedValuesForWhatTheKeySaysTheyAre) {
  const auto whole = loaded(
      R"({"pool": {"cooldown": "1h30m", "max_warm": "4", "adaptive": "false", "target_memory": "0.2",
  "memory_budget_mb": 40.0, "warming_concurrency": 2.0}, "limits": {"request_bytes": "16MiB"},
  "departments": [{"name": "A", "specialists": [{"name": "s", "backend":
  {"kind": "process", "command": ["x"], "start_timeout": "30s"}}]}]})");
  EXPECT_EQ(whole.pool.cooldown, std::chrono::minutes{90});
  EXPECT_EQ(whole.pool.max_warm, 4u);
  EXPECT_FALSE(whole.pool.adaptive);
  EXPECT_EQ(whole.pool.target_memory, 0.2);
  EXPECT_EQ(whole.pool.memory_budget_mb, 40);
  EXPECT_EQ(whole.pool.warming_concurrency, 2u);
  EXPECT_EQ(whole.limits.request_bytes, 16u << 20U);
  EXPECT_EQ(find_specialist(whole, "s")->backend.start_timeout, std::chrono::seconds{30});
}

TEST(Loader, LeavesExtensionsAloneAtEveryLevel) {
  const auto whole = loaded(
      "x-worker: &worker { command: [work], x-inner: 1, env: { x-kept: yes } }\n"
      "defaults: { x-a: 1, memory_mb: 7 }\npool: { x-b: [1, 2], max_warm: 4 }\n"
      "commands: { go: { department: A, x-c: 1 } }\n"
      "departments:\n  - name: A\n    x-d: 1\n    restart: { x-e: {} }\n    specialists:\n"
      "      - { name: a, x-f: 1, backend: { <<: *worker, x-g: 1, concurrency: 2 } }\n"
      "workflows: [{ name: W, steps: [a], x-h: 1 }]\n");
  const auto& one = *find_specialist(whole, "a");
  EXPECT_THAT(one.backend.command, ElementsAre("work"));
  EXPECT_EQ(one.backend.concurrency, 2u);
  EXPECT_EQ(one.backend.env.at("x-kept"), "yes");  // A variable may be called so.
  EXPECT_EQ(one.memory_mb, 7);
  EXPECT_EQ(whole.pool.max_warm, 4u);
  EXPECT_EQ(problem_of("x-: 1\n").message, "unknown key");
  EXPECT_EQ(problem_of("xmax: 1\n").message, "unknown key");
}

TEST(Loader, WarnsOfTimesThatShouldFollowOneAnother) {
  const auto warned = [](const std::string& backend) {
    const auto result = load_text(
        "departments:\n  - name: A\n    specialists:\n      - name: s\n        backend: { command: "
        "[x], "
            + backend + " }\n",
        "node.yaml");
    EXPECT_TRUE(result);
    std::vector<std::string> keys;
    for (const auto& each : result->warnings) {
      EXPECT_EQ(each.line, 5u);
      keys.push_back(each.key.substr(each.key.rfind('.') + 1));
    }
    return keys;
  };
  EXPECT_THAT(warned("start_timeout: 90s, task_timeout: 30s"), ElementsAre("task_timeout"));
  EXPECT_THAT(warned("start_timeout: 90s, task_timeout: 90s"), ElementsAre("task_timeout"));
  EXPECT_THAT(warned("start_timeout: 90s, task_timeout: 91s"), IsEmpty());
  EXPECT_THAT(warned("start_timeout: 90s"), IsEmpty());
  EXPECT_THAT(warned("start_timeout: 90s, task_timeout: auto"), IsEmpty());
  EXPECT_THAT(warned("task_timeout: 1s"), IsEmpty());
  EXPECT_THAT(warned("task_timeout: 1s, attempt_timeout: 1s"), ElementsAre("attempt_timeout"));
  EXPECT_FALSE(
      load_text("rollout: { hold_limit: 10m, shadow_hold: 30m }\n", "a")->warnings.empty());
}

TEST(Loader, CopiesAliases) {
  const auto whole = loaded(
      "departments:\n  - name: A\n    specialists:\n"
      "      - { name: a, backend: &worker { command: [work] } }\n"
      "      - { name: b, backend: *worker }\n");
  EXPECT_THAT(find_specialist(whole, "b")->backend.command, ElementsAre("work"));
}

TEST(Loader, ExpandsTheEnvironmentOnlyWhereWorkersAreDescribed) {
  load_options options;
  options.environment = {{"HOME", "/home/me"}, {"EMPTY", ""}};
  const auto whole = loaded(
      "data_dir: ${HOME}\ndepartments:\n  - name: A\n    specialists:\n      - name: a\n"
      "        backend:\n          command: [\"${HOME}/worker\", $HOME, $$, \"${EMPTY}\"]\n"
      "          cwd: ${HOME}\n          env: { A: \"$${HOME}\", B: \"${NONE:-other}\", C: \"1$\" "
      "}\n",
      options);
  EXPECT_EQ(whole.data_dir, "${HOME}");
  const auto& worker = find_specialist(whole, "a")->backend;
  EXPECT_THAT(worker.command, ElementsAre("/home/me/worker", "$HOME", "$", ""));
  EXPECT_EQ(worker.cwd, "/home/me");
  EXPECT_EQ(worker.env.at("A"), "${HOME}");
  EXPECT_EQ(worker.env.at("B"), "other");
  EXPECT_EQ(worker.env.at("C"), "1$");
}

TEST(Loader, ExpandsNoBytesThatCouldNotBeWrittenAgain) {
  load_options options;
  options.environment = {{"HOME", "/home/ren\xe9"}};
  const auto wrong =
      problem_of(specialist_with("        backend: { command: [\"${HOME}/a\"] }\n"), options);
  EXPECT_EQ(wrong.key, "departments.A.specialists.one.backend.command[0]");
  EXPECT_THAT(wrong.message, HasSubstr("not UTF-8"));
}

TEST(Loader, FillsSpecialistsFromDefaultsKeyByKey) {
  const auto whole = loaded(
      "defaults: { memory_mb: 7, backend: { command: [a, b], env: { X: '1', Y: '1' } } }\n"
      "departments:\n  - name: A\n    specialists:\n      - name: one\n"
      "      - { name: two, memory_mb: 9, backend: { command: [c], env: { Y: '2' } } }\n");
  EXPECT_EQ(find_specialist(whole, "one")->memory_mb, 7);
  EXPECT_THAT(find_specialist(whole, "one")->backend.command, ElementsAre("a", "b"));
  EXPECT_EQ(find_specialist(whole, "two")->memory_mb, 9);
  EXPECT_THAT(find_specialist(whole, "two")->backend.command, ElementsAre("c"));
  EXPECT_EQ(find_specialist(whole, "two")->backend.env.at("X"), "1");
  EXPECT_EQ(find_specialist(whole, "two")->backend.env.at("Y"), "2");
}

TEST(Loader, GivesDepartmentsThePatienceOfTheRoot) {
  const auto whole = loaded(
      "supervision: { restarts_max: 9, window: 5s }\ndepartments:\n  - { name: A }\n"
      "  - { name: B, restart: { intensity: 1 } }\n");
  EXPECT_EQ(whole.departments[0].restart.intensity, 9u);
  EXPECT_EQ(whole.departments[0].restart.window, std::chrono::seconds{5});
  EXPECT_EQ(whole.departments[1].restart.intensity, 1u);
  EXPECT_EQ(whole.departments[1].restart.window, std::chrono::seconds{5});
}

}  // namespace
}  // namespace greenroom::config
