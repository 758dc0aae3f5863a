// Orders of other actors, in virtual time.
#include "actors/doors/caf_door_actor.hpp"

#include "actors/node/caller_observers.hpp"
#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using protocols::failure, protocols::task_accepted, protocols::task_answer, protocols::task_cancel,
    protocols::task_order, protocols::task_piece, protocols::task_state;

class CafDoor : public ::testing::Test {
protected:
  CafDoor() : node{small_cast(1, 1)} {
    node.open();
    door = caf::actor_cast<caf_door>(node.world.system.spawn(
        actors::caf_door_actor,
        actors::caf_door_target{
            [this](task_request request, std::shared_ptr<task_listener> receiver)
                -> base::expected<protocols::task_id, refusal> {
              auto outcome =
                  node.desk.submit(std::move(request),
                                   actors::observer_of(node.shared->catalogs, node.shared->events,
                                                       std::move(receiver)));
              if (auto* none = std::get_if<refusal>(&outcome)) return *none;
              return std::get<protocols::task_id>(outcome);
            },
            [this](const protocols::task_id& id) {
              const auto job = node.shared->ledger.find(id);
              return job && node.desk.cancel(*job);
            }}));
  }
  ~CafDoor() override {
    close();
    if (listener) caf::anon_send_exit(listener, caf::exit_reason::user_shutdown);
    listener = nullptr;
    node.close();
  }
  void close() {
    if (door) caf::anon_send_exit(door, caf::exit_reason::user_shutdown);
    door = nullptr;
    node.world.dispatch();
  }
  void order(task_order wanted) {
    node.world.system.spawn([=, this](caf::event_based_actor* self) {
      self->request(door, caf::infinite, wanted)
          .then([this](const task_answer& said) { heard.push_back(said); },
                [](const caf::error&) { FAIL() << "an order has an answer, not an error"; });
    });
    node.world.dispatch();
  }
  bool cancel(const std::string& id) {
    bool taken = false;
    node.world.system.spawn([&, this](caf::event_based_actor* self) {
      self->request(door, caf::infinite, task_cancel{id})
          .then([&](bool yes) { taken = yes; }, [](const caf::error&) { FAIL(); });
    });
    node.world.dispatch();
    return taken;
  }
  /// A listener that records its messages.
  caf::actor listen() {
    listener = node.world.system.spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {
          [this](const task_accepted& what) { accepted.push_back(what); },
          [this](const task_piece& what) { pieces.push_back(what); },
      };
    });
    return listener;
  }
  protocols::task_ptr& running() { return node.worker("d0-s0").held.at(0); }

  stage node;
  caf_door door;
  caf::actor listener;
  std::vector<task_answer> heard;
  std::vector<task_accepted> accepted;
  std::vector<task_piece> pieces;
};

TEST_F(CafDoor, AnswersAnOrderOnceWithItsOutput) {
  order({.specialist = "d0-s0", .input = "{\"a\":1}", .tag = 7});
  node.get_ready("d0-s0");
  ASSERT_EQ(node.worker("d0-s0").held.size(), 1u);
  EXPECT_EQ(running()->input, "{\"a\":1}");
  EXPECT_FALSE(running()->streaming) << "nobody listens";
  node.finish_one("d0-s0");
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].tag, 7u);
  EXPECT_EQ(heard[0].state, task_state::completed);
  EXPECT_EQ(heard[0].output, "\"done: \"");
  EXPECT_TRUE(heard[0].cold_start);
}

TEST_F(CafDoor, RefusesWhatDoesNotExistAndNamesTheNearest) {
  order({.specialist = "d0-s1", .tag = 3});
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].tag, 3u);
  EXPECT_TRUE(heard[0].id.empty());
  EXPECT_EQ(heard[0].failure, failure::no_such_specialist);
  EXPECT_EQ(heard[0].nearest, std::vector<std::string>{"d0-s0"});
}

TEST_F(CafDoor, SaysWhenARefusedOrderMayBeRepeated) {
  node.shared->gauge.draining = true;
  order({.specialist = "d0-s0"});
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].failure, failure::draining);
  EXPECT_EQ(heard[0].retry_after_ms, 5000u);
}

TEST_F(CafDoor, RefusesAnOrderForNobodyOrForSeveral) {
  order({});
  order({.specialist = "d0-s0", .department = "D0"});
  ASSERT_EQ(heard.size(), 2u);
  EXPECT_EQ(heard[0].failure, failure::malformed);
  EXPECT_EQ(heard[1].failure, failure::malformed);
}

TEST_F(CafDoor, AnswersALateOrderAtItsDeadline) {
  order({.specialist = "d0-s0", .timeout_ms = 1000});
  node.world.advance(999ms);
  EXPECT_TRUE(heard.empty());
  node.world.advance(12ms);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].failure, failure::out_of_time);
}

TEST_F(CafDoor, CancelsATaskByTheIdentifierThatTheListenerGot) {
  order({.specialist = "d0-s0", .tag = 9, .listener = listen()});
  ASSERT_EQ(accepted.size(), 1u);
  EXPECT_EQ(accepted[0].tag, 9u);
  EXPECT_FALSE(cancel("no identifier"));
  EXPECT_TRUE(cancel(accepted[0].id));
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].state, task_state::cancelled);
  EXPECT_EQ(heard[0].id, accepted[0].id);
  EXPECT_FALSE(cancel(accepted[0].id)) << "it has ended";
}

TEST_F(CafDoor, SendsPiecesInOrderBeforeTheAnswer) {
  order({.specialist = "d0-s0", .tag = 5, .listener = listen()});
  node.get_ready("d0-s0");
  ASSERT_TRUE(running()->streaming);
  for (const auto* text : {"one", "two", "three"}) running()->observer->on_chunk(*running(), text);
  node.finish_one("d0-s0");
  ASSERT_EQ(pieces.size(), 3u);
  EXPECT_EQ(pieces[0].text + pieces[1].text + pieces[2].text, "onetwothree");
  EXPECT_EQ(pieces[0].tag, 5u);
  EXPECT_EQ(pieces[0].attempt, 1u);
  ASSERT_EQ(heard.size(), 1u);
}

TEST_F(CafDoor, EndsNoOrderByTheMessageOfAStranger) {
  // The first order has the door's first ticket.
  order({.specialist = "d0-s0", .tag = 1, .listener = listen()});
  node.get_ready("d0-s0");
  const auto stranger = caf::actor_cast<caf::actor>(door);
  task_answer answer;
  answer.tag = 1;
  answer.output = "not the task's";
  caf::anon_send(stranger, answer);
  caf::anon_send(stranger, task_piece{1, 1, "not the task's"});
  caf::anon_send(stranger, task_accepted{1, "00000000000000000000000000000000"});
  node.world.dispatch();
  EXPECT_TRUE(heard.empty());
  EXPECT_TRUE(pieces.empty());
  EXPECT_EQ(accepted.size(), 1U);
  node.finish_one("d0-s0");
  ASSERT_EQ(heard.size(), 1U) << "the door goes on";
  EXPECT_EQ(heard[0].state, task_state::completed);
  EXPECT_EQ(heard[0].output, "\"done: \"");
}

TEST_F(CafDoor, HoldsTheWorkerBackWhileTheListenerHasMuchToHandle) {
  order({.specialist = "d0-s0", .listener = listen()});
  node.get_ready("d0-s0");
  const auto job = running();
  const std::string large(200'000, 'x');
  job->observer->on_chunk(*job, large);
  EXPECT_TRUE(job->observer->takes_more(*job));
  job->observer->on_chunk(*job, large);
  EXPECT_FALSE(job->observer->takes_more(*job));
  node.world.dispatch();
  EXPECT_EQ(pieces.size(), 2u);
  EXPECT_TRUE(job->observer->takes_more(*job));
}

TEST_F(CafDoor, CancelsTheTaskOfAListenerThatHasEnded) {
  order({.specialist = "d0-s0", .listener = listen()});
  node.get_ready("d0-s0");
  caf::anon_send_exit(listener, caf::exit_reason::user_shutdown);
  node.world.dispatch();
  running()->observer->on_chunk(*running(), "one");
  node.world.dispatch();
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].state, task_state::cancelled);
}

TEST_F(CafDoor, AnswersOpenOrdersWhenItIsClosed) {
  order({.specialist = "d0-s0", .tag = 1});
  order({.specialist = "d0-s0", .tag = 2});
  close();
  ASSERT_EQ(heard.size(), 2u);
  for (const auto& one : heard) EXPECT_EQ(one.failure, failure::cancelled);
  EXPECT_EQ(node.shared->gauge.accepted() - node.shared->gauge.ended(), 0u)
      << "the tasks are cancelled";
}

}  // namespace
}  // namespace greenroom::tests
