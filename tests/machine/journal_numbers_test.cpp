// Numbers that no Greenroom wrote stand in a journal: what is read is a value all the same.
#include "tests/machine/journal_scratch.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <array>
#include <string>

namespace greenroom::machine::testing {
namespace {

void run_sql(const std::string& file, const std::string& sql) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &db), SQLITE_OK);
  char* why = nullptr;
  EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &why), SQLITE_OK)
      << sql << ": " << (why != nullptr ? why : "");
  sqlite3_free(why);
  sqlite3_close(db);
}

bool is_whole(const stored_task& task) {
  const auto& in = task.accepted;
  bool good = static_cast<int>(in.urgency) <= 2 && static_cast<int>(in.effects) <= 2
              && in.accepted_unix_ms >= 0 && in.deadline_unix_ms >= in.accepted_unix_ms
              && in.deadline_unix_ms - in.accepted_unix_ms < std::int64_t{1} << 50U;
  if (task.ended) {
    const auto& end = *task.ended;
    good = good && end.state >= protocols::task_state::completed
           && end.state <= protocols::task_state::unknown
           && end.why <= protocols::failure::unknown_end && static_cast<int>(end.pool) <= 1
           && end.ended_unix_ms >= 0 && end.total_ms >= 0 && end.total_ms < 1e15;
  }
  return good;
}

constexpr std::array odd_numbers{"-1",
                                 "3",
                                 "255",
                                 "256",
                                 "65536",
                                 "4294967296",
                                 "-9223372036854775808",
                                 "9223372036854775807",
                                 "'text'",
                                 "1e300",
                                 "x'ff'"};

TEST(JournalNumbers, AreCheckedBeforeTheyBecomeEnumerationsAndTimes) {
  for (const auto* odd : odd_numbers) {
    const scratch_directory directory;
    {
      const auto writer = open_journal(directory.file());
      commit(*writer, {accepted(1), accepted(2), ended(2), accepted(3), start_record{id_of(3), 1}});
    }
    const std::string value{odd};
    for (const auto* column : {"urgency", "effects", "accepted_ms", "deadline_ms", "request_hash"})
      run_sql(directory.file(), std::string{"UPDATE task SET "} + column + " = " + value);
    for (const auto* column : {"state", "why", "cold_start", "attempts", "pool", "ended_ms",
                               "queue_us", "start_us", "run_us", "total_us"})
      run_sql(directory.file(), std::string{"UPDATE \"end\" SET "} + column + " = " + value);
    run_sql(directory.file(), "UPDATE start SET attempts = " + value);
    const auto writer = open_journal(directory.file());
    for (const auto& one : value_of(writer->unfinished())) {
      EXPECT_TRUE(is_whole(one)) << odd;
      EXPECT_EQ(one.state == protocols::task_state::running, one.accepted.id == id_of(3)) << odd;
    }
    const auto page = value_of(open_reader(directory.file())->list({}));
    EXPECT_EQ(page.items.size(), 3U) << odd;
    for (const auto& one : page.items) EXPECT_TRUE(is_whole(one)) << odd;
  }
}

TEST(JournalNumbers, OfFormatsThatCannotBeAreRefused) {
  const scratch_directory directory;
  { open_journal(directory.file()); }
  run_sql(directory.file(), "PRAGMA user_version = -3");
  EXPECT_NE(error_of(journal::open({directory.file(), false})).find("damaged"), std::string::npos);
}

TEST(JournalNumbers, OfRowsMayBeTheGreatest) {
  const scratch_directory directory;
  { commit(*open_journal(directory.file()), {accepted(1), ended(1)}); }
  run_sql(
      directory.file(),
      "UPDATE task SET row = 9223372036854775807; UPDATE \"end\" SET row = 9223372036854775807");
  const auto writer = journal::open({directory.file(), false});
  const auto reader = open_reader(directory.file());
  // Whether such a page has the task or not, nothing overflows.
  EXPECT_LE(value_of(reader->list({})).items.size(), 1U);
}

}  // namespace
}  // namespace greenroom::machine::testing
