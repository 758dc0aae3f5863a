// A damaged or missing write-ahead log: noticed, reported, and saved as far as possible. A log that
// a crash has only torn is not damaged.
#include "runtime/machine/journal/journal_lock.hpp"
#include "runtime/machine/journal/journal_place.hpp"
#include "runtime/machine/journal/sqlite.hpp"
#include "tests/machine/journal_accidents.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

namespace greenroom::machine::testing {
namespace {

using ::testing::HasSubstr;

TEST(JournalDamage, IsNoneAfterACleanEndAndTheFileAloneHasEverything) {
  const scratch_directory directory;
  {
    auto journal = open_journal(directory.file());
    const auto reader = open_reader(directory.file());
    for (std::uint64_t i = 0; i < 20; ++i) commit(*journal, {accepted(i)});
    static_cast<void>(value_of(reader->count()));
    journal.reset();  // While the reader is there, as in a node.
  }
  std::error_code none;
  const auto log = std::filesystem::file_size(directory.file("journal.db-wal"), none);
  EXPECT_TRUE(none || log == 0) << log;
  std::filesystem::create_directory(directory.file("copy"));
  std::filesystem::copy_file(directory.file(), directory.file("copy/journal.db"));
  EXPECT_EQ(value_of(open_journal(directory.file("copy/journal.db"))->unfinished()).size(), 20u);
  std::vector<journal_damage> damages;
  static_cast<void>(open_journal(directory.file(), damages));
  EXPECT_TRUE(damages.empty());
}

TEST(JournalDamage, IsNoneAfterKillsAndNothingIsLost) {
  const scratch_directory directory;
  for (std::uint64_t life = 0; life < 3; ++life) live_and_die(directory.file(), 20, life * 100);
  std::vector<journal_damage> damages;
  const auto journal = open_journal(directory.file(), damages);
  EXPECT_TRUE(damages.empty()) << to_string(damages.front());
  EXPECT_EQ(value_of(journal->unfinished()).size(), 30u);
}

TEST(JournalDamage, IsNoneWhenTheLastTransactionIsTorn) {
  const scratch_directory directory;
  live_and_die(directory.file(), 20);
  const auto log_path = directory.file("journal.db-wal");
  auto bytes = bytes_of(log_path);
  // Half a frame more, as a power cut leaves it: it was never acknowledged.
  write_bytes(log_path, bytes + bytes.substr(32, 2000));
  std::vector<journal_damage> damages;
  const auto journal = open_journal(directory.file(), damages);
  EXPECT_TRUE(damages.empty()) << to_string(damages.front());
  EXPECT_EQ(value_of(journal->unfinished()).size(), 10u);
}

TEST(JournalDamage, OfALogIsSaidAndWhatIsBehindItIsSaved) {
  const scratch_directory directory;
  live_and_die(directory.file(), 100);
  const auto log_path = directory.file("journal.db-wal");
  auto bytes = bytes_of(log_path);
  bytes[5000] = static_cast<char>(bytes[5000] ^ 0x10);
  write_bytes(log_path, bytes);
  std::vector<journal_damage> damages;
  const auto journal = open_journal(directory.file(), damages);
  ASSERT_EQ(damages.size(), 1u);
  EXPECT_THAT(damages[0].what, HasSubstr("damaged"));
  EXPECT_TRUE(std::filesystem::exists(damages[0].set_aside + "-wal"));
  EXPECT_TRUE(damages[0].counted);
  EXPECT_EQ(damages[0].saved_tasks + damages[0].lost_tasks, 100u) << to_string(damages[0]);
  EXPECT_GT(damages[0].saved_tasks, 90u)
      << "one page of hundreds was damaged: " << to_string(damages[0]);
}

TEST(JournalDamage, IsALogThatIsMissingAfterACrash) {
  const scratch_directory directory;
  live_and_die(directory.file(), 10);
  std::filesystem::remove(directory.file("journal.db-wal"));
  std::vector<journal_damage> damages;
  const auto journal = open_journal(directory.file(), damages);
  ASSERT_EQ(damages.size(), 1u);
  EXPECT_TRUE(damages[0].counted);
  EXPECT_EQ(damages[0].lost_tasks + damages[0].saved_tasks, 10u) << to_string(damages[0]);
}

TEST(JournalDamage, IsNoneWhenAnotherProgramHasCopiedTheLogIntoTheFile) {
  const scratch_directory directory;
  live_and_die(directory.file(), 10);
  {
    // As a person's sqlite3 shell does when it closes.
    sqlite_connection shell{directory.file(), sqlite_connection::mode::read_write};
    EXPECT_EQ(shell.number("SELECT count(*) FROM task"), 10);
  }
  std::vector<journal_damage> damages;
  const auto journal = open_journal(directory.file(), damages);
  EXPECT_TRUE(damages.empty()) << to_string(damages.front());
  EXPECT_EQ(value_of(journal->unfinished()).size(), 5u);
}

TEST(JournalDamage, IsNoneWhenAnotherProgramEmptiesTheLogOfARunningNode) {
  const scratch_directory directory;
  std::vector<journal_damage> damages;
  auto journal = open_journal(directory.file(), damages);
  for (std::uint64_t i = 0; i < 10; ++i) commit(*journal, {accepted(i)});
  {
    sqlite_connection shell{directory.file(), sqlite_connection::mode::read_write};
    shell.run("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  EXPECT_EQ(error_of(journal->look_after()), "");
  commit(*journal, {accepted(10)});
  EXPECT_TRUE(damages.empty()) << to_string(damages.front());
  EXPECT_EQ(value_of(journal->unfinished()).size(), 11u);
}

TEST(JournalDamage, OfALogThatIsCutShortWhileItIsOpenIsSaid) {
  const scratch_directory directory;
  std::vector<journal_damage> damages;
  auto journal = open_journal(directory.file(), damages);
  for (std::uint64_t i = 0; i < 20; ++i) commit(*journal, {accepted(i)});
  const auto log_path = directory.file("journal.db-wal");
  std::filesystem::resize_file(log_path, std::filesystem::file_size(log_path) / 2);
  EXPECT_EQ(error_of(journal->look_after()), "");
  ASSERT_EQ(damages.size(), 1u);
  EXPECT_EQ(damages[0].saved_tasks + damages[0].lost_tasks, 20u) << to_string(damages[0]);
  commit(*journal, {accepted(100)});
}

TEST(JournalDamage, OfALogThatIsCutIsSaidBeforeAnythingIsAcknowledged) {
  const scratch_directory directory;
  {
    std::vector<journal_damage> damages;
    auto journal = open_journal(directory.file(), damages);
    for (std::uint64_t i = 0; i < 5; ++i) commit(*journal, {accepted(i)});
    std::filesystem::resize_file(directory.file("journal.db-wal"), 20'000);
    commit(*journal, {accepted(100)});
    ASSERT_EQ(damages.size(), 1u);
    EXPECT_EQ(damages[0].saved_tasks + damages[0].lost_tasks, 5u) << to_string(damages[0]);
  }
  std::vector<journal_damage> damages;
  const auto journal = open_journal(directory.file(), damages);
  EXPECT_TRUE(damages.empty()) << to_string(damages.front());
  const auto open = value_of(journal->unfinished());
  EXPECT_TRUE(std::ranges::any_of(
      open, [](const stored_task& one) { return one.accepted.id == accepted(100).id; }));
}

TEST(JournalPlace, SeesALogThatIsAsLongAsItWasAndHasAHole) {
  const scratch_directory directory;
  const auto path = directory.file();
  const auto log_path = path + "-wal";
  journal_lock lock;
  ASSERT_TRUE(lock.take(path));
  sqlite_connection db{path, sqlite_connection::mode::read_write};
  db.run("PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0");
  const auto frames = [&] { return (std::filesystem::file_size(log_path) - 32) / (24 + 4096); };
  db.run("CREATE TABLE one (x)");
  journal_place place{path, lock, {}};
  place.committed(frames(), {});
  db.run("INSERT INTO one VALUES (1)");
  place.committed(frames(), {});
  EXPECT_EQ(place.look(), journal_place::trouble::none);
  std::filesystem::resize_file(log_path, std::filesystem::file_size(log_path) - 1);
  db.run("INSERT INTO one VALUES (2)");
  place.committed(frames(), {});
  EXPECT_EQ(place.look(), journal_place::trouble::log_changed);
}

RC_GTEST_PROP(JournalDamage, WhereverItIsInALogIsHarmlessOrSaid, ()) {
  std::mt19937_64 random{*rc::gen::arbitrary<std::uint64_t>()};
  const scratch_directory directory;
  live_and_die(directory.file(), 60);
  const auto log_path = directory.file("journal.db-wal");
  const auto whole = bytes_of(log_path);
  for (const auto* name : {"journal.db", "journal.db-wal", "journal.db-mark"})
    std::filesystem::copy_file(directory.file(name), directory.file(std::string{"sound-"} + name));
  std::string sound;
  {
    std::vector<journal_damage> damages;
    const auto journal = open_journal(directory.file(), damages);
    RC_ASSERT(damages.empty());
    sound = content_of(directory.file());
  }
  for (int round = 0; round < 4; ++round) {
    for (const auto* name : {"journal.db", "journal.db-wal", "journal.db-mark"})
      std::filesystem::copy_file(directory.file(std::string{"sound-"} + name), directory.file(name),
                                 std::filesystem::copy_options::overwrite_existing);
    std::filesystem::remove(directory.file("journal.db-shm"));
    auto bytes = whole;
    const auto at = random() % bytes.size();
    const auto kind = random() % 3;
    if (kind == 0) {
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
    } else if (kind == 1) {
      for (auto i = at; i < std::min(bytes.size(), at + 1 + random() % 4096); ++i)
        bytes[i] = static_cast<char>(random());
    } else {
      bytes.resize(at);
    }
    write_bytes(log_path, bytes);
    std::vector<journal_damage> damages;
    const auto journal = open_journal(directory.file(), damages);
    if (damages.empty()) RC_ASSERT(content_of(directory.file()) == sound);
  }
}

}  // namespace
}  // namespace greenroom::machine::testing
