// Backups: what is removed and when, and that a stop does not wait for a backup.
#include "actors/node/backups.hpp"

#include "runtime/machine/journal/journal_copy.hpp"

#include <gtest/gtest.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <utility>

namespace greenroom::actors {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class hand_clock final : public machine::clock {
public:
  [[nodiscard]] std::int64_t now_ns() const override { return now_.load(); }
  [[nodiscard]] std::int64_t unix_ms() const override {
    return 1'700'000'000'000 + now_ns() / 1'000'000;
  }
  void advance(std::chrono::nanoseconds by) { now_ += by.count(); }

private:
  std::atomic<std::int64_t> now_{3'600'000'000'000};
};

class BackupDesk : public testing::Test {
protected:
  using answer = std::pair<int, std::string>;

  void SetUp() override {
    folder_ = fs::temp_directory_path()
              / ("backup-desk-" + std::to_string(::getpid()) + "-"
                 + testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
    where_.path = (folder_ / "journal.db").string();
    where_.fsync = false;
    auto opened = machine::journal::open(where_);
    ASSERT_EQ(opened.index(), 0U);
    journal_ = std::move(std::get<0>(opened));
    where_.expected = journal_->identity();
    config::node configuration;
    configuration.data_dir = folder_.string();
    auto& department = configuration.departments.emplace_back();
    department.name = "D";
    auto& one = department.specialists.emplace_back();
    one.name = "s";
    one.backend.command = {"worker"};
    node_ =
        std::make_unique<node_state>(make_catalog(std::move(configuration), nullptr), 8, 1, clock_);
  }
  void TearDown() override {
    desk_.reset();
    journal_.reset();
    fs::remove_all(folder_);
  }
  void open() {
    desk_ = std::make_unique<backups>(
        backup_parts{node_->clock, node_->catalogs, node_->events, node_->forecast, node_->seed},
        backups::surroundings{folder_.string(), where_, "node", "1"});
  }
  template <class Ask>
  answer hear(Ask ask) {
    std::promise<answer> told;
    auto heard = told.get_future();
    ask([&](int status, std::string body, std::chrono::milliseconds later) {
      retry_after = later;
      told.set_value({status, std::move(body)});
    });
    return heard.get();
  }
  answer begin() {
    return hear([this](auto told) { desk_->begin(std::move(told)); });
  }
  answer piece(const std::string& id) {
    return hear([&](auto told) { desk_->piece(id, 0, 0, std::move(told)); });
  }
  static std::string id_in(const answer& made) {
    return nlohmann::json::parse(made.second).at("id").get<std::string>();
  }

  std::chrono::milliseconds retry_after{};  // Of the last answer.
  fs::path folder_;
  machine::journal_options where_;
  std::unique_ptr<machine::journal> journal_;
  std::shared_ptr<hand_clock> clock_ = std::make_shared<hand_clock>();
  std::unique_ptr<node_state> node_;
  std::unique_ptr<backups> desk_;
};

TEST_F(BackupDesk, RemovesWhatAnEarlierLifeLeftAndNothingElse) {
  const auto left = ".backup-under-way-" + protocols::to_string(protocols::task_id{1, 2});
  for (const auto& name : {std::string{"backup-of-mine"}, std::string{".backup-under-way-mine"},
                           std::string{"backup-2026"}, left}) {
    fs::create_directory(folder_ / name);
    std::ofstream{folder_ / name / "file"} << "text";
  }
  open();
  EXPECT_TRUE(fs::exists(folder_ / "backup-of-mine" / "file"));
  EXPECT_TRUE(fs::exists(folder_ / ".backup-under-way-mine" / "file"));
  EXPECT_TRUE(fs::exists(folder_ / "backup-2026" / "file"));
  EXPECT_FALSE(fs::exists(folder_ / left));
}

TEST_F(BackupDesk, RefusesASecondOneWhileTheFirstIsFetched) {
  open();
  const auto first = begin();
  ASSERT_EQ(first.first, 200) << first.second;
  clock_->advance(9min);
  EXPECT_EQ(piece(id_in(first)).first, 200);
  clock_->advance(9min);
  EXPECT_EQ(begin().first, 409);
  EXPECT_EQ(piece(id_in(first)).first, 200);
}

TEST_F(BackupDesk, SaysWhichBackupIsInTheWayAndForHowLongAtMost) {
  open();
  const auto first = begin();
  ASSERT_EQ(first.first, 200) << first.second;
  clock_->advance(9min);
  const auto second = begin();
  EXPECT_EQ(second.first, 409);
  EXPECT_NE(second.second.find(id_in(first)), std::string::npos) << second.second;
  EXPECT_EQ(retry_after, 60s);
}

TEST_F(BackupDesk, MakesAnotherOneWhenTheFirstWasAbandoned) {
  open();
  const auto first = begin();
  ASSERT_EQ(first.first, 200) << first.second;
  for (int i = 0; i < 3; ++i) {
    clock_->advance(3min);
    EXPECT_EQ(begin().first, 409);
    EXPECT_EQ(piece("another").first, 404);
  }
  clock_->advance(1min - 1ns);
  EXPECT_EQ(begin().first, 409);
  clock_->advance(1ns);
  const auto second = begin();
  EXPECT_EQ(second.first, 200) << second.second;
  EXPECT_EQ(piece(id_in(first)).first, 404);
  EXPECT_EQ(piece(id_in(second)).first, 200);
}

TEST_F(BackupDesk, LooksAtACopyNoLongerThanSomebodyWantsToKnow) {
  const auto copy = (folder_ / "copy.db").string();
  ASSERT_EQ(machine::copy_journal(where_, copy, [] { return true; }).index(), 0U);
  std::stop_source stop;
  EXPECT_TRUE(machine::check_journal_copy(copy, stop.get_token()));
  const auto sum = machine::sha256_of_file(copy, stop.get_token());
  ASSERT_TRUE(sum);
  EXPECT_EQ(sum->size(), 64U);
  stop.request_stop();
  EXPECT_FALSE(machine::sha256_of_file(copy, stop.get_token()));
  EXPECT_FALSE(machine::check_journal_copy(copy, stop.get_token()));
}

}  // namespace
}  // namespace greenroom::actors
