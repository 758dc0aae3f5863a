// The journal of a whole node: files that disappear, a full disk, a stop with callers
// waiting, and backups under load.
#include "tests/integration/support/live_node.hpp"

#include "tests/integration/cli_program.hpp"

#include <gtest/gtest.h>
#include <sys/mount.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace greenroom::tests {
namespace {

const std::string plain_journal = "journal: { fsync: false }\nretry: { base: 10ms, max: 50ms }\n";

json durable_task(const std::string& who, json input) {
  return {{"specialist", who}, {"durable", true}, {"input", std::move(input)}};
}
json async_task(const std::string& who, json input) {
  return {{"specialist", who}, {"mode", "async"}, {"input", std::move(input)}};
}

TEST(LiveJournal, AFileThatDisappearsCostsNothingThatWasAcknowledged) {
  for (const std::string name : {"journal.db-wal", "journal.db-shm", "journal.db"}) {
    live_node node{plain_journal, {{"one"}}};
    ASSERT_TRUE(node.start()) << node.errors();
    std::set<std::string> acknowledged;
    for (int i = 0; i < 5; ++i) acknowledged.insert(node.task(durable_task("one", i)).id());
    std::filesystem::remove(node.folder() / "data" / name);
    for (int i = 0; i < 5; ++i)
      if (const auto got = node.task(durable_task("one", i)); got.status == 200)
        acknowledged.insert(got.id());
    ASSERT_TRUE(eventually([&] {
      return node.errors().find("journal.damaged") != std::string::npos;
    })) << name;
    node.kill();
    ASSERT_TRUE(node.start()) << node.errors();
    for (const auto& id : acknowledged)
      EXPECT_EQ(node.get("/v1/tasks/" + id).state(), "completed") << name << " " << id;
  }
}

TEST(LiveJournal, ACleanStopLeavesEverythingInOneFile) {
  live_node node{plain_journal, {{"one"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  const auto id = node.task(durable_task("one", 1)).id();
  static_cast<void>(node.get("/v1/tasks"));
  node.signal(SIGTERM);
  ASSERT_EQ(node.wait(), 0);
  std::filesystem::remove(node.folder() / "data" / "journal.db-wal");
  std::filesystem::remove(node.folder() / "data" / "journal.db-shm");
  ASSERT_TRUE(node.start()) << node.errors();
  EXPECT_EQ(node.get("/v1/tasks/" + id).state(), "completed");
  EXPECT_EQ(node.errors().find("journal.damaged"), std::string::npos) << node.errors();
}

TEST(LiveJournal, AMissingJournalIsSaidAtTheStart) {
  live_node node{plain_journal, {{"one"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  static_cast<void>(node.task(durable_task("one", 1)));
  node.signal(SIGTERM);
  ASSERT_EQ(node.wait(), 0);
  std::filesystem::remove(node.folder() / "data" / "journal.db");
  ASSERT_TRUE(node.start()) << node.errors();
  // The log is written by another thread.
  EXPECT_TRUE(eventually([&] {
    return node.errors().find("journal.damaged") != std::string::npos;
  })) << node.errors();
  ASSERT_TRUE(eventually([&] {
    return node.get("/v1/alerts").body.dump().find("journal-damaged") != std::string::npos;
  }));
}

TEST(LiveJournal, CallersOfDurableTasksHearTheirIdWhenTheNodeStops) {
  live_node node{plain_journal + "shutdown_grace: 200ms\n", {{"one"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  auto asked = node.begin(durable_task("one", {{"do", "hold"}, {"file", "go"}}));
  ASSERT_TRUE(eventually([&] { return node.count("run", "one") == 1; }));
  node.signal(SIGTERM);
  const auto got = asked.get();
  EXPECT_EQ(got.status, 503) << got.body;
  const auto id = got.body.value("task", "");
  EXPECT_EQ(id.size(), 32U) << got.body;
  EXPECT_EQ(got.header("Location"), "/v1/tasks/" + id);
  ASSERT_EQ(node.wait(), 0);
  node.release("go");
  ASSERT_TRUE(node.start()) << node.errors();
  EXPECT_EQ(node.ended(id).state(), "completed");
}

TEST(LiveJournal, AnEndThatIsNotWrittenSaysSo) {
  live_node node{plain_journal, {{"one"}}};
  const auto disk = node.folder() / "disk";
  std::filesystem::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=2m") != 0)
    GTEST_SKIP() << "mounting a small tmpfs needs root";
  struct unmount_later {
    std::filesystem::path where;
    live_node& of;
    ~unmount_later() {
      of.kill();
      ::umount2(where.c_str(), MNT_DETACH);
    }
  } const cleanup{disk, node};
  ASSERT_TRUE(node.start((disk / "data").string())) << node.errors();
  auto asked = node.begin(durable_task("one", {{"do", "hold"}, {"file", "go"}}));
  ASSERT_TRUE(eventually([&] { return node.count("run", "one") == 1; }));
  {
    std::ofstream filler{disk / "filler", std::ios::binary};
    const std::string block(4096, 'x');
    while (filler.write(block.data(), 4096).flush()) {
    }
  }
  // Another task must fail first, so that the node knows that the disk is full.
  ASSERT_TRUE(eventually([&] {
    return node.task(async_task("one", {{"weight", std::string(60'000, 'y')}})).status == 503;
  }));
  node.release("go");
  const auto got = asked.get();
  EXPECT_EQ(got.status, 200) << got.body;
  EXPECT_EQ(got.body.value("durable", true), false) << got.body;
  std::filesystem::remove(disk / "filler");
  ASSERT_TRUE(eventually([&] {
    const auto now = node.get("/v1/tasks/" + got.id());
    return now.state() == "completed" && now.body.value("durable", true);
  })) << "it is written when there is room again";
}

TEST(LiveJournal, ABackupUnderLoadHasAllThatWasAcknowledgedAndComesBack) {
  live_node node{plain_journal + "pool: { max_warm: 2 }\n", {{"one"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  std::atomic<bool> over{false};
  std::mutex guard;
  std::set<std::string> acknowledged;
  std::thread user{[&] {
    for (int i = 0; !over; ++i)
      if (const auto got = node.task(async_task("one", i)); got.status == 202) {
        const std::lock_guard lock{guard};
        acknowledged.insert(got.id());
      }
  }};
  const auto enough = [&] {
    const std::lock_guard lock{guard};
    return acknowledged.size() > 50;
  };
  ASSERT_TRUE(eventually(enough));
  std::set<std::string> before;
  {
    const std::lock_guard lock{guard};
    before = acknowledged;
  }
  const auto copy = (node.folder() / "copy").string();
  const auto url = "http://127.0.0.1:" + std::to_string(node.port());
  const auto made = run_program({"backup", copy, "--node", url});
  over = true;
  user.join();
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_NE(run_program({"backup", copy, "--node", url}).code, 0) << "it is not empty any more";
  EXPECT_EQ(
      run_program({"restore", copy, "--data", (node.folder() / "data").string(), "--force"}).code,
      1)
      << "a node runs there";
  node.kill();
  ASSERT_EQ(run_program({"restore", copy, "--data", (node.folder() / "data").string()}).code, 1)
      << "it is not empty";
  const auto back =
      run_program({"restore", copy, "--data", (node.folder() / "data").string(), "--force"});
  ASSERT_EQ(back.code, 0) << back.err;
  ASSERT_TRUE(node.start()) << node.errors();
  for (const auto& id : before) EXPECT_EQ(node.ended(id).state(), "completed") << id;
  EXPECT_EQ(node.errors().find("journal.damaged"), std::string::npos) << node.errors();
  // One changed byte is enough to refuse the backup.
  {
    std::fstream file{copy + "/journal.db", std::ios::binary | std::ios::in | std::ios::out};
    file.seekp(5000);
    file.put('\x7f');
  }
  const auto broken = run_program({"restore", copy, "--data", (node.folder() / "else").string()});
  EXPECT_EQ(broken.code, 1);
  EXPECT_NE(broken.err.find("checksum"), std::string::npos) << broken.err;
}

}  // namespace
}  // namespace greenroom::tests
