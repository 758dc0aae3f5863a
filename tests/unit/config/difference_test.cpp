// What a reload would change, and what it must refuse to.
#include "config/difference.hpp"
#include "config/loader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace greenroom::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

node small() {
  node whole;
  specialist a;
  a.name = "a";
  specialist b;
  b.name = "b";
  whole.departments.push_back({"X", {}, {a, b}});
  whole.departments.push_back({"Y", {}, {}});
  return whole;
}

TEST(Difference, IsEmptyBetweenEquals) {
  EXPECT_TRUE(compare(small(), small()).empty());
  EXPECT_EQ(to_string(compare(small(), small())), "nothing changed");
}

TEST(Difference, NamesSpecialistsThatComeGoAndChange) {
  auto after = small();
  auto moved = after.departments[0].specialists[1];
  after.departments[0].specialists.pop_back();
  after.departments[1].specialists.push_back(moved);
  specialist c;
  c.name = "c";
  after.departments[1].specialists.push_back(c);
  after.departments[0].specialists[0].pin = true;
  const auto change = compare(small(), after);
  EXPECT_THAT(change.added, ElementsAre("c"));
  EXPECT_THAT(change.changed, ElementsAre("a", "b"));
  EXPECT_THAT(change.removed, IsEmpty());
  EXPECT_THAT(compare(after, small()).removed, ElementsAre("c"));
  EXPECT_EQ(to_string(change), "1 specialist added, 2 specialists changed");
}

TEST(Difference, NamesDepartmentsThatComeGoAndChange) {
  auto after = small();
  after.departments[0].restart.intensity = 9;
  after.departments[1].name = "Z";
  EXPECT_THAT(compare(small(), after).departments_changed, ElementsAre("X", "Y", "Z"));
}

TEST(Difference, NamesKeysWithBothValues) {
  auto after = small();
  after.pool.max_warm = 20;
  after.rollout.criteria.error_rate = 0.05;
  after.alerts.webhooks = {"http://a"};
  after.commands["x"] = {"X", ""};
  after.workflows.push_back({"W", {"a"}});
  const auto change = compare(small(), after);
  EXPECT_THAT(change.keys, ElementsAre(changed_key{"pool.max_warm", "17", "20"},
                                       changed_key{"rollout.criteria.error_rate", "0.02", "0.05"},
                                       changed_key{"alerts.webhooks", "[]", "[http://a]"}));
  EXPECT_TRUE(change.commands);
  EXPECT_TRUE(change.workflows);
  EXPECT_THAT(change.needs_restart, IsEmpty());
}

TEST(Difference, ListsKeysThatOnlyANewProcessCanApply) {
  auto after = small();
  after.listen = "127.0.0.1:1";
  after.data_dir = "elsewhere";
  after.io_threads = 2;
  after.scheduler.threads = 2;
  after.log.level = log_level::debug;
  after.pool.mode = pool_mode::baseline;
  after.limits.connections = 9;
  after.journal.fsync = false;
  EXPECT_THAT(compare(small(), after).needs_restart,
              ElementsAre("listen", "data_dir", "io_threads", "scheduler.threads", "pool.mode",
                          "limits.connections", "journal.fsync"));
}

TEST(Difference, KnowsWhichKeysAWorkerWasStartedWith) {
  specialist before;
  before.name = "a";
  before.backend.command = {"worker"};
  auto after = before;
  after.pin = true;
  after.priority = priority::high;
  after.aliases = {"b"};
  after.backend.concurrency = 4;
  after.backend.side_effects = side_effects::unsafe;
  after.backend.start_timeout = std::chrono::seconds{1};
  after.backend.task_timeout = std::chrono::seconds{1};
  after.backend.stop_timeout = std::chrono::seconds{1};
  EXPECT_TRUE(same_worker(before, after));
  const auto differs = [&](auto change) {
    auto other = before;
    change(other.backend);
    return !same_worker(before, other);
  };
  EXPECT_TRUE(differs([](backend& b) { b.command.emplace_back("-v"); }));
  EXPECT_TRUE(differs([](backend& b) { b.env["A"] = "b"; }));
  EXPECT_TRUE(differs([](backend& b) { b.cwd = "/"; }));
  EXPECT_TRUE(differs([](backend& b) { b.kind = backend_kind::http; }));
  EXPECT_TRUE(differs([](backend& b) { b.protocol = worker_protocol::mcp; }));
  EXPECT_TRUE(differs([](backend& b) { b.url = "http://a"; }));
  EXPECT_TRUE(differs([](backend& b) { b.headers["A"] = "b"; }));
  EXPECT_TRUE(differs([](backend& b) { b.health = "/b"; }));
  EXPECT_TRUE(differs([](backend& b) { b.path = "/b"; }));
  EXPECT_TRUE(differs([](backend& b) { b.attempt_timeout = std::chrono::seconds{1}; }));
}

}  // namespace
}  // namespace greenroom::config
