// The typed interfaces of a node's actors, as a sender and a receiver see them.
#include "protocols/node_messages.hpp"
#include "tests/support/deterministic_system.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

namespace greenroom::tests {
namespace {

using namespace protocols;

struct writer_state {
  std::vector<std::uint64_t> written;
};

rollout_actor::behavior_type writer(rollout_actor::stateful_pointer<writer_state> self) {
  return {
      [](commands_posted) {},
      [self](const state_written& news) { self->state.written.push_back(news.token); },
      [](settings_changed) {},
  };
}

struct journal_state {
  std::vector<state_to_keep> kept;
};

journal_actor::behavior_type journal(journal_actor::stateful_pointer<journal_state> self) {
  return {
      [self](const state_to_keep& state) { self->state.kept.push_back(state); },
      [self](const state_to_confirm& state) {
        self->state.kept.push_back({state.name, state.value});
        self->send(state.writer, state_written{state.token});
      },
      [](const event_to_log&) {},
  };
}

template <class State, class Handle>
State& state_of(const Handle& who) {
  using self = typename Handle::template stateful_base<State>;
  return dynamic_cast<self*>(caf::actor_cast<caf::abstract_actor*>(who))->state;
}

TEST(NodeMessages, AJournalAnswersAWriterThroughTheSmallestInterface) {
  deterministic_system world;
  const auto from = world.system.spawn(writer);
  const auto to = world.system.spawn(journal);
  caf::anon_send(to, state_to_confirm{"rollout.plan", "1", from, 7});
  caf::anon_send(to, state_to_keep{"evidence.0", "2"});
  world.dispatch();
  EXPECT_EQ(state_of<writer_state>(from).written, std::vector<std::uint64_t>{7});
  ASSERT_EQ(state_of<journal_state>(to).kept.size(), 2U);
  EXPECT_EQ(state_of<journal_state>(to).kept[1].name, "evidence.0");
}

TEST(NodeMessages, AHandleIsNarrowedToAnInterfaceThatItImplements) {
  using timers = director_actor::extend<caf::reacts_to<caf::tick_atom>>;
  EXPECT_TRUE((std::is_constructible_v<director_actor, timers>));
  EXPECT_TRUE((std::is_constructible_v<state_writer_actor, rollback_actor>));
  EXPECT_FALSE((std::is_same_v<specialist_actor, department_actor>));
}

// Every message survives a copy through bytes, which is how another node would get it.
template <class Message>
Message copied(deterministic_system& world, Message original) {
  std::vector<char> bytes;
  caf::binary_serializer sink{world.system, bytes};
  EXPECT_FALSE(sink(original));
  Message result;
  caf::binary_deserializer source{world.system, bytes};
  EXPECT_FALSE(source(result));
  return result;
}

TEST(NodeMessages, EveryFieldTravels) {
  deterministic_system world;
  EXPECT_TRUE(copied(world, hand_over_tasks{true}).fence);
  EXPECT_TRUE(copied(world, give_back_tasks{true}).fence);
  EXPECT_EQ(copied(world, warm_by_hand{3}).specialist, 3U);
  EXPECT_EQ(copied(world, cool_by_hand{4}).specialist, 4U);
  EXPECT_EQ(copied(world, commands_posted{commanded_actor::rollback}).to,
            commanded_actor::rollback);
  const auto pool = copied(world, hand_over_pool{base::pool_kind::baseline, true});
  EXPECT_EQ(pool.pool, base::pool_kind::baseline);
  EXPECT_TRUE(pool.fence);
  EXPECT_EQ(copied(world, open_pool{base::pool_kind::intelligent}).pool,
            base::pool_kind::intelligent);
  const auto worker = copied(world, restart_worker{base::pool_kind::intelligent, 5});
  EXPECT_EQ(worker.pool, base::pool_kind::intelligent);
  EXPECT_EQ(worker.specialist, 5U);
  const auto event = copied(world, event_to_log{"a", "{}", -1});
  EXPECT_EQ(event.kind + event.json, "a{}");
  EXPECT_EQ(event.unix_ms, -1);
  const auto batch = copied(world, arrival_batch{{{1, 2, 3}}, 9, {}});
  ASSERT_EQ(batch.arrivals.size(), 1U);
  EXPECT_EQ(batch.arrivals[0].case_key, 2U);
  EXPECT_EQ(batch.lost, 9U);
  const auto state = copied(world, state_to_confirm{"name", "value", {}, 8});
  EXPECT_EQ(state.name + state.value, "namevalue");
  EXPECT_EQ(state.token, 8U);
}

}  // namespace
}  // namespace greenroom::tests
