// Damaged rows of the journal: no wrong output, and unsafe tasks do not run again.
#include "runtime/machine/journal/journal_mark.hpp"
#include "runtime/machine/journal/journal_rescue.hpp"
#include "runtime/machine/journal/sqlite.hpp"
#include "tests/machine/journal_accidents.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <filesystem>
#include <random>
#include <string>
#include <vector>

namespace greenroom::machine::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

accept_record unsafe_task(std::uint64_t number) {
  auto task = accepted(number);
  task.effects = protocols::side_effects::unsafe;
  return task;
}

TEST(JournalDamage, OfOneRowNeverGivesAWrongOutput) {
  const scratch_directory directory;
  { commit(*open_journal(directory.file()), {accepted(1), accepted(2), ended(1), ended(2)}); }
  {
    sqlite_connection hand{directory.file(), sqlite_connection::mode::read_write};
    hand.run("UPDATE \"end\" SET output = replace(output, '1', '3') WHERE row = 1");
  }
  std::vector<journal_damage> damages;
  const auto journal = open_journal(directory.file(), damages);
  const auto reader = value_of(journal_reader::open(
      {directory.file(), false, {}, [&](const journal_damage& one) { damages.push_back(one); }}));
  const auto wrong = value_of(reader->find(id_of(1)));
  ASSERT_TRUE(wrong && wrong->damaged);
  EXPECT_EQ(wrong->state, protocols::task_state::unknown);
  EXPECT_THAT(wrong->ended->output, HasSubstr("damaged"));
  EXPECT_EQ(damages.size(), 2u);  // At the start, and when it is read.
  EXPECT_EQ(value_of(reader->find(id_of(2)))->ended->output, ended(2).output);
}

TEST(JournalDamage, OfAnAcceptedTaskIsNotRunAndEndsUnknown) {
  const scratch_directory directory;
  { commit(*open_journal(directory.file()), {accepted(1), accepted(2)}); }
  {
    sqlite_connection hand{directory.file(), sqlite_connection::mode::read_write};
    hand.run("UPDATE task SET input = '{\"rm\":1}' WHERE row = 1");
  }
  std::vector<journal_damage> damages;
  auto journal = open_journal(directory.file(), damages);
  EXPECT_THAT(numbers_of(value_of(journal->unfinished())), ElementsAre(2));
  EXPECT_EQ(damages.size(), 2u);  // At the start, and when it is read.
  EXPECT_EQ(value_of(open_reader(directory.file())->find(id_of(1)))->state,
            protocols::task_state::unknown);
}

TEST(JournalDamage, LeavesUnsafeTasksUnknownWhenWhatBecameOfThemIsLost) {
  const scratch_directory directory;
  die_after([&] {
    auto* journal = open_journal(directory.file()).release();
    auto unsafe = accepted(1);
    unsafe.effects = protocols::side_effects::unsafe;
    commit(*journal, {unsafe});
    for (std::uint64_t i = 2; i < 40; ++i) commit(*journal, {accepted(i)});
  });
  const auto log_path = directory.file("journal.db-wal");
  auto bytes = bytes_of(log_path);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_bytes(log_path, bytes);
  std::vector<journal_damage> damages;
  const auto journal = open_journal(directory.file(), damages);
  ASSERT_EQ(damages.size(), 1u);
  const auto found = value_of(open_reader(directory.file())->find(id_of(1)));
  if (found) {
    EXPECT_EQ(found->state, protocols::task_state::unknown);
  }
}

TEST(JournalDamage, LeavesUnsafeTasksUnknownWhenTheLogOfTheirStartsIsGone) {
  for (const bool replaced : {false, true}) {
    const scratch_directory directory;
    die_after([&] {
      auto* journal = open_journal(directory.file()).release();
      commit(*journal, {unsafe_task(1), accepted(2)});
      {
        sqlite_connection other{directory.file(), sqlite_connection::mode::read_write};
        other.keep_log_when_closed();
        other.run("PRAGMA wal_checkpoint(PASSIVE)");
      }
      // From here on all is in the log alone, and the counts of tasks and ends do not change.
      commit(*journal, {start_record{id_of(1), 1}});
    });
    std::filesystem::remove(directory.file("journal.db-wal"));
    if (replaced) {
      live_and_die(directory.file("other.db"), 30, 500);
      std::filesystem::copy_file(directory.file("other.db-wal"), directory.file("journal.db-wal"));
    }
    const auto journal = open_journal(directory.file());
    EXPECT_THAT(numbers_of(value_of(journal->unfinished())), ElementsAre(2)) << replaced;
    EXPECT_EQ(value_of(open_reader(directory.file())->find(id_of(1)))->state,
              protocols::task_state::unknown);
  }
}

TEST(JournalDamage, IsDoubtedUntilAStartHasEndedWhatIsUnsafe) {
  const scratch_directory directory;
  die_after([&] {
    auto* journal = open_journal(directory.file()).release();
    commit(*journal, {unsafe_task(1), accepted(2)});
  });
  // A node that found damage, saved what it could and was killed before it doubted anything.
  const auto saved = rescue_journal(directory.file(), journal_mark_file::read(directory.file()),
                                    "the file is damaged");
  EXPECT_EQ(saved.saved_tasks, 2U);
  std::vector<journal_damage> damages;
  auto journal = open_journal(directory.file(), damages);
  EXPECT_THAT(numbers_of(value_of(journal->unfinished())), ElementsAre(2));
  // Once it has been said, it is over.
  commit(*journal, {unsafe_task(3)});
  journal.reset();
  EXPECT_THAT(numbers_of(value_of(open_journal(directory.file())->unfinished())),
              ElementsAre(2, 3));
}

TEST(JournalDamage, ThatARunningNodeHasMendedIsDoubtedByTheNextOne) {
  const scratch_directory directory;
  die_after([&] {
    auto* journal = open_journal(directory.file()).release();
    commit(*journal, {unsafe_task(1), accepted(2)});
    commit(*journal, {start_record{id_of(1), 1}});
    const auto log_path = directory.file("journal.db-wal");
    std::filesystem::resize_file(log_path, std::filesystem::file_size(log_path) - 4096);
    if (!error_of(journal->look_after()).empty()) ::_exit(3);
    commit(*journal, {accepted(4)});
  });
  const auto journal = open_journal(directory.file());
  EXPECT_THAT(numbers_of(value_of(journal->unfinished())), ElementsAre(2, 4));
}

TEST(JournalDamage, OfARowsNumberCostsThatRowAndNotTheJournal) {
  const scratch_directory directory;
  { commit(*open_journal(directory.file()), {accepted(1), accepted(2), accepted(3)}); }
  {
    sqlite_connection hand{directory.file(), sqlite_connection::mode::read_write};
    hand.run("UPDATE task SET row = row + (1 << 40) WHERE row = 3");
  }
  std::vector<journal_damage> damages;
  const auto journal = open_journal(directory.file(), damages);
  ASSERT_FALSE(damages.empty());
  EXPECT_THAT(numbers_of(value_of(journal->unfinished())), ElementsAre(1, 2));
}

RC_GTEST_PROP(JournalDamage, WhereverItIsInTheFileNeverGivesAWrongOutput, ()) {
  std::mt19937_64 random{*rc::gen::arbitrary<std::uint64_t>()};
  const scratch_directory directory;
  {
    auto journal = open_journal(directory.file());
    for (std::uint64_t i = 0; i < 60; ++i) commit(*journal, {accepted(i), ended(i)});
  }
  auto bytes = bytes_of(directory.file());
  for (int i = 0; i < 3; ++i) {
    const auto at = random() % bytes.size();
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
  }
  write_bytes(directory.file(), bytes);
  std::vector<journal_damage> damages;
  auto opened = journal::open(
      {directory.file(), false, {}, [&](const journal_damage& one) { damages.push_back(one); }});
  if (!opened) return;  // It says that it is none of ours.
  const auto reader = open_reader(directory.file());
  for (std::uint64_t i = 0; i < 60; ++i) {
    const auto found = reader->find(id_of(i));
    if (!found) continue;
    const auto& task = *found;
    if (!task) {
      RC_ASSERT(!damages.empty());
    } else if (task->state == protocols::task_state::completed) {
      RC_ASSERT(task->ended->output == ended(i).output);
    }
  }
}

}  // namespace
}  // namespace greenroom::machine::testing
