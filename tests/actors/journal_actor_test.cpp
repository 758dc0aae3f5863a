// The journal actor in virtual time, with a journal that fails on request.
#include "actors/tasks/journal_actor.hpp"
#include "actors/supervision/hand_out.hpp"

#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using machine::record, machine::verdict;
using protocols::failure, protocols::task_state;

// The committed records, which outlive the journal object as a file does.
struct paper {
  std::vector<record> records;
  std::vector<std::size_t> batches;
  std::map<std::string, std::pair<protocols::task_id, std::uint64_t>> keys;
  bool torn = false;
};

class paper_journal final : public machine::journal {
public:
  explicit paper_journal(paper& on) : on_{on} {}
  base::expected<std::vector<verdict>> commit(std::span<const record> batch) override {
    if (on_.torn) return machine::journal_problem("no space left on device");
    std::vector<verdict> result;
    for (const auto& one : batch) {
      verdict said;
      if (const auto* in = std::get_if<machine::accept_record>(&one);
          in != nullptr && !in->idempotency_key.empty()) {
        const auto [at, fresh] =
            on_.keys.emplace(in->idempotency_key, std::pair{in->id, in->request_hash});
        if (!fresh) {
          said.what = at->second.second == in->request_hash ? verdict::kind::same_request
                                                            : verdict::kind::key_conflict;
          said.existing = at->second.first;
        }
      }
      result.push_back(said);
      on_.records.push_back(one);
    }
    on_.batches.push_back(batch.size());
    return result;
  }
  base::expected<std::vector<machine::stored_task>> unfinished() override {
    return std::vector<machine::stored_task>{};
  }
  base::expected<std::size_t> prune(std::int64_t, std::size_t) override { return std::size_t{0}; }
  base::expected<std::string> state(std::string_view) override { return std::string{}; }

private:
  paper& on_;
};

class JournalActor : public ::testing::Test {
protected:
  void open(config::node config) {
    node = std::make_unique<stage>(std::move(config));
    node->shared->journal.on = true;
    node->open();
    spawn_journal();
  }
  void spawn_journal() {
    journal = node->world.system.spawn<actors::journal_actor>(
        actors::hand_out<actors::journal_parts>(*node->shared),
        [this]() -> base::expected<std::unique_ptr<machine::journal>> {
          return std::unique_ptr<machine::journal>{std::make_unique<paper_journal>(sheet)};
        });
    node->world.dispatch();
  }
  void TearDown() override {
    caf::anon_send_exit(journal, caf::exit_reason::user_shutdown);
    node->world.dispatch();
    journal = nullptr;
  }
  std::shared_ptr<caller> ask(const std::string& key = {}, const std::string& input = "1") {
    task_request request;
    request.durable = true;
    request.idempotency_key = key;
    request.input = input;
    return node->ask("d0-s0", request);
  }
  template <class Record>
  std::size_t count() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        sheet.records, [](const record& one) { return std::holds_alternative<Record>(one); }));
  }

  paper sheet;
  std::unique_ptr<stage> node;
  protocols::journal_actor journal;
};

TEST_F(JournalActor, AcknowledgesNothingBeforeItIsWritten) {
  open(small_cast(1, 1));
  sheet.torn = true;
  auto who = ask();
  node->world.dispatch();
  EXPECT_EQ(who->accepted, 0);
  EXPECT_EQ(who->why, failure::journal_unavailable);
  EXPECT_EQ(node->starts["d0-s0"], 0) << "what is not written must not run";
}

TEST_F(JournalActor, TellsOneEndOfATaskCancelledBeforeItsAcceptanceIsWritten) {
  open(small_cast(1, 1));
  auto who = ask();
  const auto job = node->shared->ledger.find(node->last);
  ASSERT_TRUE(job);
  ASSERT_TRUE(node->desk.cancel(*job));
  sheet.torn = true;
  node->world.dispatch();
  EXPECT_EQ(who->ends, 1);
  sheet.torn = false;
  node->world.advance(2s);
  EXPECT_EQ(who->ends, 1);
  EXPECT_EQ(node->shared->gauge.ended(), 1u);
}

// The journal learns of the end first, because the dispatcher has not had its turn.
TEST_F(JournalActor, WritesTheEndOfATaskCancelledBeforeTheDispatcherTookIt) {
  open(small_cast(1, 1));
  auto who = ask();
  ASSERT_TRUE(node->desk.cancel(*node->shared->ledger.find(node->last)));
  node->world.dispatch();
  EXPECT_EQ(who->ends, 1);
  EXPECT_EQ(who->state, task_state::cancelled);
  EXPECT_EQ(who->accepted, 0) << "after the end nothing more is said";
  ASSERT_EQ(count<machine::accept_record>(), 1u);
  EXPECT_TRUE(std::holds_alternative<machine::end_record>(sheet.records.back()))
      << "the task would run after the next start";
  EXPECT_EQ(node->shared->ledger.alive(), 0u);
}

TEST_F(JournalActor, TellsOneEndOfARepeatedRequestThatWasCancelledBefore) {
  open(small_cast(1, 1));
  ask("k");
  node->world.dispatch();
  for (const bool dispatched : {false, true}) {
    SCOPED_TRACE(dispatched);
    caf::anon_send_exit(journal, caf::exit_reason::user_shutdown);  // No actor writes now.
    node->world.dispatch();
    auto again = ask("k");
    const auto id = node->last;
    // Afterwards the journal learns of the acceptance first, and otherwise of the end.
    if (dispatched) node->world.dispatch();
    ASSERT_TRUE(node->desk.cancel(*node->shared->ledger.find(id)));
    spawn_journal();
    EXPECT_EQ(again->ends, 1);
    EXPECT_EQ(again->state, task_state::cancelled);
    EXPECT_EQ(again->existing, 0) << "the end of the other task would be a second end";
    EXPECT_EQ(again->accepted, 0);
    EXPECT_FALSE(node->shared->ledger.find(id));
  }
}

TEST_F(JournalActor, WritesAllThatWaitsInOneTransaction) {
  open(small_cast(1, 1));
  for (int i = 0; i < 20; ++i) ask();
  node->world.dispatch();
  EXPECT_EQ(sheet.batches, std::vector<std::size_t>{20});
  EXPECT_EQ(node->callers.front()->accepted, 1);
}

TEST_F(JournalActor, TellsAnEndOnlyWhenItIsWritten) {
  open(small_cast(1, 1));
  auto who = ask();
  node->world.dispatch();
  node->worker("d0-s0").get_ready();
  node->world.dispatch();
  node->worker("d0-s0").finish_one();
  node->world.dispatch();
  EXPECT_EQ(who->state, task_state::completed);
  EXPECT_FALSE(who->unwritten);
  EXPECT_EQ(count<machine::end_record>(), 1u);
}

TEST_F(JournalActor, TellsWhoWaitsForATaskThatTheNodeLeaves) {
  open(small_cast(1, 1));
  auto who = ask("k", "1");
  node->world.dispatch();
  const auto job = node->shared->ledger.find(node->last);
  ASSERT_TRUE(job);
  ASSERT_TRUE(job->recorded);
  node->shared->ending.on_node_stop(*job);
  EXPECT_EQ(who->lefts, 1);
  EXPECT_EQ(who->ends, 0);
}

TEST_F(JournalActor, SaysWhyATaskCouldNotBeMadeDurable) {
  open(small_cast(1, 1));
  sheet.torn = true;
  ask();
  node->world.dispatch();
  ask();
  ASSERT_TRUE(node->refused);
  EXPECT_NE(node->refused->detail.find("no space left on device"), std::string::npos)
      << node->refused->detail;
}

TEST_F(JournalActor, KeepsOnlyTheLatestOfEachPieceOfStateWhileItCannotWrite) {
  open(small_cast(1, 1));
  sheet.torn = true;
  ask();
  node->world.dispatch();
  for (int i = 0; i < 5000; ++i)
    caf::anon_send(journal, protocols::state_to_keep{"plan", std::to_string(i)});
  node->world.dispatch();
  sheet.torn = false;
  node->world.advance(600ms);
  EXPECT_EQ(count<machine::state_record>(), 1u);
  for (const auto& one : sheet.records)
    if (const auto* state = std::get_if<machine::state_record>(&one)) {
      EXPECT_EQ(state->value, "4999");
    }
}

TEST_F(JournalActor, SaysDamageOnceAsAnEventAndCountsIt) {
  open(small_cast(1, 1));
  machine::journal_damage damage;
  damage.what = "journal.db-wal is damaged";
  damage.counted = true;
  damage.lost_tasks = 2;
  actors::tell_damage(node->shared->journal, node->shared->gauge, node->shared->events, damage);
  actors::tell_damage(node->shared->journal, node->shared->gauge, node->shared->events, damage);
  std::size_t said = 0;
  for (const auto& one : node->shared->events.after(0))
    if (one.kind == "journal.damaged") {
      ++said;
      EXPECT_NE(one.json.find(R"("lost":{"tasks":2,"ends":0})"), std::string::npos) << one.json;
    }
  EXPECT_EQ(said, 1u);
  EXPECT_EQ(machine::count_of(node->shared->gauge.journal_damages), 2u);
}

TEST_F(JournalActor, RefusesAtTheDoorWhileItCannotWriteAndRecovers) {
  open(small_cast(1, 1));
  sheet.torn = true;
  ask();
  node->world.dispatch();
  ask();
  ASSERT_TRUE(node->refused);
  EXPECT_EQ(node->refused->why, failure::journal_unavailable);
  sheet.torn = false;
  node->world.advance(600ms);
  auto who = ask();
  ASSERT_FALSE(node->refused);
  node->world.dispatch();
  EXPECT_EQ(who->accepted, 1);
}

TEST_F(JournalActor, KeepsAnEndThatCouldNotBeWrittenUntilItCan) {
  open(small_cast(1, 1));
  auto who = ask();
  node->world.dispatch();
  node->worker("d0-s0").get_ready();
  node->world.dispatch();
  sheet.torn = true;
  node->worker("d0-s0").finish_one();
  node->world.dispatch();
  EXPECT_EQ(who->ends, 1) << "the caller has waited long enough";
  EXPECT_TRUE(who->unwritten) << "a crash now would contradict it, so it says so";
  EXPECT_EQ(count<machine::end_record>(), 0u);
  sheet.torn = false;
  node->world.advance(600ms);
  EXPECT_EQ(count<machine::end_record>(), 1u);
  EXPECT_EQ(who->ends, 1);
}

TEST_F(JournalActor, StartsTheSameRequestOnceAndRefusesAnotherUnderItsKey) {
  open(small_cast(1, 1));
  auto first = ask("k", "1");
  node->world.dispatch();
  auto again = ask("k", "1");
  auto other = ask("k", "2");
  node->world.dispatch();
  node->worker("d0-s0").get_ready();
  node->world.dispatch();
  EXPECT_EQ(node->worker("d0-s0").held.size(), 1u);
  node->worker("d0-s0").finish_one();
  node->world.dispatch();
  EXPECT_TRUE(node->worker("d0-s0").held.empty());
  EXPECT_EQ(first->state, task_state::completed);
  EXPECT_EQ(again->ends, 0) << "it hears of the first one instead";
  EXPECT_EQ(again->existing, 1);
  EXPECT_EQ(other->why, failure::key_conflict);
  EXPECT_EQ(other->ends, 1);
  EXPECT_EQ(node->shared->gauge.accepted(), node->shared->gauge.ended());
  EXPECT_EQ(node->shared->gauge.depth(), 0u);
  const auto& pool = node->shared->pools.of(protocols::pool_kind::intelligent);
  const auto failed = static_cast<std::size_t>(machine::task_outcome::failed);
  EXPECT_EQ(pool.gauge.ends(failed), 0u) << "the caller's mistake is nobody's failure";
  EXPECT_EQ(machine::count_of(pool.specialists[0].gauge.ends[failed]), 0u);
  EXPECT_EQ(pool.specialists[0].gauge.depth(), 0u);
}

TEST_F(JournalActor, DoesNotInviteToRepeatATaskWhoseStartCouldNotBeWritten) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.side_effects = config::side_effects::unsafe;
  open(config);
  auto who = ask();
  node->world.dispatch();
  sheet.torn = true;
  node->worker("d0-s0").get_ready();
  node->world.advance(600ms);  // The end is reported at the next attempt to write.
  EXPECT_EQ(who->accepted, 1);
  EXPECT_EQ(who->ends, 1);
  EXPECT_EQ(who->why, failure::journal_unavailable);
  EXPECT_EQ(who->retry_after_ms, 0) << "it may still run: the journal has it, and not its end";
  EXPECT_TRUE(node->worker("d0-s0").held.empty());
  sheet.torn = false;
  node->world.advance(600ms);
  EXPECT_EQ(count<machine::end_record>(), 1u) << "now it cannot";
}

TEST_F(JournalActor, WritesThatAnUnsafeTaskStartsBeforeItStarts) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.side_effects = config::side_effects::unsafe;
  open(config);
  ask();
  node->world.dispatch();
  caf::anon_send_exit(journal, caf::exit_reason::user_shutdown);  // No actor writes now.
  node->world.dispatch();
  node->worker("d0-s0").get_ready();
  node->world.dispatch();
  EXPECT_TRUE(node->worker("d0-s0").held.empty());
  spawn_journal();
  EXPECT_EQ(count<machine::start_record>(), 1u);
  for (const auto& one : sheet.records)
    if (const auto* start = std::get_if<machine::start_record>(&one)) {
      EXPECT_EQ(start->attempts, 1u) << "the one that begins counts";
    }
  EXPECT_EQ(node->worker("d0-s0").held.size(), 1u);
}

TEST_F(JournalActor, LeavesTheEndUnknownOfWhatRanWhereItMustNotRunTwice) {
  open(small_cast(1, 1));
  // Accepted as idempotent, then passed on to a specialist whose tasks are unsafe.
  machine::stored_task stored;
  stored.accepted.id = {7, 1};
  stored.accepted.specialist = "d0-s0";
  stored.accepted.effects = protocols::side_effects::idempotent;
  stored.state = task_state::running;
  stored.attempts = 2;
  ASSERT_TRUE(node->desk.resume(stored));
  node->world.dispatch();
  ASSERT_EQ(count<machine::end_record>(), 1u);
  const auto& end = std::get<machine::end_record>(sheet.records.back());
  EXPECT_EQ(end.state, task_state::unknown);
  EXPECT_EQ(end.attempts, 2u);
}

TEST_F(JournalActor, ItsReplacementGoesOnWithWhatWasNotWritten) {
  open(small_cast(1, 1));
  caf::anon_send_exit(journal, caf::exit_reason::user_shutdown);
  node->world.dispatch();
  auto who = ask();
  node->world.dispatch();
  EXPECT_EQ(who->accepted, 0);
  spawn_journal();
  EXPECT_EQ(who->accepted, 1);
}

}  // namespace
}  // namespace greenroom::tests
