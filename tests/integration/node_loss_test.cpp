// No acknowledged task is lost when the node is killed or its disk is full.
#include "tests/integration/support/unsynced_node.hpp"
#include "tests/machine/http/raw_client.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;

TEST(ZeroLoss, EveryAcknowledgedTaskEndsOnceThoughTheNodeIsKilledOften) {
  live_node node{
      unsynced_pool("max_warm: 4"),
      {{"safe"}, {"pure", "", "side_effects: none"}, {"once", "", "side_effects: unsafe"}}};
  std::mutex guard;
  std::map<std::string, std::string> acknowledged;  // Task ID to token.
  int serial = 0;
  for (int life = 0; life < 4; ++life) {
    ASSERT_TRUE(node.start()) << node.errors();
    std::atomic<bool> over{false};
    std::vector<std::thread> users;
    for (int user = 0; user < 3; ++user)
      users.emplace_back([&, user] {
        const std::string who = user == 0 ? "safe" : user == 1 ? "pure" : "once";
        while (!over) {
          std::string token;
          {
            const std::lock_guard lock{guard};
            token = "t" + std::to_string(serial++);
          }
          const auto got = node.task(async(who, {{"do", "sleep"}, {"ms", 5}, {"token", token}}));
          if (got.status != 202) continue;
          const std::lock_guard lock{guard};
          acknowledged[got.id()] = token;
        }
      });
    // Under load: some tasks have ended, some run, some wait.
    const auto before = node.count("done");
    EXPECT_TRUE(eventually([&] { return node.count("done") > before + 20; }));
    node.kill();
    over = true;
    for (auto& user : users) user.join();
  }
  ASSERT_GT(acknowledged.size(), 80U);
  ASSERT_TRUE(node.start()) << node.errors();
  std::map<std::string, int> states;
  for (const auto& [id, token] : acknowledged) {
    const auto got = node.ended(id);
    ASSERT_EQ(got.status, 200) << id;
    ++states[got.state()];
    const auto who = got.body.value("specialist", "");
    if (who == "once") {
      EXPECT_TRUE(got.state() == "completed" || got.state() == "unknown") << got.body;
    } else {
      EXPECT_EQ(got.state(), "completed") << got.body;
    }
  }
  std::map<std::string, int> runs;
  for (const auto& line : node.log())
    if (line.size() > 3 && line[0] == "run" && line[1] == "once") ++runs[line[3]];
  for (const auto& [token, count] : runs) EXPECT_EQ(count, 1) << token << " was not safe twice";
  EXPECT_LE(states["unknown"], 4);  // At most one running task for each of the four kills.
  // The end of a task does not change.
  const auto some = acknowledged.begin()->first;
  const auto then = node.get("/v1/tasks/" + some);
  node.kill();
  ASSERT_TRUE(node.start()) << node.errors();
  EXPECT_EQ(node.get("/v1/tasks/" + some).body["state"], then.body["state"]);
}

TEST(ZeroLoss, CallsAnUnsafeTaskUnknownThatRanWhenTheNodeDied) {
  live_node node{unsynced_pool("max_warm: 2"), {{"once", "", "side_effects: unsafe"}, {"safe"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  const auto ran = node.task(async("once", {{"do", "hold"}, {"file", "go"}, {"token", "a"}}));
  ASSERT_TRUE(eventually([&] { return node.count("run", "once") == 1; }));
  const auto waited = node.task(async("once", {{"token", "b"}}));
  const auto again = node.task(async("safe", {{"do", "hold"}, {"file", "go"}}));
  ASSERT_TRUE(eventually([&] { return node.count("run", "safe") == 1; }));
  ASSERT_EQ(waited.status, 202);
  node.kill();
  node.release("go");
  ASSERT_TRUE(node.start()) << node.errors();
  EXPECT_EQ(node.ended(ran.id()).state(), "unknown");
  EXPECT_EQ(node.ended(waited.id()).state(), "completed");
  EXPECT_EQ(node.ended(again.id()).state(), "completed");
  EXPECT_EQ(node.count("run", "once", "", "a"), 1U);
  EXPECT_EQ(node.count("run", "once", "", "b"), 1U);
  EXPECT_EQ(node.count("run", "safe"), 2U);
}

TEST(ZeroLoss, KnowsAnIdempotencyKeyAgainAlsoAfterARestart) {
  live_node node{unsynced_pool("max_warm: 2"), {{"one"}, {"two"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  const auto first = node.task(async("one", {{"token", "x"}}, "key-1"));
  ASSERT_EQ(first.status, 202) << first.body;
  const auto same = node.task(async("one", {{"token", "x"}}, "key-1"));
  EXPECT_LT(same.status, 300) << same.body;
  EXPECT_EQ(same.id(), first.id());
  const auto other = node.task(async("one", {{"token", "y"}}, "key-1"));
  EXPECT_EQ(other.status, 409) << other.body;
  EXPECT_EQ(node.task(async("two", {{"token", "x"}}, "key-1")).status, 409);
  ASSERT_EQ(node.ended(first.id()).state(), "completed");
  // A sync call with the same key gets the end that was recorded.
  auto sync = async("one", {{"token", "x"}}, "key-1");
  sync["mode"] = "sync";
  const auto repeated = node.task(sync);
  EXPECT_EQ(repeated.status, 200) << repeated.body;
  EXPECT_EQ(repeated.id(), first.id());
  node.kill();
  ASSERT_TRUE(node.start()) << node.errors();
  EXPECT_EQ(node.task(async("one", {{"token", "x"}}, "key-1")).id(), first.id());
  EXPECT_EQ(node.task(async("one", {{"token", "y"}}, "key-1")).status, 409);
  EXPECT_EQ(node.count("run", "one"), 1U);
}

TEST(ZeroLoss, LetsAllWhoAskWithOneKeyHearTheOneEnd) {
  live_node node{unsynced_pool("max_warm: 2"), {{"one"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  std::vector<std::future<answer>> asked;
  for (int i = 0; i < 8; ++i)
    asked.push_back(node.begin({{"specialist", "one"},
                                {"idempotency_key", "k"},
                                {"input", {{"do", "hold"}, {"file", "go"}}}}));
  ASSERT_TRUE(eventually([&] { return node.count("run", "one") == 1; }));
  node.release("go");
  std::string id;
  for (auto& one : asked) {
    const auto got = one.get();
    EXPECT_EQ(got.status, 200) << got.body;
    if (id.empty()) id = got.id();
    EXPECT_EQ(got.id(), id);
  }
  EXPECT_EQ(node.count("run", "one"), 1U);
}

/// The tables of the first version. A released format does not change any more.
constexpr auto first_format = R"sql(
PRAGMA journal_mode = WAL;
CREATE TABLE name (number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE epoch (number INTEGER PRIMARY KEY, epoch INTEGER NOT NULL UNIQUE);
CREATE TABLE task (row INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, number INTEGER NOT NULL,
  specialist INTEGER NOT NULL, department INTEGER NOT NULL, urgency INTEGER NOT NULL,
  effects INTEGER NOT NULL, accepted_ms INTEGER NOT NULL, deadline_ms INTEGER NOT NULL,
  request_hash INTEGER NOT NULL, key TEXT, input TEXT NOT NULL);
CREATE UNIQUE INDEX task_by_id ON task (epoch, number);
CREATE UNIQUE INDEX task_by_key ON task (key) WHERE key IS NOT NULL;
CREATE TABLE start (row INTEGER PRIMARY KEY, attempts INTEGER NOT NULL);
CREATE TABLE "end" (row INTEGER PRIMARY KEY, state INTEGER NOT NULL, why INTEGER NOT NULL,
  cold_start INTEGER NOT NULL, attempts INTEGER NOT NULL, pool INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL, queue_us INTEGER NOT NULL, start_us INTEGER NOT NULL,
  run_us INTEGER NOT NULL, total_us INTEGER NOT NULL, output TEXT NOT NULL);
CREATE TABLE mark (one INTEGER PRIMARY KEY CHECK (one = 1), oldest_unfinished INTEGER NOT NULL);
INSERT INTO mark VALUES (1, 1);
CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE event (row INTEGER PRIMARY KEY, kind INTEGER NOT NULL, unix_ms INTEGER NOT NULL,
  json TEXT NOT NULL);
CREATE INDEX event_by_kind ON event (kind);
PRAGMA application_id = 1196575310;
PRAGMA user_version = 1;
)sql";

TEST(ZeroLoss, GoesOnWithAJournalOfTheFirstVersion) {
  live_node node{unsynced_pool("max_warm: 2"), {{"safe"}, {"once", "", "side_effects: unsafe"}}};
  std::filesystem::create_directory(node.folder() / "data");
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  // Row, number, specialist (1 safe, 2 once), effects: three wait, one was running, two have ended.
  // A start is recorded only for tasks that must not run twice, in the first version as now.
  std::string rows =
      "INSERT INTO name VALUES (1, 'safe'), (2, 'once'), (3, 'TEST');"
      "INSERT INTO epoch VALUES (1, 7);"
      "INSERT INTO start VALUES (4, 0);";
  for (int row = 1; row <= 6; ++row) {
    const auto who = row % 2 == 1 ? 1 : 2;
    rows += "INSERT INTO task VALUES (" + std::to_string(row) + ", 1, " + std::to_string(row) + ", "
            + std::to_string(who) + ", 3, 1, " + std::to_string(who) + ", "
            + std::to_string(now - 1000) + ", " + std::to_string(now + 29'000) + ", 5, NULL, '"
            + json{{"token", "row-" + std::to_string(row)}}.dump() + "');";
    if (row > 4)
      rows += "INSERT INTO \"end\" VALUES (" + std::to_string(row) + ", 2, 0, 0, 1, 0, "
              + std::to_string(now - 500) + ", 1, 2, 3, 6, '\"as it was\"');";
  }
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((node.folder() / "data" / "journal.db").c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, first_format, nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(db);
  ASSERT_EQ(sqlite3_exec(db, rows.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(db);
  sqlite3_close(db);
  for (int life = 0; life < 2; ++life) {
    ASSERT_TRUE(node.start()) << node.errors();
    for (int row = 1; row <= 6; ++row) {
      const auto id = "0000000000000007000000000000000" + std::to_string(row);
      const auto got = node.ended(id);
      EXPECT_EQ(got.status, 200) << got.body;
      EXPECT_EQ(got.state(), row == 4 ? "unknown" : "completed") << got.body;
      if (row > 4) {
        EXPECT_EQ(got.body["output"], "as it was");
      }
      EXPECT_EQ(node.count("run", row % 2 == 1 ? "safe" : "once", "", "row-" + std::to_string(row)),
                row < 4 ? 1U : 0U)
          << row;
    }
    EXPECT_EQ(node.task(async("safe", 1)).status, 202);
    node.kill();
  }
}

TEST(ZeroLoss, RefusesAJournalOfANewerVersion) {
  live_node node{unsynced, {{"one"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  const auto done = node.task(async("one", 1));
  ASSERT_EQ(node.ended(done.id()).state(), "completed");
  node.signal(SIGTERM);
  EXPECT_EQ(node.wait(), 0);
  sqlite3* db = nullptr;
  const auto file = node.folder() / "data" / "journal.db";
  ASSERT_EQ(sqlite3_open(file.c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(db, "PRAGMA user_version = 1000", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  EXPECT_FALSE(node.start());
  EXPECT_EQ(node.exit_code(), 1);
  EXPECT_NE(node.errors().find("newer"), std::string::npos) << node.errors();
}

TEST(ZeroLoss, RefusesASecondNodeOnTheSameData) {
  live_node first{unsynced, {{"one"}}};
  ASSERT_TRUE(first.start()) << first.errors();
  ASSERT_EQ(first.task("one", 1).status, 200);
  live_node second{unsynced, {{"one"}}};
  EXPECT_FALSE(second.start((first.folder() / "data").string()));
  EXPECT_EQ(second.exit_code(), 1);
  // The second node did not end the workers of the first node.
  EXPECT_EQ(first.workers().size(), 1U);
  EXPECT_EQ(first.task("one", 1).body["cold_start"], false);
}

TEST(ZeroLoss, AnswersAFullDiskWith503AndRecovers) {
  live_node node{unsynced, {{"one"}}};
  const auto disk = node.folder() / "disk";
  std::filesystem::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=2m") != 0)
    GTEST_SKIP() << "mounting a small tmpfs needs root";
  struct unmount {
    std::filesystem::path where;
    live_node& node;
    ~unmount() {
      node.kill();
      ::umount2(where.c_str(), MNT_DETACH);
    }
  } const cleanup{disk, node};
  ASSERT_TRUE(node.start((disk / "data").string())) << node.errors();
  const auto before = node.task(async("one", 1));
  ASSERT_EQ(before.status, 202);
  ASSERT_EQ(node.ended(before.id()).state(), "completed");
  {
    std::ofstream filler{disk / "filler", std::ios::binary};
    const std::string block(4096, 'x');
    while (filler.write(block.data(), 4096).flush()) {
    }
  }
  std::vector<std::string> taken;
  answer refused;
  ASSERT_TRUE(eventually([&] {
    refused = node.task(async("one", {{"weight", std::string(30'000, 'y')}}));
    if (refused.status == 202) taken.push_back(refused.id());
    return refused.status == 503;
  })) << refused.status
      << refused.body;
  EXPECT_FALSE(refused.header("Retry-After").empty());
  // Tasks that need no journal are still served.
  EXPECT_EQ(node.task("one", 1).status, 200);
  EXPECT_NE(node.get("/health/intelligent-pooling").body.value("status", ""), "HEALTHY");
  std::filesystem::remove(disk / "filler");
  answer again;
  ASSERT_TRUE(eventually([&] {
    again = node.task(async("one", 2));
    return again.status == 202;
  })) << again.status
      << again.body;
  EXPECT_EQ(node.ended(again.id()).state(), "completed");
  for (const auto& id : taken) EXPECT_EQ(node.ended(id).state(), "completed");
}

TEST(ZeroLoss, AnswersAJournalThatMayNotGrowWith503AndRecovers) {
  live_node node{unsynced, {{"one"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  const auto before = node.task(async("one", 1));
  ASSERT_EQ(node.ended(before.id()).state(), "completed");
  const rlimit little{200'000, RLIM_INFINITY};
  ASSERT_EQ(::prlimit(node.pid(), RLIMIT_FSIZE, &little, nullptr), 0);
  std::vector<std::string> taken;
  answer refused;
  ASSERT_TRUE(eventually([&] {
    refused = node.task(async("one", {{"weight", std::string(30'000, 'y')}}));
    if (refused.status == 202) taken.push_back(refused.id());
    return refused.status != 202;
  }));
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_EQ(node.task("one", 1).status, 200);
  const rlimit much{RLIM_INFINITY, RLIM_INFINITY};
  ASSERT_EQ(::prlimit(node.pid(), RLIMIT_FSIZE, &much, nullptr), 0);
  ASSERT_TRUE(eventually([&] { return node.task(async("one", 2)).status == 202; }));
  for (const auto& id : taken) EXPECT_EQ(node.ended(id).state(), "completed");
}

}  // namespace
}  // namespace greenroom::tests
