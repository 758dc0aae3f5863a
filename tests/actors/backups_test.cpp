// Backups: what is removed and when, and that a stop does not wait for a backup.
#include "actors/node/backups.hpp"

#include "actors/supervision/node_state.hpp"
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

class Backups : public testing::Test {
protected:
  using answer = base::expected<std::string, backup_problem>;

  void SetUp() override {
    folder_ = fs::temp_directory_path()
              / ("backups-test-" + std::to_string(::getpid()) + "-"
                 + testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
    where_.path = (folder_ / "journal.db").string();
    where_.fsync = false;
    auto opened = machine::journal::open(where_);
    ASSERT_TRUE(opened);
    journal_ = *std::move(opened);
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
    backups_.reset();
    journal_.reset();
    fs::remove_all(folder_);
  }
  void open() {
    backups_ = std::make_unique<backups>(
        backup_parts{node_->clock, node_->catalogs, node_->events, node_->forecast, node_->seed},
        backups::settings{folder_.string(), where_, "node", "1"});
  }
  template <class Ask>
  answer answer_of(Ask ask) {
    std::promise<answer> promise;
    auto result = promise.get_future();
    ask([&](answer given) { promise.set_value(std::move(given)); });
    return result.get();
  }
  answer begin() {
    return answer_of([this](auto done) { backups_->create(std::move(done)); });
  }
  answer piece(const std::string& id) {
    return answer_of([&](auto done) { backups_->read_chunk(id, 0, 0, std::move(done)); });
  }
  static std::string id_in(const answer& made) {
    return nlohmann::json::parse(*made).at("id").get<std::string>();
  }
  static void expect_refused(const answer& given, backup_problem::kind why) {
    ASSERT_FALSE(given);
    EXPECT_EQ(given.error().why, why) << given.error().text;
  }
  static constexpr auto under_way = backup_problem::kind::under_way;
  static constexpr auto no_such_backup = backup_problem::kind::no_such_backup;

  fs::path folder_;
  machine::journal_options where_;
  std::unique_ptr<machine::journal> journal_;
  std::shared_ptr<hand_clock> clock_ = std::make_shared<hand_clock>();
  std::unique_ptr<node_state> node_;
  std::unique_ptr<backups> backups_;
};

TEST_F(Backups, RemovesWhatAnEarlierRunLeftAndNothingElse) {
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

TEST_F(Backups, RefusesASecondOneWhileTheFirstIsFetched) {
  open();
  const auto first = begin();
  ASSERT_TRUE(first) << first.error().text;
  clock_->advance(9min);
  EXPECT_TRUE(piece(id_in(first)));
  clock_->advance(9min);
  expect_refused(begin(), under_way);
  EXPECT_TRUE(piece(id_in(first)));
}

TEST_F(Backups, NamesTheBackupThatIsInTheWayAndItsLongestTime) {
  open();
  const auto first = begin();
  ASSERT_TRUE(first) << first.error().text;
  clock_->advance(9min);
  const auto second = begin();
  expect_refused(second, under_way);
  EXPECT_NE(second.error().text.find(id_in(first)), std::string::npos) << second.error().text;
  EXPECT_EQ(second.error().retry_after, 60s);
}

TEST_F(Backups, MakesAnotherOneWhenTheFirstWasAbandoned) {
  open();
  const auto first = begin();
  ASSERT_TRUE(first) << first.error().text;
  for (int i = 0; i < 3; ++i) {
    clock_->advance(3min);
    expect_refused(begin(), under_way);
    expect_refused(piece("another"), no_such_backup);
  }
  clock_->advance(1min - 1ns);
  expect_refused(begin(), under_way);
  clock_->advance(1ns);
  const auto second = begin();
  ASSERT_TRUE(second) << second.error().text;
  expect_refused(piece(id_in(first)), no_such_backup);
  EXPECT_TRUE(piece(id_in(second)));
}

TEST_F(Backups, StopsTheCheckOfACopyOnRequest) {
  const auto copy = (folder_ / "copy.db").string();
  ASSERT_TRUE(machine::copy_journal(where_, copy, [] { return true; }));
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
