// A node that is reloaded many times: earlier catalogs are freed, and no reload is undone.
#include "actors/node/deployment_check.hpp"
#include "actors/node/node.hpp"
#include "actors/node/parts.hpp"

#include "tests/integration/support/live_node.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace greenroom::tests {
namespace {

using protocols::task_state;

class ReloadedNode : public testing::Test {
protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path()
              / ("node-reload-" + std::to_string(::getpid()) + "-"
                 + testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
    configuration_.data_dir = folder_.string();
    configuration_.journal.fsync = false;
    auto& department = configuration_.departments.emplace_back();
    department.name = "D";
    auto& call = department.specialists.emplace_back();
    call.name = "call";
    call.backend.kind = config::backend_kind::function;
    add("worker-0");
  }
  void TearDown() override {
    node_.reset();
    std::filesystem::remove_all(folder_);
  }
  /// A specialist without tasks, which therefore has no process.
  config::specialist& add(const std::string& name) {
    auto& one = configuration_.departments[0].specialists.emplace_back();
    one.name = name;
    one.backend.command = {"/bin/false"};
    return one;
  }
  void start(machine::callable_function call) {
    auto started = node::start(configuration_, {{"call", std::move(call)}});
    ASSERT_TRUE(started) << started.error().text;
    node_ = *std::move(started);
  }
  void start() {
    start([](const std::string& input) { return input; });
  }
  void reload() {
    const auto applied = node_->reload(configuration_);
    ASSERT_TRUE(applied) << applied.error().text;
  }
  [[nodiscard]] actors::node_state& shared() const { return *node_->inside().state; }

  std::filesystem::path folder_;
  config::node configuration_;
  std::unique_ptr<node> node_;
};

TEST_F(ReloadedNode, FreesCatalogsReadByTheThreadThatListsAndReloads) {
  // A task of an earlier life is looked up in the cast at the start.
  std::promise<void> running;
  start([&running](const std::string& input, const std::stop_token& stop) {
    running.set_value();
    std::mutex mutex;
    std::unique_lock lock{mutex};
    std::condition_variable_any never;
    never.wait(lock, stop, [] { return false; });
    return input;
  });
  task_request request;
  request.specialist = "call";
  request.input = "1";
  request.durable = true;
  auto left = node_->submit(std::move(request));
  running.get_future().wait();
  node_.reset();
  std::vector<std::weak_ptr<const actors::catalog>> casts;
  // A new thread has not cached a catalog yet.
  std::thread{[&] {
    start();
    constexpr int reloads = 100;
    for (int i = 1; i <= reloads; ++i) {
      casts.emplace_back(shared().catalogs.shared());
      configuration_.departments[0].specialists[1].name = "worker-" + std::to_string(i);
      reload();
      EXPECT_EQ(node_->configuration().departments[0].specialists[1].name,
                "worker-" + std::to_string(i));
      static_cast<void>(node_->list({}));
      static_cast<void>(node_->inside().run_aside([] {}));
    }
    // Each thread of the node may hold the catalog that it read last.
    EXPECT_TRUE(eventually([&] {
      return std::ranges::count_if(casts, [](const auto& one) { return !one.expired(); }) < 50;
    }));
    EXPECT_TRUE(eventually([&] { return !shared().vacant().empty(); }));
    const auto members = shared().catalogs.shared()->members.size();
    configuration_.departments[0].specialists[1].name = "last";
    reload();
    EXPECT_EQ(shared().catalogs.shared()->members.size(), members)
        << "a number could be used again";
  }}.join();
}

TEST_F(ReloadedNode, IsNotUndoneByAConcurrentTuning) {
  start();
  std::atomic<bool> over{false};
  std::thread tunes{[&] {
    for (std::size_t i = 0; !over; ++i) {
      node::pool_settings wanted;
      wanted.max_warm = 1 + i % 5;
      static_cast<void>(node_->tune(wanted));
    }
  }};
  for (int i = 0; i < 300; ++i) {
    configuration_.departments[0].specialists[1].aliases = {"alias-" + std::to_string(i)};
    reload();
    std::this_thread::yield();
    EXPECT_EQ(node_->configuration().departments[0].specialists[1].aliases,
              configuration_.departments[0].specialists[1].aliases);
  }
  over = true;
  tunes.join();
}

TEST_F(ReloadedNode, ChecksALargeDeploymentOfUnsafeSpecialists) {
  constexpr std::size_t many = 12'000;
  configuration_.departments[0].specialists[1].backend.side_effects = config::side_effects::unsafe;
  for (std::size_t i = 1; i <= many; ++i)
    add("unsafe-" + std::to_string(i)).backend.side_effects = config::side_effects::unsafe;
  start();
  std::promise<std::string> report;
  auto found = report.get_future();
  actors::check_deployment(*node_, [&](std::string text) { report.set_value(std::move(text)); });
  const auto deployment = json::parse(found.get());
  EXPECT_EQ(deployment.at("checked"), many + 2);
}

}  // namespace
}  // namespace greenroom::tests
