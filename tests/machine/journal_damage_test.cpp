// Files that disappear, are damaged or belong to somebody else: noticed, set aside, said, and saved
// as far as it can be. What is only torn by a crash is none of that.
#include "runtime/machine/journal/durable_files.hpp"
#include "runtime/machine/journal/journal_lock.hpp"
#include "runtime/machine/journal/journal_mark.hpp"
#include "runtime/machine/journal/journal_openings.hpp"
#include "runtime/machine/journal/journal_place.hpp"
#include "runtime/machine/journal/journal_replacement.hpp"
#include "runtime/machine/journal/journal_rescue.hpp"
#include "runtime/machine/journal/node_identity.hpp"
#include "runtime/machine/journal/request_hash.hpp"
#include "runtime/machine/journal/sqlite.hpp"
#include "runtime/machine/journal/wal_parser.hpp"
#include "tests/machine/journal_scratch.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <thread>

namespace greenroom::machine::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Runs `work` in a process that then dies without closing anything.
void die_after(const std::function<void()>& work) {
  const auto child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    work();
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
}

/// A life that accepts `count` tasks, ends every second one, and dies.
void live_and_die(const std::string& path, std::uint64_t count, std::uint64_t first = 0) {
  die_after([&] {
    // Not closed: the process ends before.
    auto* journal = open_journal(path).release();
    for (auto i = first; i < first + count; ++i) {
      commit(*journal, {accepted(i)});
      if (i % 2 == 0) commit(*journal, {ended(i)});
    }
  });
}

std::string bytes_of(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return std::string{std::istreambuf_iterator<char>{file}, {}};
}

void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream{path, std::ios::binary | std::ios::trunc} << bytes;
}

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

accept_record unsafe_task(std::uint64_t number) {
  auto task = accepted(number);
  task.effects = protocols::side_effects::unsafe;
  return task;
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

/// What the journal says, for comparisons.
std::string said_by(const std::string& path) {
  std::string text;
  const auto reader = open_reader(path);
  for (std::uint64_t i = 0; i < 60; ++i) {
    const auto found = value_of(reader->find(id_of(i)));
    text += !found                     ? "-"
            : found->ended.has_value() ? "e" + found->ended->output
                                       : "a" + found->accepted.input;
  }
  return text;
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
    sound = said_by(directory.file());
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
    if (damages.empty()) RC_ASSERT(said_by(directory.file()) == sound);
  }
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
  if (opened.index() == 1) return;  // It says that it is none of ours.
  const auto reader = open_reader(directory.file());
  for (std::uint64_t i = 0; i < 60; ++i) {
    const auto found = reader->find(id_of(i));
    if (found.index() == 1) continue;
    const auto& task = std::get<0>(found);
    if (!task) {
      RC_ASSERT(!damages.empty());
    } else if (task->state == protocols::task_state::completed) {
      RC_ASSERT(task->ended->output == ended(i).output);
    }
  }
}

TEST(JournalCopy, HasEverythingThatWasCommittedBefore) {
  const scratch_directory directory;
  auto journal = open_journal(directory.file());
  for (std::uint64_t i = 0; i < 50; ++i) commit(*journal, {accepted(i)});
  static_cast<void>(
      value_of(copy_journal({directory.file(), false}, directory.file("copy.db"), {})));
  commit(*journal, {accepted(99)});
  std::vector<journal_damage> damages;
  EXPECT_EQ(value_of(open_journal(directory.file("copy.db"), damages)->unfinished()).size(), 50u);
  EXPECT_TRUE(damages.empty());
}

TEST(JournalCopy, GivesWayToWhoMendsTheFiles) {
  const scratch_directory directory;
  auto journal = open_journal(directory.file());
  // More than two pieces of the copy.
  auto large = accepted(1);
  large.input = std::string(std::size_t{4} << 20, 'i');
  commit(*journal, {large});
  const auto others = journal_openings::of(directory.file());
  std::thread mends;
  const auto copied = copy_journal({directory.file(), false}, directory.file("copy.db"), [&] {
    if (!mends.joinable()) mends = std::thread{[&] { static_cast<void>(others->clear()); }};
    while (!others->wanted()) std::this_thread::yield();
    return true;
  });
  EXPECT_NE(error_of(copied), "");
  ASSERT_TRUE(mends.joinable());
  mends.join();
}

TEST(NodeIdentity, IsKeptAndACopyOfTheDirectoryIsSomebodyElse) {
  const scratch_directory directory;
  const auto home = directory.file("home");
  const auto copy = directory.file("copy");
  std::filesystem::create_directory(home);
  const std::string journal(32, 'a');
  const auto first = *take_node_identity(home, read_node_identity(home), journal);
  EXPECT_EQ(first.node.size(), 32u);
  const auto again = *take_node_identity(home, read_node_identity(home), journal);
  EXPECT_EQ(again.node, first.node);
  std::filesystem::copy(home, copy, std::filesystem::copy_options::recursive);
  const auto other = *take_node_identity(copy, read_node_identity(copy), journal);
  EXPECT_NE(other.node, first.node);
  EXPECT_EQ(other.copied_from, std::filesystem::weakly_canonical(home).string());
  std::filesystem::rename(home, directory.file("moved"));
  const auto moved = *take_node_identity(directory.file("moved"),
                                         read_node_identity(directory.file("moved")), journal);
  EXPECT_EQ(moved.node, first.node);
  EXPECT_EQ(moved.copied_from, "");
}

TEST(RequestHash, IsSipHashOfTheReference) {
  // The reference's vector for the key 00…0f and the input 00…0e (Aumasson and Bernstein, 2012):
  // the first eight bytes are the address here.
  const std::pair<std::uint64_t, std::uint64_t> key{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
  std::string rest;
  for (char c = 8; c < 15; ++c) rest += c;
  EXPECT_EQ(request_hash(key, 0x0706050403020100ULL, rest), 0xa129ca6149be45e5ULL);
}

}  // namespace
}  // namespace greenroom::machine::testing
