// Stories of one journal: what it keeps, what it ignores, what it gives back.
#include "runtime/machine/journal/journal.hpp"

#include "tests/machine/journal_scratch.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <limits>
#include <thread>

namespace greenroom::machine::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Journal, LeavesLongOutputsOutOfListsAndEndsAPageAtItsBytes) {
  const scratch_directory directory;
  const auto file = directory.file();
  auto journal = open_journal(file);
  for (std::uint64_t i = 1; i <= 20; ++i) {
    auto in = accepted(i);
    in.input = std::string(100'000, 'i');
    auto out = ended(i);
    out.output = std::string(i == 1 ? 3000 : 1000, 'o');
    if (i == 2) {
      out.state = protocols::task_state::failed;
      out.why = protocols::failure::refused;
      out.output.clear();
      for (int letter = 0; letter < 1500; ++letter) out.output += "é";
    }
    commit(*journal, {in, out});
  }
  const auto reader = open_reader(file);
  task_query query;
  query.output_bytes_max = 2000;
  query.error_bytes_max = 101;
  query.bytes_max = 6000;
  std::vector<stored_task> all;
  int pages = 0;
  do {
    auto page = value_of(reader->list(query));
    ++pages;
    EXPECT_FALSE(page.items.empty());
    EXPECT_LE(page.items.size(), 4U);
    for (auto& one : page.items) all.push_back(std::move(one));
    query.cursor = page.next;
  } while (!query.cursor.empty());
  ASSERT_EQ(all.size(), 20U);
  EXPECT_GE(pages, 5);
  for (const auto& one : all) EXPECT_EQ(one.accepted.input, "");
  EXPECT_EQ(all[0].ended->output, std::string(1000, 'o'));
  EXPECT_FALSE(all[0].output_left_out);
  EXPECT_TRUE(all[19].output_left_out);
  EXPECT_EQ(all[19].output_bytes, 3000U);
  EXPECT_EQ(all[19].ended->output, "");
  // Of an error the beginning is told, in whole letters.
  EXPECT_TRUE(all[18].output_left_out);
  EXPECT_THAT(all[18].ended->output, HasSubstr("é… [truncated, 3000 bytes]"));
}

TEST(Journal, ForgetsAPieceOfStateWhoseValueIsEmpty) {
  const scratch_directory directory;
  auto journal = open_journal(directory.file());
  commit(*journal, {state_record{"rollback.1", "plan"}, state_record{"other", "kept"}});
  EXPECT_EQ(value_of(journal->state("rollback.1")), "plan");
  commit(*journal, {state_record{"rollback.1", ""}});
  EXPECT_EQ(value_of(journal->state("rollback.1")), "");
  EXPECT_EQ(value_of(journal->state("other")), "kept");
}

TEST(Journal, KnowsHowMuchOfItsFileIsUsed) {
  const scratch_directory directory;
  auto journal = open_journal(directory.file());
  const auto empty = value_of(journal->used_bytes());
  for (std::uint64_t i = 1; i <= 50; ++i) {
    auto in = accepted(i);
    in.input = std::string(20'000, 'i');
    commit(*journal, {in, ended(i)});
  }
  const auto full = value_of(journal->used_bytes());
  EXPECT_GE(full, empty + 1'000'000);
  EXPECT_EQ(value_of(journal->prune(std::numeric_limits<std::int64_t>::max(), 1000)), 50U);
  EXPECT_LT(value_of(journal->used_bytes()), empty + 100'000);
}

TEST(Journal, GivesBackEveryFieldOfATaskAndOfItsEnd) {
  const scratch_directory directory;
  auto in = accepted(0xffff'ffff'ffff'fff7);
  in.urgency = protocols::priority::high;
  in.effects = protocols::side_effects::unsafe;
  in.input = std::string("nul \0 and \xff", 12);
  in.case_id = "session 9";
  in.idempotency_key = "key";
  in.request_hash = 0xffff'ffff'ffff'ffff;
  auto out = ended(in.id.number);
  out.state = protocols::task_state::failed;
  out.why = protocols::failure::worker_failed;
  out.cold_start = true;
  out.attempts = 3;
  out.pool = protocols::pool_kind::baseline;
  out.queue_ms = 1.5;
  out.start_ms = 22'000.125;
  out.run_ms = .001;
  out.total_ms = std::numeric_limits<double>::quiet_NaN();
  commit(*open_journal(directory.file()), {in, out});

  const auto found = value_of(open_reader(directory.file())->find(in.id));
  ASSERT_TRUE(found);
  const auto& a = found->accepted;
  EXPECT_EQ(a.id, in.id);
  EXPECT_EQ(a.specialist, in.specialist);
  EXPECT_EQ(a.department, in.department);
  EXPECT_EQ(a.urgency, in.urgency);
  EXPECT_EQ(a.effects, in.effects);
  EXPECT_EQ(a.input, in.input);
  EXPECT_EQ(a.case_id, in.case_id);
  EXPECT_EQ(a.idempotency_key, in.idempotency_key);
  EXPECT_EQ(a.request_hash, in.request_hash);
  EXPECT_EQ(a.accepted_unix_ms, in.accepted_unix_ms);
  EXPECT_EQ(a.deadline_unix_ms, in.deadline_unix_ms);
  EXPECT_EQ(found->state, protocols::task_state::failed);
  EXPECT_EQ(found->attempts, 3u);
  ASSERT_TRUE(found->ended);
  EXPECT_EQ(found->ended->why, out.why);
  EXPECT_EQ(found->ended->output, out.output);
  EXPECT_TRUE(found->ended->cold_start);
  EXPECT_EQ(found->ended->pool, out.pool);
  EXPECT_EQ(found->ended->ended_unix_ms, out.ended_unix_ms);
  EXPECT_DOUBLE_EQ(found->ended->queue_ms, 1.5);
  EXPECT_DOUBLE_EQ(found->ended->start_ms, 22'000.125);
  EXPECT_DOUBLE_EQ(found->ended->run_ms, .001);
  EXPECT_DOUBLE_EQ(found->ended->total_ms, 0) << "what is no number is kept as none";
}

TEST(Journal, HandsOutUnfinishedTasksOldestFirstAfterAReopening) {
  const scratch_directory directory;
  {
    auto journal = open_journal(directory.file());
    commit(*journal, {accepted(3), accepted(1), accepted(2), accepted(9), ended(1)});
    commit(*journal, {start_record{id_of(2), 1}, ended(9)});
  }
  const auto open = value_of(open_journal(directory.file())->unfinished());
  EXPECT_THAT(numbers_of(open), ElementsAre(3, 2));
  EXPECT_EQ(open[0].state, protocols::task_state::queued);
  EXPECT_EQ(open[1].state, protocols::task_state::running);
  EXPECT_EQ(open[1].attempts, 1u);
}

TEST(Journal, IgnoresASecondEndAndAnEndOfNobody) {
  const scratch_directory directory;
  auto journal = open_journal(directory.file());
  auto second = ended(1);
  second.output = "other";
  second.state = protocols::task_state::failed;
  commit(*journal, {accepted(1), ended(1), second, ended(77)});
  commit(*journal, {second, start_record{id_of(1), 5}});
  const auto reader = open_reader(directory.file());
  const auto found = value_of(reader->find(id_of(1)));
  ASSERT_TRUE(found && found->ended);
  EXPECT_EQ(found->ended->output, ended(1).output);
  EXPECT_EQ(found->state, protocols::task_state::completed);
  EXPECT_FALSE(value_of(reader->find(id_of(77))));
  EXPECT_FALSE(value_of(reader->find({1, 1}))) << "an epoch that was never seen";
}

TEST(Journal, IgnoresASecondAcceptanceOfTheSameTask) {
  const scratch_directory directory;
  auto journal = open_journal(directory.file());
  commit(*journal, {accepted(1)});
  auto again = accepted(1);
  again.input = "other";
  commit(*journal, {again, ended(1)});
  const auto reader = open_reader(directory.file());
  EXPECT_EQ(value_of(reader->find(id_of(1)))->accepted.input, accepted(1).input);
  EXPECT_EQ(value_of(reader->count()).accepted, 1u);
  EXPECT_THAT(value_of(journal->unfinished()), IsEmpty());
}

TEST(Journal, TellsTheSameRequestFromAConflictByTheKeyAndTheHash) {
  const scratch_directory directory;
  auto first = accepted(1);
  first.idempotency_key = "k";
  first.request_hash = 7;
  auto same = accepted(2);
  same.idempotency_key = "k";
  same.request_hash = 7;
  auto other = accepted(3);
  other.idempotency_key = "k";
  other.request_hash = 8;
  auto journal = open_journal(directory.file());
  for (int round = 0; round < 2; ++round) {
    const auto verdicts = round == 0 ? commit(*journal, {first, same, other})
                                     : commit(*journal, {other, same, accepted(4)});
    const auto& of_same = verdicts[1];
    const auto& of_other = verdicts[round == 0 ? 2 : 0];
    EXPECT_EQ(of_same.what, verdict::kind::same_request);
    EXPECT_EQ(of_same.existing, id_of(1));
    EXPECT_EQ(of_other.what, verdict::kind::key_conflict);
    EXPECT_EQ(of_other.existing, id_of(1));
    EXPECT_EQ(verdicts[round == 0 ? 0 : 2].what, verdict::kind::written);
  }
  EXPECT_EQ(value_of(open_reader(directory.file())->count()).accepted, 2u);
}

TEST(Journal, ForgetsAKeyWithItsPrunedTaskAndNotBefore) {
  const scratch_directory directory;
  auto journal = open_journal(directory.file());
  auto first = accepted(1, 1000);
  first.idempotency_key = "k";
  auto second = accepted(2, 3000);
  second.idempotency_key = "k";
  second.request_hash = first.request_hash;
  commit(*journal, {first, ended(1, 2000)});
  EXPECT_EQ(value_of(journal->prune(2000, 10)), 0u) << "ended at 2000 is not before 2000";
  EXPECT_EQ(commit(*journal, {second})[0].what, verdict::kind::same_request);
  EXPECT_EQ(value_of(journal->prune(2001, 10)), 1u);
  EXPECT_EQ(commit(*journal, {second})[0].what, verdict::kind::written);
}

TEST(Journal, PrunesEndedTasksAndOldEventsButNeverAnUnfinishedOne) {
  const scratch_directory directory;
  auto journal = open_journal(directory.file());
  commit(*journal, {accepted(1, 10), accepted(2, 11), ended(2, 20), accepted(3, 12), ended(3, 21),
                    accepted(4, 13), ended(4, 99), event_record{"e", 14, "old"},
                    event_record{"e", 60, "new"}});
  EXPECT_EQ(value_of(journal->prune(50, 1)), 1u) << "no more rows a call than were asked for";
  EXPECT_EQ(value_of(journal->prune(50, 10)), 2u);
  EXPECT_EQ(value_of(journal->prune(50, 10)), 0u);
  EXPECT_EQ(value_of(journal->prune(50, 0)), 0u);
  const auto reader = open_reader(directory.file());
  EXPECT_THAT(numbers_of(value_of(reader->list({})).items), ElementsAre(4, 1));
  EXPECT_EQ(value_of(reader->events("e", 10)).size(), 1u);
  EXPECT_THAT(numbers_of(value_of(journal->unfinished())), ElementsAre(1));
}

TEST(Journal, KeepsTheLastValueOfAStateAndTheOrderOfEvents) {
  const scratch_directory directory;
  {
    auto journal = open_journal(directory.file());
    EXPECT_EQ(value_of(journal->state("rollout")), "");
    commit(*journal,
           {state_record{"rollout", "one"}, state_record{"other", "x"}, event_record{"a", 1, "1"},
            event_record{"b", 2, "2"}, event_record{"a", 3, "3"}});
    commit(*journal, {state_record{"rollout", "two"}});
  }
  auto journal = open_journal(directory.file());
  EXPECT_EQ(value_of(journal->state("rollout")), "two");
  const auto reader = open_reader(directory.file());
  const auto of_a = value_of(reader->events("a", 10));
  ASSERT_EQ(of_a.size(), 2u);
  EXPECT_EQ(of_a[0].json, "3");
  EXPECT_EQ(of_a[1].unix_ms, 1);
  const auto newest = value_of(reader->events("", 2));
  ASSERT_EQ(newest.size(), 2u);
  EXPECT_EQ(newest[1].kind, "b");
}

TEST(Journal, DoesNotUseRowsAgainAfterAllHasBeenPruned) {
  const scratch_directory directory;
  std::string cursor;
  {
    auto journal = open_journal(directory.file());
    commit(*journal, {accepted(1), ended(1), accepted(2), ended(2), accepted(3), ended(3)});
    cursor = value_of(open_reader(directory.file())->list({.limit = 1})).next;
    EXPECT_EQ(value_of(journal->prune(1'000'000, 100)), 3u);
  }
  auto journal = open_journal(directory.file());
  commit(*journal, {accepted(4), accepted(5)});
  const auto page = value_of(open_reader(directory.file())->list({.cursor = cursor}));
  EXPECT_THAT(page.items, IsEmpty()) << "the new tasks are newer than the cursor";
}

TEST(Journal, KeepsItsNewestRowWhileAnOlderTaskHasNotEnded) {
  const scratch_directory directory;
  {
    auto journal = open_journal(directory.file());
    commit(*journal, {accepted(1), accepted(2), ended(2), accepted(3), ended(3)});
    EXPECT_EQ(value_of(journal->prune(1'000'000, 100)), 1U);
  }
  std::vector<journal_damage> damages;
  auto journal = open_journal(directory.file(), damages);
  EXPECT_TRUE(damages.empty()) << to_string(damages.front());
  commit(*journal, {ended(1)});
  EXPECT_EQ(value_of(journal->prune(1'000'000, 100)), 2U) << "then it goes with the others";
}

/// Tasks of 1 kB, each ended in the record after the next one's acceptance.
void write_tasks(journal& to, int batches, int tasks) {
  std::uint64_t number = 0;
  for (int i = 0; i < batches; ++i) {
    std::vector<record> batch;
    for (int k = 0; k < tasks; ++k, ++number) {
      auto task = accepted(number);
      task.input.append(1000, 'x');
      batch.emplace_back(std::move(task));
      if (number > 0) batch.emplace_back(ended(number - 1));
    }
    commit(to, std::move(batch));
  }
}

TEST(Journal, StartsItsLogAnewHoweverFastItIsWritten) {
  const scratch_directory directory;
  auto journal = open_journal(directory.file());
  write_tasks(*journal, 300, 256);  // About 120 MiB of log.
  EXPECT_LT(std::filesystem::file_size(directory.file() + "-wal"), 72u << 20);
}

TEST(Journal, IsReadFromAnotherThreadWhileItIsWritten) {
  const scratch_directory directory;
  auto journal = open_journal(directory.file());
  std::atomic<bool> over{false};
  std::string wrong;
  std::thread other{[&] {
    const auto reader = open_reader(directory.file());
    std::uint64_t before = 0;
    while (!over) {
      const auto now = reader->count();
      if (!error_of(now).empty()) {
        wrong = error_of(now);
        return;
      }
      const auto& totals = *now;
      if (totals.accepted != totals.ended + totals.unfinished || totals.accepted < before) {
        wrong = "the books do not add up";
        return;
      }
      before = totals.accepted;
    }
  }};
  write_tasks(*journal, 100, 256);
  over = true;
  other.join();
  EXPECT_EQ(wrong, "");
}

TEST(Journal, WorksInMemoryForTests) {
  auto journal = open_journal(":memory:");
  commit(*journal, {accepted(1), accepted(2), ended(1), state_record{"s", "v"}});
  EXPECT_THAT(numbers_of(value_of(journal->unfinished())), ElementsAre(2));
  EXPECT_EQ(value_of(journal->state("s")), "v");
}

}  // namespace
}  // namespace greenroom::machine::testing
