// The casts that are shipped have the numbers that the product promises.
#include "config/loader.hpp"
#include "config/writer.hpp"
#include "tests/unit/config/loaded.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>

namespace greenroom::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

load_options shipped() {
  load_options options;
  options.profile_dirs = {std::filesystem::path{GREENROOM_SOURCE_DIR} / "config/profiles"};
  return options;
}

node profile(const std::string& name) { return node_in(load_profile(name, shipped())); }

/// The department of a specialist.
const department* department_of(const node& whole, std::string_view name) {
  const auto* const one = find_specialist(whole, name);
  const auto found = std::ranges::find_if(whole.departments, [one](const department& group) {
    return std::ranges::any_of(group.specialists,
                               [one](const specialist& each) { return &each == one; });
  });
  return found == whole.departments.end() ? nullptr : &*found;
}

TEST(Profiles, AreTheEightThatAreNamed) {
  EXPECT_THAT(list_profiles(shipped().profile_dirs),
              ElementsAre("core", "full", "large", "learning", "massive", "production", "tutoring",
                          "vision"));
}

struct promise {
  std::string name;
  std::size_t specialists;
  double memory_budget_mb;
  std::size_t max_warm;
};

class ShippedProfile : public testing::TestWithParam<promise> {};

TEST_P(ShippedProfile, HasTheCastAndTheLimitsThatArePromised) {
  const auto& promised = GetParam();
  const auto whole = profile(promised.name);
  EXPECT_EQ(whole.profile, promised.name);
  EXPECT_EQ(count_specialists(whole), promised.specialists);
  EXPECT_EQ(whole.pool.memory_budget_mb, promised.memory_budget_mb);
  EXPECT_EQ(whole.pool.max_warm, promised.max_warm);
}

TEST_P(ShippedProfile, AnswersEveryCommandThatUsersHave) {
  const auto whole = profile(GetParam().name);
  for (const auto& [word, target] : profile("production").commands) {
    const auto found = resolve_command(whole, "bumba:" + word);
    ASSERT_TRUE(found.has_value()) << word;
    EXPECT_NE(find_department(whole, found->department), nullptr) << word;
  }
}

TEST_P(ShippedProfile, IsTheSameAfterBeingWrittenAndReadAgain) {
  const auto whole = profile(GetParam().name);
  const auto again = load_text(to_yaml(whole), "again");
  ASSERT_TRUE(again) << to_string(problems_in(again).front());
  EXPECT_EQ(again->value, whole);
}

TEST_P(ShippedProfile, UsesTheBundledWorkerThroughout) {
  for (const auto& group : profile(GetParam().name).departments) {
    for (const auto& one : group.specialists) {
      EXPECT_EQ(one.backend.kind, backend_kind::process) << one.name;
      EXPECT_EQ(one.backend.protocol, worker_protocol::msgpack) << one.name;
      EXPECT_THAT(one.backend.command, ElementsAre("greenroom-worker")) << one.name;
      EXPECT_EQ(one.memory_mb, 5) << one.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shipped, ShippedProfile,
    testing::Values(promise{"core", 16, 2048, 4}, promise{"vision", 20, 4096, 4},
                    promise{"learning", 30, 6144, 6}, promise{"tutoring", 28, 4096, 6},
                    promise{"full", 77, 8192, 16}, promise{"production", 83, 0, 17},
                    promise{"large", 200, 0, 40}, promise{"massive", 500, 0, 100}),
    [](const auto& each) { return each.param.name; });

TEST(Profiles, ProductionHasItsNineteenDepartments) {
  const std::map<std::string, std::size_t> promised{
      {"BACKEND", 8},          {"FRONTEND", 8},     {"MOBILE", 5},         {"FULLSTACK", 4},
      {"DATA_ENGINEERING", 4}, {"ML_AI", 4},        {"ANALYTICS", 3},      {"DATA_SCIENCE", 4},
      {"DEVOPS", 6},           {"CLOUD", 4},        {"INFRASTRUCTURE", 4}, {"MONITORING", 4},
      {"SECURITY", 4},         {"TESTING", 4},      {"QUALITY", 4},        {"DESIGN", 3},
      {"PERFORMANCE", 3},      {"ARCHITECTURE", 3}, {"RESEARCH", 4}};
  std::map<std::string, std::size_t> counted;
  for (const auto& group : profile("production").departments) {
    counted[group.name] = group.specialists.size();
  }
  EXPECT_EQ(counted, promised);
}

TEST(Profiles, ProductionHasTwelveWorkflowsAcrossDepartments) {
  const auto whole = profile("production");
  EXPECT_EQ(whole.workflows.size(), 12u);
  for (const auto& each : whole.workflows) {
    std::set<const department*> crossed;
    for (const auto& step : each.steps) crossed.insert(department_of(whole, step));
    // The audit stays inside SECURITY, as the product describes it.
    const std::size_t least = each.name == "SECURITY_AUDIT" ? 1 : 2;
    EXPECT_GE(crossed.size(), least) << each.name;
  }
}

TEST(Profiles, LargeHasTheSettingsOfALargeCast) {
  for (const std::string name : {"large", "massive"}) {
    const auto whole = profile(name);
    EXPECT_EQ(whole.pool.cooldown, std::chrono::seconds{60});
    EXPECT_EQ(whole.pool.warm_threshold, 0.35);
    EXPECT_EQ(whole.pool.warming_concurrency, 5u);
    EXPECT_EQ(whole.prediction.window, 20u);
    EXPECT_EQ(whole.prediction.batch_size, 10u);
    EXPECT_EQ(whole.departments.size(), 19u);
    EXPECT_NE(find_specialist(whole, "api-architect-2"), nullptr);
  }
}

TEST(Profiles, SuggestTheNearestForAnUnknownOne) {
  const auto result = load_profile("prodction", shipped());
  ASSERT_EQ(problems_in(result).size(), 1u);
  EXPECT_EQ(problems_in(result)[0].suggestion, "production");
  EXPECT_THAT(problems_in(result)[0].message, HasSubstr("core, full, large"));
  EXPECT_FALSE(load_profile("../profiles/core", shipped()));
}

/// A folder of its own for one test.
class Extends : public testing::Test {
protected:
  void SetUp() override {
    folder_ = std::filesystem::path{testing::TempDir()}
              / ("greenroom-"
                 + std::string{testing::UnitTest::GetInstance()->current_test_info()->name()});
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& name, const std::string& text) {
    std::ofstream{folder_ / name} << text;
    return folder_ / name;
  }

  std::filesystem::path folder_;
};

TEST_F(Extends, LaysAFileOnTopOfAProfile) {
  const auto file = write("mine.yaml",
                          "extends: production\npool: { max_warm: 9 }\n"
                          "departments:\n  - name: BACKEND\n    specialists:\n"
                          "      - { name: api-architect, pin: true }\n"
                          "      - { name: mine, backend: { kind: function, command: [] } }\n"
                          "  - name: EXTRA\n    specialists:\n"
                          "      - { name: other, backend: { protocol: jsonl, command: [a] } }\n");
  const auto result = load_file(file, shipped());
  ASSERT_TRUE(result) << to_string(problems_in(result).front());
  const auto& whole = result->value;
  EXPECT_EQ(count_specialists(whole), 85u);
  EXPECT_EQ(whole.departments.size(), 20u);
  EXPECT_EQ(whole.pool.max_warm, 9u);
  EXPECT_EQ(whole.pool.cooldown, std::chrono::seconds{45});
  EXPECT_TRUE(find_specialist(whole, "api-architect")->pin);
  EXPECT_EQ(find_specialist(whole, "api-architect")->priority, priority::high);
  EXPECT_EQ(department_of(whole, "mine")->name, "BACKEND");
  EXPECT_EQ(whole.workflows.size(), 12u);
}

TEST_F(Extends, StillSeesANameThatTheFileItselfHasTwice) {
  const auto file = write("mine.yaml",
                          "extends: production\ndepartments:\n  - name: BACKEND\n"
                          "    specialists:\n      - { name: api-architect, pin: true }\n"
                          "      - { name: api-architect, pin: false }\n");
  const auto result = load_file(file, shipped());
  ASSERT_EQ(problems_in(result).size(), 1u);
  EXPECT_EQ(problems_in(result)[0].line, 6u);
  EXPECT_THAT(problems_in(result)[0].message, HasSubstr("duplicate specialist"));
}

TEST_F(Extends, BlamesTheFileThatIsWrong) {
  write("base.yaml", "version: 1\npool: { max_wram: 5 }\n");
  const auto result = load_file(write("top.yaml", "extends: base.yaml\n"), {});
  ASSERT_EQ(problems_in(result).size(), 1u);
  EXPECT_EQ(problems_in(result)[0].source, (folder_ / "base.yaml").string());
  EXPECT_EQ(problems_in(result)[0].line, 2u);
}

TEST_F(Extends, RefusesWhatIsNotThere) {
  auto result = load_file(write("top.yaml", "version: 1\nextends: prodution\n"), shipped());
  ASSERT_EQ(problems_in(result).size(), 1u);
  EXPECT_EQ(problems_in(result)[0].line, 2u);
  EXPECT_EQ(problems_in(result)[0].suggestion, "production");
  result = load_file(write("top.yaml", "extends: gone.yaml\n"), shipped());
  ASSERT_EQ(problems_in(result).size(), 1u);
  EXPECT_THAT(problems_in(result)[0].message, HasSubstr("no such file"));
}

TEST_F(Extends, RefusesACircle) {
  write("a.yaml", "extends: b.yaml\n");
  const auto result = load_file(write("b.yaml", "extends: a.yaml\n"), {});
  ASSERT_EQ(problems_in(result).size(), 1u);
  EXPECT_THAT(problems_in(result)[0].message, HasSubstr("extends itself"));
}

TEST_F(Extends, CutsTheCastAndWhatNamedTheOthers) {
  const auto file = write("mine.yaml",
                          "extends: production\n"
                          "only: [security-scanner, penetration-tester, compliance-auditor]\n");
  const auto result = load_file(file, shipped());
  ASSERT_TRUE(result) << to_string(problems_in(result).front());
  EXPECT_EQ(count_specialists(result->value), 3u);
  EXPECT_EQ(result->value.departments.size(), 1u);
  ASSERT_EQ(result->value.workflows.size(), 1u);
  EXPECT_EQ(result->value.workflows[0].name, "SECURITY_AUDIT");
  EXPECT_FALSE(resolve_command(result->value, "implement").has_value());
  EXPECT_TRUE(resolve_command(result->value, "audit").has_value());
}

TEST_F(Extends, DoesNotForgetWhatTheFileItselfNames) {
  const auto file = write("mine.yaml",
                          "extends: production\nonly: [security-scanner]\n"
                          "commands:\n  build: { department: FULLSTACK }\n");
  const auto result = load_file(file, shipped());
  ASSERT_EQ(problems_in(result).size(), 1u);
  EXPECT_EQ(problems_in(result)[0].key, "commands.build.department");
  EXPECT_EQ(problems_in(result)[0].line, 4u);
}

TEST_F(Extends, RefusesToKeepOrDropNobody) {
  const auto result = load_file(write("mine.yaml",
                                      "extends: production\n"
                                      "drop: [security-scaner]\n"),
                                shipped());
  ASSERT_EQ(problems_in(result).size(), 1u);
  EXPECT_EQ(problems_in(result)[0].key, "drop[0]");
  EXPECT_EQ(problems_in(result)[0].suggestion, "security-scanner");
}

}  // namespace
}  // namespace greenroom::config
