// Files of the journal that disappear or belong to another node: noticed, set aside and reported.
#include "runtime/machine/journal/durable_files.hpp"
#include "runtime/machine/journal/journal_copy.hpp"
#include "runtime/machine/journal/journal_mark.hpp"
#include "runtime/machine/journal/journal_replacement.hpp"
#include "tests/machine/journal_accidents.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace greenroom::machine::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// The mark of a node that was killed before it renamed the journal's replacement.
void mark_as_replaced(const std::string& path, std::uint64_t inode) {
  auto mark = journal_mark_file::read(path).value();
  mark.at = journal_mark::stage::opening;
  mark.frames = 0;
  mark.tasks = mark.ends = mark.last_row = 0;
  mark.replaced_by = inode;
  journal_mark_file file;
  file.open(path);
  file.write(mark);
}

TEST(JournalDamage, IsALogThatBelongsToAnotherFile) {
  const scratch_directory directory;
  live_and_die(directory.file("other.db"), 30, 500);
  { commit(*open_journal(directory.file()), {accepted(1), accepted(2)}); }
  std::filesystem::remove(directory.file("journal.db-wal"));
  std::filesystem::copy_file(directory.file("other.db-wal"), directory.file("journal.db-wal"));
  std::vector<journal_damage> damages;
  const auto journal = open_journal(directory.file(), damages);
  ASSERT_EQ(damages.size(), 1u);
  EXPECT_THAT(damages[0].what, HasSubstr("belongs to another file"));
  EXPECT_THAT(numbers_of(value_of(journal->unfinished())), ElementsAre(1, 2));
}

TEST(JournalDamage, IsAFileThatWasRemovedBeforeTheStart) {
  const scratch_directory directory;
  { commit(*open_journal(directory.file()), {accepted(1), accepted(2)}); }
  std::filesystem::remove(directory.file());
  std::vector<journal_damage> damages;
  const auto journal = open_journal(directory.file(), damages);
  ASSERT_EQ(damages.size(), 1u);
  EXPECT_THAT(damages[0].what, HasSubstr("is missing"));
  EXPECT_EQ(damages[0].lost_tasks, 2u);
  commit(*journal, {accepted(3)});
}

TEST(JournalDamage, OfAMissingFileIsUndoneByItsLog) {
  const scratch_directory directory;
  live_and_die(directory.file(), 10);
  std::filesystem::remove(directory.file());
  std::vector<journal_damage> damages;
  const auto journal = open_journal(directory.file(), damages);
  ASSERT_EQ(damages.size(), 1u);
  // Nothing had been copied into the file yet but its tables.
  EXPECT_EQ(damages[0].lost_tasks, 0u) << to_string(damages[0]);
  EXPECT_EQ(value_of(journal->unfinished()).size(), 5u);
}

TEST(JournalDamage, IsTheJournalOfAnotherNode) {
  const scratch_directory directory;
  { commit(*open_journal(directory.file()), {accepted(1)}); }
  { commit(*open_journal(directory.file("other.db")), {accepted(7)}); }
  std::filesystem::rename(directory.file("other.db"), directory.file());
  std::vector<journal_damage> damages;
  const auto journal = open_journal(directory.file(), damages);
  ASSERT_EQ(damages.size(), 1u);
  EXPECT_THAT(damages[0].what, HasSubstr("another node"));
  EXPECT_TRUE(std::filesystem::exists(damages[0].set_aside));
  EXPECT_TRUE(value_of(journal->unfinished()).empty()) << "another node's tasks must not run here";
}

TEST(JournalDamage, WhileItIsOpenIsMendedBeforeAnythingIsAcknowledged) {
  for (const auto* what : {"journal.db-wal", "journal.db-shm", "journal.db"}) {
    const scratch_directory directory;
    std::vector<journal_damage> damages;
    die_after([&] {
      auto* journal = open_journal(directory.file(), damages).release();
      const auto reader = open_reader(directory.file()).release();
      commit(*journal, {accepted(1)});
      std::filesystem::remove(directory.file(what));
      commit(*journal, {accepted(2), ended(1)});
      if (damages.size() != 1) ::_exit(3);
      if (!value_of(reader->find(id_of(2)))) ::_exit(4);
      commit(*journal, {accepted(3)});
    });
    std::vector<journal_damage> later;
    const auto journal = open_journal(directory.file(), later);
    EXPECT_TRUE(later.empty()) << what << ": " << to_string(later.front());
    EXPECT_THAT(numbers_of(value_of(journal->unfinished())), ElementsAre(2, 3)) << what;
  }
}

TEST(JournalDamage, OfADirectoryThatIsRenamedIsRefusedUntilItIsBack) {
  const scratch_directory directory;
  std::filesystem::create_directory(directory.file("data"));
  auto journal = open_journal(directory.file("data/journal.db"));
  commit(*journal, {accepted(1)});
  std::filesystem::rename(directory.file("data"), directory.file("elsewhere"));
  EXPECT_THAT(error_of(journal->commit(std::vector<record>{accepted(2)})),
              HasSubstr("put it back"));
  EXPECT_NE(error_of(journal->look_after()), "");
  std::filesystem::rename(directory.file("elsewhere"), directory.file("data"));
  EXPECT_EQ(error_of(journal->look_after()), "");
  commit(*journal, {accepted(3)});
}

TEST(JournalDamage, OfADirectoryThatIsRemovedIsWrittenAnew) {
  const scratch_directory directory;
  std::filesystem::create_directory(directory.file("data"));
  auto journal = open_journal(directory.file("data/journal.db"));
  commit(*journal, {accepted(1)});
  std::filesystem::remove_all(directory.file("data"));
  commit(*journal, {accepted(2)});
  journal.reset();
  EXPECT_THAT(numbers_of(value_of(open_journal(directory.file("data/journal.db"))->unfinished())),
              ElementsAre(1, 2));
}

TEST(JournalDamage, IsFinishedWhereAKilledNodeWasReplacingTheFile) {
  const scratch_directory directory;
  live_and_die(directory.file(), 10);
  const auto fresh = replacement_of(directory.file());
  static_cast<void>(value_of(copy_journal({directory.file(), false}, fresh, {})));
  mark_as_replaced(directory.file(), number_of_file(fresh)->inode);
  // What is there without the replacement is sound, and less than was acknowledged.
  std::filesystem::resize_file(directory.file("journal.db-wal"), 20'000);
  std::vector<journal_damage> damages;
  const auto journal = open_journal(directory.file(), damages);
  EXPECT_EQ(value_of(journal->unfinished()).size(), 5U);
  ASSERT_FALSE(damages.empty());
  EXPECT_THAT(damages[0].what, HasSubstr("was being replaced"));
  EXPECT_TRUE(std::filesystem::exists(damages[0].set_aside)) << "the old file has another name";
  EXPECT_FALSE(std::filesystem::exists(fresh));
}

TEST(JournalDamage, IsSavedAgainWhereNothingIsLeftOfTheReplacement) {
  const scratch_directory directory;
  live_and_die(directory.file(), 10);
  mark_as_replaced(directory.file(), 1);
  std::filesystem::resize_file(directory.file("journal.db-wal"), 20'000);
  std::vector<journal_damage> damages;
  static_cast<void>(open_journal(directory.file(), damages));
  ASSERT_EQ(damages.size(), 1U);
  EXPECT_THAT(damages[0].what, HasSubstr("was being replaced"));
}

}  // namespace
}  // namespace greenroom::machine::testing
