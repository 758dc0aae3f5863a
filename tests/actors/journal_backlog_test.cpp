// State and events that wait for the journal, without any actor.
#include "actors/tasks/journal_backlog.hpp"

#include "tests/support/deterministic_system.hpp"

#include <gtest/gtest.h>

#include <string>
#include <variant>

namespace greenroom::tests {
namespace {

using actors::journal_backlog;
using machine::event_record, machine::state_record;

TEST(JournalBacklog, KeepsEveryStateInOrderWhileTheJournalWrites) {
  journal_backlog backlog;
  backlog.add(protocols::state_to_keep{"plan", "1"}, false);
  backlog.add(protocols::state_to_keep{"plan", "2"}, false);
  ASSERT_EQ(backlog.records().size(), 2u);
  EXPECT_EQ(std::get<state_record>(backlog.records().back()).value, "2");
}

TEST(JournalBacklog, KeepsOneStateForEachNameWhileTheJournalCannotWrite) {
  journal_backlog backlog;
  backlog.add(protocols::state_to_keep{"plan", "1"}, true);
  backlog.add(protocols::state_to_keep{"other", "1"}, true);
  backlog.add(protocols::state_to_keep{"plan", "2"}, true);
  ASSERT_EQ(backlog.records().size(), 2u);
  EXPECT_EQ(std::get<state_record>(backlog.records().front()).value, "2");
}

TEST(JournalBacklog, DropsTheOldestEventsBeforeAnyState) {
  journal_backlog backlog;
  backlog.add(protocols::state_to_keep{"plan", "1"}, true);
  for (std::size_t i = 0; i < journal_backlog::records_max + 9; ++i)
    backlog.add(protocols::event_to_log{"kind", std::to_string(i), 0});
  backlog.trim();
  ASSERT_EQ(backlog.records().size(), journal_backlog::records_max);
  EXPECT_TRUE(std::holds_alternative<state_record>(backlog.records().front()));
  EXPECT_EQ(std::get<event_record>(backlog.records()[1]).json, "10");
}

struct idle_state {};

protocols::state_writer_actor::behavior_type idle_writer(
    protocols::state_writer_actor::stateful_pointer<idle_state>) {
  return {[](const protocols::state_written&) {}};
}

TEST(JournalBacklog, ConfirmsTheLatestTokenOfEachWriterOnce) {
  deterministic_system world;
  const auto first = world.system.spawn(idle_writer);
  const auto second = world.system.spawn(idle_writer);
  journal_backlog backlog;
  backlog.add(protocols::state_to_confirm{"a", "1", first, 1}, false);
  backlog.add(protocols::state_to_confirm{"b", "1", second, 7}, false);
  backlog.add(protocols::state_to_confirm{"a", "2", first, 2}, false);
  const auto waiting = backlog.take_confirmations();
  ASSERT_EQ(waiting.size(), 2u);
  EXPECT_EQ(waiting[0].writer, first);
  EXPECT_EQ(waiting[0].token, 2u);
  EXPECT_EQ(waiting[1].token, 7u);
  EXPECT_TRUE(backlog.empty()) << "the records are durable";
  EXPECT_TRUE(backlog.take_confirmations().empty());
  caf::anon_send_exit(first, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(second, caf::exit_reason::user_shutdown);
  world.dispatch();
}

}  // namespace
}  // namespace greenroom::tests
