// What a power cut leaves of the mark beside the journal: what was flushed, and no more.
#include "runtime/machine/journal/journal_mark.hpp"
#include "tests/machine/journal_scratch.hpp"

#include <gmock/gmock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <mutex>

namespace greenroom::machine::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct flushed_file {
  std::mutex mutex;
  std::string path;   ///< Empty: none is watched.
  std::string bytes;  ///< As they were when the file was flushed last.
};
flushed_file& watched() {
  static flushed_file one;
  return one;
}

std::string bytes_in(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return std::string{std::istreambuf_iterator<char>{file}, {}};
}

void note_flush(int fd) {
  auto& one = watched();
  const std::lock_guard lock{one.mutex};
  if (one.path.empty()) return;
  char name[4096];
  const auto link = "/proc/self/fd/" + std::to_string(fd);
  const auto length = ::readlink(link.c_str(), name, sizeof name);
  if (length > 0 && one.path == std::string_view{name, static_cast<std::size_t>(length)})
    one.bytes = bytes_in(one.path);
}

}  // namespace
}  // namespace greenroom::machine::testing

/// In the place of the C library's, for the whole test program: it flushes, too.
extern "C" int fdatasync(int fd) {
  greenroom::machine::testing::note_flush(fd);
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

namespace greenroom::machine::testing {
namespace {

/// The journal as a power cut would leave it: its log was flushed, the mark when it was flushed.
void cut_the_power(const scratch_directory& directory) {
  std::filesystem::create_directory(directory.file("after"));
  for (const auto* name : {"journal.db", "journal.db-wal"})
    std::filesystem::copy_file(directory.file(name), directory.file(std::string{"after/"} + name));
  auto& one = watched();
  const std::lock_guard lock{one.mutex};
  std::ofstream{directory.file("after/journal.db-mark"), std::ios::binary} << one.bytes;
  one.path.clear();
}

class PowerCut : public ::testing::Test {
protected:
  void SetUp() override {
    const std::lock_guard lock{watched().mutex};
    watched().path = std::filesystem::canonical(directory.file("")).string() + "/journal.db-mark";
    watched().bytes.clear();
  }
  void TearDown() override {
    const std::lock_guard lock{watched().mutex};
    watched().path.clear();
  }
  const scratch_directory directory;
  std::vector<journal_damage> damages;
};

TEST_F(PowerCut, LeavesAMarkThatKnowsTheLogOfThisLife) {
  { commit(*open_journal(directory.file()), {accepted(1)}); }  // It ends in order.
  auto journal = value_of(journal::open({directory.file(), true}));
  commit(*journal, {accepted(2)});
  cut_the_power(directory);
  const auto later = open_journal(directory.file("after/journal.db"), damages);
  EXPECT_TRUE(damages.empty()) << to_string(damages.front());
  EXPECT_THAT(numbers_of(value_of(later->unfinished())), ElementsAre(1, 2));
}

TEST_F(PowerCut, IsHarmlessAfterAReplacement) {
  auto journal = open_journal(directory.file());
  commit(*journal, {accepted(1)});
  std::filesystem::remove(directory.file());
  commit(*journal, {accepted(2)});  // The file is written anew, and then the log.
  commit(*journal, {accepted(3)});
  cut_the_power(directory);
  const auto later = open_journal(directory.file("after/journal.db"), damages);
  EXPECT_TRUE(damages.empty()) << to_string(damages.front());
  EXPECT_THAT(numbers_of(value_of(later->unfinished())), ElementsAre(1, 2, 3));
}

TEST(JournalMark, MayBeManyRoundsOfTheLogBehind) {
  for (const std::uint32_t rounds : {1U, 7U, 0xffffU, 0x10000U}) {
    const scratch_directory directory;
    {
      auto journal = open_journal(directory.file());
      commit(*journal, {accepted(1)});
      std::filesystem::create_directory(directory.file("after"));
      for (const auto* name : {"journal.db", "journal.db-wal", "journal.db-mark"})
        std::filesystem::copy_file(directory.file(name),
                                   directory.file(std::string{"after/"} + name));
    }
    const auto path = directory.file("after/journal.db");
    auto mark = journal_mark_file::read(path);
    ASSERT_TRUE(mark && mark->frames > 0);
    mark->salt_1 -= rounds;
    mark->salt_2 += 12345;
    mark->tasks = 0;
    journal_mark_file file;
    file.open(path);
    file.write(*mark);
    std::vector<journal_damage> damages;
    const auto journal = open_journal(path, damages);
    if (rounds <= 0xffff) {
      EXPECT_TRUE(damages.empty()) << rounds << ": " << to_string(damages.front());
      EXPECT_EQ(value_of(journal->unfinished()).size(), 1U);
    } else {
      ASSERT_FALSE(damages.empty());
      EXPECT_THAT(damages[0].what, HasSubstr("belongs to another file"));
    }
  }
}

}  // namespace
}  // namespace greenroom::machine::testing
