// Pages of the journal's lists.
#include "runtime/machine/journal/journal.hpp"

#include "tests/machine/journal_scratch.hpp"

#include <gmock/gmock.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace greenroom::machine::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(JournalPages, StayInPlaceWhileTasksAreAdded) {
  const scratch_directory directory;
  auto journal = open_journal(directory.file());
  const auto reader = open_reader(directory.file());
  for (std::uint64_t i = 0; i < 25; ++i) commit(*journal, {accepted(i)});
  std::vector<std::uint64_t> seen;
  task_query query{.limit = 10};
  std::uint64_t more = 100;
  do {
    const auto page = value_of(reader->list(query));
    for (const auto number : numbers_of(page.items)) seen.push_back(number);
    query.cursor = page.next;
    commit(*journal, {accepted(more++), ended(seen.back())});
  } while (!query.cursor.empty());
  ASSERT_EQ(seen.size(), 25u);
  for (std::uint64_t i = 0; i < 25; ++i) EXPECT_EQ(seen[i], 24 - i);
}

TEST(JournalPages, HaveNoNextWhenTheLastTaskIsOnThem) {
  const scratch_directory directory;
  auto journal = open_journal(directory.file());
  const auto reader = open_reader(directory.file());
  EXPECT_EQ(value_of(reader->list({})).next, "");
  commit(*journal, {accepted(1), accepted(2)});
  EXPECT_EQ(value_of(reader->list({.limit = 2})).next, "");
  EXPECT_NE(value_of(reader->list({.limit = 1})).next, "");
}

TEST(JournalPages, FilterByStateAndSpecialist) {
  const scratch_directory directory;
  auto journal = open_journal(directory.file());
  auto failed = ended(4);
  failed.state = protocols::task_state::failed;
  commit(*journal, {accepted(1), accepted(2), accepted(3), accepted(4), accepted(6), ended(1),
                    failed, start_record{id_of(3), 1}});
  const auto reader = open_reader(directory.file());
  const auto with = [&](std::optional<protocols::task_state> state, const char* specialist) {
    return numbers_of(value_of(reader->list({.state = state, .specialist = specialist})).items);
  };
  EXPECT_THAT(with({}, "specialist-0"), ElementsAre(6, 3));
  EXPECT_THAT(with(protocols::task_state::queued, ""), ElementsAre(6, 2));
  EXPECT_THAT(with(protocols::task_state::running, ""), ElementsAre(3));
  EXPECT_THAT(with(protocols::task_state::failed, "specialist-1"), ElementsAre(4));
  EXPECT_THAT(with(protocols::task_state::completed, ""), ElementsAre(1));
  EXPECT_THAT(with(protocols::task_state::completed, "nobody"), IsEmpty());
}

TEST(JournalPages, RefuseACursorThatNoPageGave) {
  const scratch_directory directory;
  auto journal = open_journal(directory.file());
  const auto reader = open_reader(directory.file());
  for (const char* cursor : {"x", "1x", "-1", "99999999999999999999", " 1"})
    EXPECT_THAT(error_of(reader->list({.cursor = cursor})), HasSubstr("cursor")) << cursor;
}

}  // namespace
}  // namespace greenroom::machine::testing
