// A node ends its parts in a safe order while callers, streams, callables and the journal still use
// them. Run these tests under the address sanitizer, too (WHOLE_NODES=1).
#include "actors/doors/http_door.hpp"
#include "actors/node/node.hpp"
#include "actors/node/parts.hpp"

#include "tests/integration/support/live_node.hpp"
#include "tests/machine/http/raw_client.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <future>
#include <mutex>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace greenroom::tests {
namespace {

using protocols::task_state;

class EndingNode : public testing::Test {
protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path()
              / ("node-ends-" + std::to_string(::getpid()) + "-"
                 + testing::UnitTest::GetInstance()->current_test_info()->name());
  }
  void TearDown() override {
    door_.reset();
    node_.reset();
    std::filesystem::remove_all(folder_);
  }

  /// Every specialist is a callable.
  void start(std::vector<node::registration> functions, std::size_t io_threads = 1) {
    config::node configuration;
    configuration.data_dir = folder_.string();
    configuration.journal.fsync = false;
    configuration.io_threads = io_threads;
    configuration.pool.min_residency = std::chrono::milliseconds{0};
    config::department department;
    department.name = "CALLS";
    for (const auto& one : functions) {
      config::specialist who;
      who.name = one.specialist;
      who.backend.kind = config::backend_kind::function;
      who.backend.concurrency = 4;
      department.specialists.push_back(who);
    }
    configuration.departments = {department};
    auto started = node::start(configuration, std::move(functions));
    ASSERT_TRUE(started) << started.error().text;
    node_ = *std::move(started);
  }
  void open_door() {
    doors::http_door_options options;
    auto opened = doors::http_door::open(*node_, *node_->inside().engine, options);
    ASSERT_TRUE(opened) << opened.error().text;
    door_ = *std::move(opened);
  }
  static task_request request_for(const std::string& specialist) {
    task_request request;
    request.specialist = specialist;
    request.input = "1";
    return request;
  }

  std::filesystem::path folder_;
  std::unique_ptr<node> node_;
  std::unique_ptr<doors::http_door> door_;
};

/// A call that blocks until it is released, and counts the calls that run.
struct held_call {
  std::mutex mutex;
  std::condition_variable_any changed;
  int inside = 0, left = 0;
  bool open = false;

  std::string run(const std::string& input, const std::stop_token& stop) {
    std::unique_lock lock{mutex};
    ++inside;
    changed.notify_all();
    changed.wait(lock, stop, [this] { return open; });
    ++left;
    return input;
  }
  bool entered(int count) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, std::chrono::seconds{30}, [&] { return inside >= count; });
  }
  void let_go() {
    const std::lock_guard lock{mutex};
    open = true;
    changed.notify_all();
  }
};

TEST_F(EndingNode, WaitsForCallablesThatIgnoreTheStop) {
  held_call held;
  start({{"deaf", [&held](const std::string& input) { return held.run(input, {}); }}});
  auto waits = node_->submit(request_for("deaf"));
  ASSERT_TRUE(held.entered(1));
  std::atomic<bool> gone{false};
  std::thread destroys{[&] {
    node_.reset();
    gone = true;
  }};
  // The caller gets the answer at once; the node exists as long as its callable runs.
  const auto end = waits.get();
  EXPECT_EQ(end.state, task_state::failed);
  EXPECT_EQ(end.why, protocols::failure::draining);
  EXPECT_FALSE(gone);
  EXPECT_EQ(held.left, 0);
  held.let_go();
  destroys.join();
  EXPECT_EQ(held.left, 1);
}

TEST_F(EndingNode, AsksCallablesToStop) {
  held_call held;
  start({{"told", [&held](const std::string& input, std::stop_token stop) {
            return held.run(input, stop);
          }}});
  std::vector<std::future<task_view>> waits;
  for (int i = 0; i < 4; ++i) waits.push_back(node_->submit(request_for("told")));
  ASSERT_TRUE(held.entered(4));
  node_.reset();
  EXPECT_EQ(held.left, 4);
  for (auto& one : waits) EXPECT_EQ(one.get().state, task_state::failed);
}

TEST_F(EndingNode, TellsACallableThatItsTaskTimedOut) {
  held_call held;
  start({{"told", [&held](const std::string& input, std::stop_token stop) {
            return held.run(input, stop);
          }}});
  auto request = request_for("told");
  request.timeout = std::chrono::milliseconds{100};
  EXPECT_EQ(node_->submit(request).get().why, protocols::failure::out_of_time);
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock{held.mutex};
    return held.left == held.inside;
  }));
  // The specialist is free for the next task.
  held.let_go();
  EXPECT_EQ(node_->submit(request_for("told")).get().state, task_state::completed);
}

TEST_F(EndingNode, WaitsForACallableWhoseTaskTimedOutLongAgo) {
  held_call held;
  start({{"deaf", [&held](const std::string& input) { return held.run(input, {}); }}});
  auto request = request_for("deaf");
  request.timeout = std::chrono::milliseconds{50};
  EXPECT_EQ(node_->submit(request).get().why, protocols::failure::out_of_time);
  ASSERT_TRUE(held.entered(1));
  // The node reports its wait before the callable returns.
  std::atomic<int> waits{0};
  const auto listening = node_->on_event([&](const event& what) {
    if (what.kind != "node.waits") return;
    ++waits;
    held.let_go();
  });
  node_.reset();
  EXPECT_GE(waits, 1);
  EXPECT_EQ(held.left, held.inside);
}

TEST_F(EndingNode, LetsCallablesWaitForOtherTasksToTheEnd) {
  held_call held;
  std::atomic<int> broken{0};
  std::promise<void> asked;
  start({{"waits",
          [&](const std::string&) {
            auto durable = request_for("told");
            durable.durable = true;
            auto kept = node_->submit(durable);
            auto lost = node_->submit(request_for("told"));
            asked.set_value();
            EXPECT_EQ(lost.get().why, protocols::failure::draining);
            try {
              static_cast<void>(kept.get());
            } catch (const std::future_error&) {
              ++broken;
            }
            return std::string{"1"};
          }},
         {"told", [&held](const std::string& input, std::stop_token stop) {
            return held.run(input, stop);
          }}});
  auto outer = node_->submit(request_for("waits"));
  asked.get_future().wait();
  ASSERT_TRUE(held.entered(2));
  node_.reset();
  EXPECT_EQ(outer.get().state, task_state::failed);
  EXPECT_EQ(broken, 1);
}

TEST_F(EndingNode, KeepsDurableTasksWithWaitingCallersForTheNextStart) {
  held_call held;
  const auto call = [&held](const std::string& input, std::stop_token stop) {
    return held.run(input, stop);
  };
  start({{"told", call}});
  auto request = request_for("told");
  request.durable = true;
  std::promise<protocols::task_id> named;
  auto waits = node_->submit(request);
  ASSERT_TRUE(held.entered(1));
  node_.reset();
  EXPECT_THROW(static_cast<void>(waits.get()), std::future_error);
  held.let_go();
  start({{"told", call}});
  EXPECT_TRUE(eventually([&] { return node_->status().completed == 1; }));
}

// One waiting client of each kind: a task, a durable task, a chat stream, events, a cancelled task.
TEST_F(EndingNode, ClosesItsDoorOnEveryKindOfClient) {
  for (const std::size_t io_threads : {1U, 3U}) {
    held_call held;
    start({{"told", [&held](const std::string& input,
                            std::stop_token stop) { return held.run(input, stop); }}},
          io_threads);
    open_door();
    std::vector<raw_client> clients;
    const auto ask = [&](const std::string& request) {
      clients.emplace_back(door_->port());
      clients.back().send(request);
    };
    ask(post("/v1/tasks", R"({"specialist":"told","input":1})"));
    ask(post("/v1/tasks", R"({"specialist":"told","input":2,"durable":true})"));
    ask(post("/v1/tasks", R"({"specialist":"told","input":3,"idempotency_key":"k"})"));
    ask(post("/v1/tasks", R"({"specialist":"told","input":3,"idempotency_key":"k"})"));
    ask(post("/v1/chat/completions",
             R"({"model":"told","stream":true,"messages":[{"role":"user","content":"a"}]})"));
    ask(get("/v1/events?after=0"));
    ask(get("/metrics"));
    EXPECT_TRUE(held.entered(4)) << held.inside;
    ASSERT_FALSE(clients[5].until("event").empty() && clients[6].answer().empty());
    door_.reset();
    node_.reset();
    for (auto& one : clients) static_cast<void>(one.rest());
    held.let_go();
    std::filesystem::remove_all(folder_);
  }
}

TEST_F(EndingNode, DrainsWithCallersWaiting) {
  held_call held;
  start({{"told", [&held](const std::string& input, std::stop_token stop) {
            return held.run(input, stop);
          }}});
  open_door();
  raw_client waits{door_->port()}, chats{door_->port()};
  waits.send(post("/v1/tasks", R"({"specialist":"told","input":1})"));
  chats.send(post("/v1/chat/completions",
                  R"({"model":"told","stream":true,"messages":[{"role":"user","content":"a"}]})"));
  ASSERT_TRUE(held.entered(2));
  EXPECT_EQ(node_->drain(std::chrono::milliseconds{30}), 0U);
  door_->stop_accepting();
  EXPECT_NE(waits.answer().find(" 503 "), std::string::npos);
  EXPECT_NE(chats.answer().find(" 503 "), std::string::npos);
  door_->close();
  node_.reset();
}

// -- code of the embedding service --------------------------------------------

TEST_F(EndingNode, CatchesExceptionsOfCallbacksAndPublishesThem) {
  start({{"echo", [](const std::string& input) { return input; }}});
  std::atomic<int> calls{0};
  const auto listens = node_->on_event([&](const event& what) {
    if (what.kind != "callback.failed") throw std::runtime_error{"from a listener"};
    ++calls;
  });
  for (int i = 0; i < 3; ++i) {
    const auto outcome = node_->submit(request_for("echo"), [i](const task_view&) {
      if (i == 0) throw std::runtime_error{"from a \"callback\"\n\xff"};
      if (i == 1) throw 7;
    });
    EXPECT_TRUE(outcome.has_value());
  }
  EXPECT_TRUE(eventually([&] { return node_->status().completed == 3 && calls >= 2; }));
  // An exception of a listener at any event is reported, too.
  static_cast<void>(node_->drain(std::chrono::milliseconds{0}));
  std::size_t from_submit = 0, from_listener = 0;
  for (const auto& one : node_->events_after(0)) {
    if (one.kind != "callback.failed") continue;
    const auto fields = json::parse(one.json, nullptr, false);
    ASSERT_FALSE(fields.is_discarded()) << one.json;
    if (fields["callback"] == "submit") ++from_submit;
    if (fields["callback"] == "on_event") ++from_listener;
  }
  EXPECT_EQ(from_submit, 2U);
  EXPECT_GE(from_listener, 1U);
}

using EndingNodeDeathTest = EndingNode;

TEST_F(EndingNodeDeathTest, NamesTheMistakeOfAFutureInACallback) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        start({{"echo", [](const std::string& input) { return input; }}});
        std::promise<void> done;
        const auto outcome = node_->submit(request_for("echo"), [&](const task_view&) {
          static_cast<void>(node_->submit(request_for("echo")).get());
          done.set_value();
        });
        done.get_future().wait();
      },
      "submit with a future is called inside a callback");
}

TEST_F(EndingNodeDeathTest, NamesTheMistakeOfDestroyingItselfInACallable) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        start({{"ends", [this](const std::string& input) {
                  node_.reset();
                  return input;
                }}});
        node_->submit(request_for("ends")).wait();
      },
      "destroyed inside one of its own callbacks or callables");
}

TEST_F(EndingNode, LetsCallablesOnTheirOwnThreadsWaitForTasks) {
  start({{"outer",
          [this](const std::string&) { return node_->submit(request_for("inner")).get().output; }},
         {"inner", [](const std::string& input) { return input; }}});
  EXPECT_EQ(node_->submit(request_for("outer")).get().output, "1");
}

}  // namespace
}  // namespace greenroom::tests
