// A node as a service embeds it: futures, listeners, refusals, and actors of another CAF system.
#include "actors/doors/caf_door.hpp"
#include "actors/node/node.hpp"

#include <gtest/gtest.h>
#include <caf/all.hpp>

#include <condition_variable>
#include <filesystem>
#include <future>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include <unistd.h>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using protocols::failure, protocols::task_answer, protocols::task_order, protocols::task_state;

/// Two callables: `echo` answers, `hold` answers only when it is asked to stop.
class NodeLibrary : public testing::Test {
protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path()
              / ("node-library-" + std::to_string(::getpid()) + "-"
                 + testing::UnitTest::GetInstance()->current_test_info()->name());
    config::node configuration;
    configuration.data_dir = folder_.string();
    configuration.journal.fsync = false;
    auto& department = configuration.departments.emplace_back();
    department.name = "CALLS";
    for (const auto* name : {"echo", "hold"}) {
      auto& one = department.specialists.emplace_back();
      one.name = name;
      one.backend.kind = config::backend_kind::function;
      one.backend.concurrency = 4;
    }
    auto started = node::start(std::move(configuration),
                               {{"echo", [](const std::string& input) { return input; }},
                                {"hold", [this](const std::string& input, std::stop_token stop) {
                                   std::unique_lock lock{mutex_};
                                   ++held_;
                                   changed_.notify_all();
                                   changed_.wait(lock, stop, [] { return false; });
                                   return input;
                                 }}});
    ASSERT_TRUE(started) << started.error().text;
    node_ = *std::move(started);
  }
  void TearDown() override {
    node_.reset();
    std::filesystem::remove_all(folder_);
  }
  bool holds(int count) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, 30s, [&] { return held_ >= count; });
  }

  std::filesystem::path folder_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  int held_ = 0;
  std::unique_ptr<node> node_;
};

TEST_F(NodeLibrary, GivesAFutureTheIdentifierToCancelBy) {
  auto end = node_->submit({.specialist = "hold"});
  EXPECT_NE(end.id, protocols::task_id{});
  EXPECT_TRUE(node_->find(end.id));
  EXPECT_TRUE(node_->cancel(end.id));
  const auto done = end.get();
  EXPECT_EQ(done.state, task_state::cancelled);
  EXPECT_EQ(done.id, end.id);
}

TEST_F(NodeLibrary, GivesAFutureTheSameRefusalAsACallback) {
  auto misnamed = node_->submit({.specialist = "ecco"});
  EXPECT_EQ(misnamed.id, protocols::task_id{});
  const auto none = misnamed.get();
  EXPECT_EQ(none.state, task_state::failed);
  EXPECT_EQ(none.why, failure::no_such_specialist);
  ASSERT_FALSE(none.nearest.empty());
  EXPECT_EQ(none.nearest.front(), "echo");
  const auto refused = node_->submit({.specialist = "ecco"}, [](const task_view&) { FAIL(); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().detail, none.output);
  EXPECT_EQ(refused.error().nearest, none.nearest);

  static_cast<void>(node_->drain(0ms));
  const auto late = node_->submit({.specialist = "echo"}).get();
  EXPECT_EQ(late.why, failure::draining);
  EXPECT_EQ(late.retry_after, 5s);
}

TEST_F(NodeLibrary, RefusesARequestThatDoesNotNameExactlyOne) {
  for (const auto& wrong : {task_request{}, task_request{.specialist = "echo", .command = "x"},
                            task_request{.specialist = "echo", .department = "CALLS"}})
    EXPECT_EQ(node_->submit(wrong).get().why, failure::malformed);
}

TEST_F(NodeLibrary, TellsAListenerAcceptanceAndEnd) {
  struct hearing final : task_listener {
    void on_accepted(const protocols::task_id& id) override { accepted = id; }
    void on_end(task_view done) override { end.set_value(std::move(done)); }
    protocols::task_id accepted;
    std::promise<task_view> end;
  };
  const auto who = std::make_shared<hearing>();
  const auto outcome = node_->submit({.specialist = "echo", .input = "7", .durable = true},
                                     std::shared_ptr<task_listener>{who});
  ASSERT_TRUE(outcome);
  const auto done = who->end.get_future().get();
  EXPECT_EQ(done.output, "7");
  EXPECT_EQ(done.id, *outcome);
  EXPECT_EQ(who->accepted, done.id);
}

// -- actors -------------------------------------------------------------------

task_answer asked(caf::scoped_actor& self, const caf_door& door, task_order order) {
  task_answer result;
  self->request(door, caf::infinite, std::move(order))
      .receive([&](task_answer& answer) { result = std::move(answer); },
               [](const caf::error&) { ADD_FAILURE() << "an order has an answer, not an error"; });
  return result;
}

TEST_F(NodeLibrary, AnswersActorsOfAnotherSystemAlsoAfterItsEnd) {
  caf::actor_system_config settings;
  caf::actor_system system{settings};
  caf::scoped_actor self{system};
  const auto door = open_caf_door(system, *node_);
  EXPECT_EQ(asked(self, door, {.specialist = "echo", .input = "5"}).output, "5");
  EXPECT_EQ(asked(self, door, {.specialist = "ecco"}).nearest.at(0), "echo");

  std::vector<task_answer> answers;
  const auto gives = [&](task_order order) {
    return self->request(door, caf::infinite, std::move(order));
  };
  auto lost = gives({.specialist = "hold", .tag = 1});
  auto kept = gives({.specialist = "hold", .durable = true, .tag = 2});
  ASSERT_TRUE(holds(2));
  node_.reset();
  const auto hear = [&](task_answer& answer) { answers.push_back(std::move(answer)); };
  const auto wrong = [](const caf::error&) { ADD_FAILURE(); };
  lost.receive(hear, wrong);
  kept.receive(hear, wrong);
  ASSERT_EQ(answers.size(), 2U);
  for (const auto& one : answers) {
    EXPECT_EQ(one.failure, failure::draining);
    EXPECT_FALSE(one.id.empty());
  }
  EXPECT_EQ(asked(self, door, {.specialist = "echo"}).failure, failure::draining);
}

TEST_F(NodeLibrary, IsNotKeptBusyByADoorWhoseSystemHasEnded) {
  {
    caf::actor_system_config settings;
    caf::actor_system system{settings};
    const auto door = open_caf_door(system, *node_);
    caf::anon_send(door, task_order{.specialist = "hold"});
    ASSERT_TRUE(holds(1));
    caf::anon_send_exit(door, caf::exit_reason::user_shutdown);
  }
  EXPECT_EQ(node_->submit({.specialist = "echo", .input = "1"}).get().output, "1");
}

}  // namespace
}  // namespace greenroom::tests
