// A journal with numbers that no node writes: the node starts, or names what it cannot read.
#include "actors/node/node.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace greenroom::tests {
namespace {

class JournalNumbers : public testing::Test {
protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path()
              / ("odd-numbers-" + std::to_string(::getpid()) + "-"
                 + testing::UnitTest::GetInstance()->current_test_info()->name());
    static_cast<void>(started());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// Empty when the node started, else its error.
  std::string started(std::string* rollbacks = nullptr) {
    config::node configuration;
    configuration.data_dir = folder_.string();
    configuration.journal.fsync = false;
    config::specialist one;
    one.name = "echo";
    one.backend.kind = config::backend_kind::function;
    config::department department;
    department.name = "CALLS";
    department.specialists = {one};
    configuration.departments = {department};
    auto outcome =
        node::start(configuration, {{"echo", [](const std::string& input) { return input; }}});
    if (!outcome) return outcome.error().text;
    auto& running = *outcome;
    task_request request;
    request.specialist = "echo";
    request.durable = true;
    EXPECT_EQ(running->submit(request).get().state, protocols::task_state::completed);
    if (rollbacks != nullptr) *rollbacks = running->rollbacks();
    return {};
  }
  void write_state(const std::string& name, const std::string& value) const {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((folder_ / "journal.db").c_str(), &db), SQLITE_OK);
    sqlite3_stmt* put = nullptr;
    ASSERT_EQ(sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO state (name, value) VALUES (?, ?)", -1,
                                 &put, nullptr),
              SQLITE_OK)
        << sqlite3_errmsg(db);
    sqlite3_bind_text(put, 1, name.data(), static_cast<int>(name.size()), SQLITE_TRANSIENT);
    sqlite3_bind_text(put, 2, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT);
    EXPECT_EQ(sqlite3_step(put), SQLITE_DONE) << sqlite3_errmsg(db);
    sqlite3_finalize(put);
    sqlite3_close(db);
  }

  std::filesystem::path folder_;
};

TEST_F(JournalNumbers, OfRollbacksAreNotCountedTo) {
  for (const auto* count : {"18446744073709551615", "99999999999999999999999", "-1",
                            "9223372036854775807", "1e9", "x", "", "4294967296", "1000000000000"}) {
    write_state("rollback.count", count);
    EXPECT_EQ(started(), "") << count;
  }
}

TEST_F(JournalNumbers, OfRecordsAreLeftOutAndTheNodeStarts) {
  const std::pair<const char*, const char*> records[]{
      {"rollout.plan", "greenroom-rollout 1\nphase=PREPARATION\npercentage=nan\nend\n"},
      {"rollout.plan", "greenroom-rollout 4294967297\nend\n"},
      {"rollout.plan", "no record"},
  };
  for (const auto& [name, text] : records) {
    write_state(name, text);
    EXPECT_EQ(started(), "") << text;
  }
}

}  // namespace
}  // namespace greenroom::tests
