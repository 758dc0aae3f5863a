// The CAF door, in virtual time.
#include "actors/doors/caf_door.hpp"

#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using protocols::failure, protocols::task_answer, protocols::task_order, protocols::task_state;

class CafDoor : public ::testing::Test {
protected:
  CafDoor() : play{small_cast(1, 1)} {
    play.open();
    door = play.world.system.spawn(actors::caf_door, &play.shared->ledger, &play.desk);
  }
  ~CafDoor() override {
    caf::anon_send_exit(door, caf::exit_reason::user_shutdown);
    door = nullptr;
    play.close();
  }
  void order(task_order wanted) {
    play.world.system.spawn([=, this](caf::event_based_actor* self) {
      self->request(door, 60min, protocols::work_atom::value, wanted)
          .then([this](const task_answer& said) { heard.push_back(said); },
                [](const caf::error&) { FAIL() << "an order has an answer, not an error"; });
    });
    play.world.dispatch();
  }

  stage play;
  actors::caf_door_actor door;
  std::vector<task_answer> heard;
};

TEST_F(CafDoor, AnswersAnOrderOnceWithItsOutput) {
  order({.specialist = "d0-s0", .input = "{\"a\":1}"});
  play.get_ready("d0-s0");
  ASSERT_EQ(play.worker("d0-s0").held.size(), 1u);
  EXPECT_EQ(play.worker("d0-s0").held[0]->input, "{\"a\":1}");
  play.finish_one("d0-s0");
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].state, static_cast<std::uint8_t>(task_state::completed));
  EXPECT_EQ(heard[0].output, "\"done: \"");
  EXPECT_TRUE(heard[0].cold_start);
}

TEST_F(CafDoor, RefusesWhatDoesNotExistAndSaysWhy) {
  order({.specialist = "d0-s1"});
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].failure, static_cast<std::uint8_t>(failure::no_such_specialist));
  EXPECT_NE(heard[0].output.find("d0-s0"), std::string::npos);
}

TEST_F(CafDoor, AnswersALateOrderAtItsDeadline) {
  order({.specialist = "d0-s0", .timeout_ms = 1000});
  play.world.advance(999ms);
  EXPECT_TRUE(heard.empty());
  play.world.advance(12ms);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].failure, static_cast<std::uint8_t>(failure::out_of_time));
}

TEST_F(CafDoor, TakesAnOrderBack) {
  order({.specialist = "d0-s0"});
  std::string id;
  play.shared->ledger.for_each(
      [&](const protocols::task_ptr& job) { id = protocols::to_string(job->id); });
  bool taken = false;
  play.world.system.spawn([&, this](caf::event_based_actor* self) {
    self->request(door, 1min, protocols::drop_atom::value, id)
        .then([&](bool yes) { taken = yes; }, [](const caf::error&) { FAIL(); });
  });
  play.world.dispatch();
  EXPECT_TRUE(taken);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].state, static_cast<std::uint8_t>(task_state::cancelled));
}

}  // namespace
}  // namespace greenroom::tests
