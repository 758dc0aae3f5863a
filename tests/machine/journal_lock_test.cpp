// What can be wrong with a journal's file, and what is said about it.
#include "runtime/machine/journal/journal_lock.hpp"
#include "runtime/machine/io/thread_urgency.hpp"
#include "runtime/machine/journal/journal_schema.hpp"
#include "tests/machine/journal_scratch.hpp"

#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

namespace greenroom::machine::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

unsigned mode_of(const std::string& path) {
  struct stat seen {};
  return ::stat(path.c_str(), &seen) == 0 ? seen.st_mode & 0777 : 0;
}

TEST(JournalFile, IsMadeWithItsDirectoriesForTheNodeAlone) {
  const scratch_directory directory;
  const auto path = directory.file("a/b/journal.db");
  const auto journal = open_journal(path);
  commit(*journal, {accepted(1)});
  EXPECT_EQ(mode_of(directory.file("a")), 0700u);
  EXPECT_EQ(mode_of(directory.file("a/b")), 0700u);
  EXPECT_EQ(mode_of(path), 0600u);
  EXPECT_EQ(mode_of(path + "-wal"), 0600u);
  EXPECT_EQ(mode_of(path + "-lock"), 0600u);
}

TEST(JournalFile, IsRefusedToASecondNodeWithTheHoldersProcess) {
  const scratch_directory directory;
  auto journal = open_journal(directory.file());
  EXPECT_THAT(
      error_of(journal::open({directory.file(), false})),
      AllOf(HasSubstr("in use by process " + std::to_string(::getpid())), HasSubstr("--data")));
  journal.reset();
  EXPECT_EQ(error_of(journal::open({directory.file(), false})), "");
}

TEST(JournalFile, IsRefusedToAnotherProcessUntilTheHolderDies) {
  const scratch_directory directory;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const auto child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto journal = open_journal(directory.file());
    if (::write(ready[1], "r", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_THAT(error_of(journal::open({directory.file(), false})),
              HasSubstr("process " + std::to_string(child)));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(error_of(journal::open({directory.file(), false})), "");
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(JournalFile, OfANewerVersionIsRefusedAndLeftAlone) {
  const scratch_directory directory;
  commit(*open_journal(directory.file()), {accepted(1)});
  {
    sqlite_connection db{directory.file(), sqlite_connection::mode::read_write};
    db.run("PRAGMA user_version=4");
  }
  for (const auto& wrong : {error_of(journal::open({directory.file(), false})),
                            error_of(journal_reader::open({directory.file(), false}))}) {
    EXPECT_THAT(wrong, AllOf(HasSubstr("newer Greenroom"), HasSubstr("format 4")));
  }
  sqlite_connection db{directory.file(), sqlite_connection::mode::read_write};
  EXPECT_EQ(db.number("PRAGMA user_version"), 4);
}

TEST(JournalFile, OfAnOlderVersionIsMigratedWithAllThatIsInIt) {
  const scratch_directory directory;
  {
    sqlite_connection db{directory.file(), sqlite_connection::mode::read_write};
    prepare_journal_schema(db, 1);
    db.run(
        "INSERT INTO name VALUES (1, 'api-architect'), (2, 'BACKEND');"
        "INSERT INTO epoch VALUES (1, 7);"
        "INSERT INTO task VALUES (1, 1, 41, 1, 2, 1, 1, 100, 200, 5, 'key', '{}');"
        "INSERT INTO task VALUES (2, 1, 42, 1, 2, 1, 1, 101, 201, 6, NULL, '[]');"
        "INSERT INTO \"end\" VALUES (1, 2, 0, 0, 1, 0, 150, 1, 2, 3, 6, 'out');");
  }
  EXPECT_THAT(error_of(journal_reader::open({directory.file(), false})), HasSubstr("format 1"));
  auto journal = open_journal(directory.file());
  EXPECT_THAT(numbers_of(value_of(journal->unfinished())), ElementsAre(42));
  auto fresh = accepted(1);
  fresh.case_id = "a session";
  commit(*journal, {fresh});
  const auto reader = open_reader(directory.file());
  EXPECT_EQ(value_of(reader->find(fresh.id))->accepted.case_id, "a session");
  const auto old = value_of(reader->find({7, 41}));
  ASSERT_TRUE(old && old->ended);
  EXPECT_EQ(old->ended->output, "out");
  EXPECT_EQ(old->accepted.case_id, "");
  EXPECT_EQ(old->accepted.specialist, "api-architect");
}

TEST(JournalFile, ThatIsNoDatabaseIsNamedWithWhatToDo) {
  const scratch_directory directory;
  std::ofstream{directory.file()} << std::string(5000, 'x');
  EXPECT_THAT(
      error_of(journal::open({directory.file(), false})),
      AllOf(HasSubstr(directory.file()), HasSubstr("not a database"), HasSubstr(".recover")));
}

TEST(JournalFile, WithDamagedPagesIsSavedAsFarAsItCanBeAndSaid) {
  const scratch_directory directory;
  {
    auto journal = open_journal(directory.file());
    for (std::uint64_t i = 0; i < 500; ++i) commit(*journal, {accepted(i), ended(i)});
  }
  {
    std::fstream file{directory.file(), std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(4096 * 18);
    file << std::string(4096 * 4, '\x5a');
  }
  std::vector<journal_damage> damages;
  auto journal = open_journal(directory.file(), damages);
  ASSERT_EQ(damages.size(), 1u);
  EXPECT_TRUE(std::filesystem::exists(damages[0].set_aside));
  EXPECT_TRUE(damages[0].counted);
  EXPECT_GT(damages[0].saved_tasks, 200u) << to_string(damages[0]);
  EXPECT_EQ(damages[0].saved_tasks + damages[0].lost_tasks, 500u) << to_string(damages[0]);
  EXPECT_EQ(damages[0].saved_ends + damages[0].lost_ends, 500u) << to_string(damages[0]);
  const auto reader = open_reader(directory.file());
  EXPECT_EQ(value_of(reader->count()).accepted, damages[0].saved_tasks);
  commit(*journal, {accepted(1000)});
}

TEST(JournalFile, ThatIsTakenAwayIsWrittenAnewAndNothingIsLost) {
  const scratch_directory directory;
  std::vector<journal_damage> damages;
  auto journal = open_journal(directory.file(), damages);
  commit(*journal, {accepted(1)});
  std::filesystem::rename(directory.file(), directory.file("away"));
  commit(*journal, {accepted(2)});
  ASSERT_EQ(damages.size(), 1u);
  EXPECT_THAT(damages[0].what, HasSubstr("removed or replaced"));
  std::filesystem::rename(directory.file("away"), directory.file());
  commit(*journal, {accepted(3)});
  EXPECT_EQ(damages.size(), 2u);
  EXPECT_THAT(numbers_of(value_of(journal->unfinished())), ElementsAre(1, 2, 3));
  journal.reset();
  EXPECT_THAT(numbers_of(value_of(open_journal(directory.file())->unfinished())),
              ElementsAre(1, 2, 3));
}

TEST(JournalFile, OfAnotherApplicationIsRefused) {
  const scratch_directory directory;
  {
    sqlite_connection db{directory.file(), sqlite_connection::mode::read_write};
    db.run("CREATE TABLE cookies (taste)");
  }
  EXPECT_THAT(error_of(journal::open({directory.file(), false})),
              HasSubstr("no journal of Greenroom"));
}

TEST(JournalFile, InAPlaceWhereNoDirectoryCanBeIsAnError) {
  const scratch_directory directory;
  std::ofstream{directory.file("file")} << "x";
  EXPECT_THAT(error_of(journal::open({directory.file("file/journal.db"), false})),
              HasSubstr("not a directory"));
}

TEST(JournalFile, OnAFullDiskFailsTheBatchAndGoesOnWhenThereIsSpaceAgain) {
  const scratch_directory directory;
  auto journal = open_journal(directory.file());
  commit(*journal, {accepted(1), accepted(2)});
  const std::vector<record> batch{accepted(3), ended(1), state_record{"s", "v"},
                                  event_record{"kind", 1, "{}"}};
  {
    const full_disk now;
    EXPECT_NE(error_of(journal->commit(batch)), "");
    EXPECT_THAT(numbers_of(value_of(journal->unfinished())), ElementsAre(1, 2))
        << "reading goes on, and nothing of the batch is there";
  }
  EXPECT_EQ(value_of(journal->state("s")), "");
  commit(*journal, batch);
  EXPECT_THAT(numbers_of(value_of(journal->unfinished())), ElementsAre(2, 3));
  journal.reset();
  EXPECT_THAT(numbers_of(value_of(open_journal(directory.file())->unfinished())),
              ElementsAre(2, 3));
}

TEST(JournalFile, OnASmallDiskSaysThatItIsFullAndGoesOnWhenThereIsSpaceAgain) {
  const scratch_directory directory;
  const auto disk = directory.file("disk");
  std::filesystem::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=1m") != 0)
    GTEST_SKIP() << "only root can make a disk as small as this test needs it";
  {
    std::ofstream{disk + "/ballast"} << std::string(300'000, 'x');
    auto journal = open_journal(disk + "/journal.db");
    std::string wrong;
    std::uint64_t kept = 0;
    for (std::uint64_t i = 0; i < 100'000 && wrong.empty(); ++i) {
      const std::vector<record> batch{accepted(i), ended(i)};
      wrong = error_of(journal->commit(batch));
      if (wrong.empty()) ++kept;
    }
    EXPECT_THAT(wrong, AllOf(HasSubstr("full"), HasSubstr("free some space")));
    std::filesystem::remove(disk + "/ballast");
    commit(*journal, {accepted(200'000)});
    EXPECT_EQ(value_of(open_reader(disk + "/journal.db")->count()).ended, kept);
  }
  EXPECT_EQ(::umount(disk.c_str()), 0);
}

TEST(ThreadUrgency, IsNotPassedOnToThreadsThatTheThreadStarts) {
  bool granted = false;
  int own = -1;
  int started = -1;
  std::thread{[&] {
    granted = hurry_this_thread();
    own = ::sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
    std::thread{[&] { started = ::sched_getscheduler(0) & ~SCHED_RESET_ON_FORK; }}.join();
  }}.join();
  EXPECT_EQ(own, granted ? SCHED_RR : SCHED_OTHER);
  EXPECT_EQ(started, SCHED_OTHER);
}

}  // namespace
}  // namespace greenroom::machine::testing
