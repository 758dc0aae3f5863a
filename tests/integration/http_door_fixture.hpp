// A whole node with C++ callables behind its HTTP door, over real sockets.
#pragma once

#include "actors/doors/http_door.hpp"
#include "actors/node/node.hpp"
#include "actors/node/parts.hpp"
#include "tests/machine/http/raw_client.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

namespace greenroom::tests {

using json = nlohmann::json;

/// Blocks callables until it is opened.
class latch {
public:
  void wait() {
    std::unique_lock lock{guard_};
    ++waiting_;
    changed_.notify_all();
    changed_.wait_for(lock, std::chrono::seconds{20}, [&] { return open_; });
  }
  void open() {
    const std::lock_guard lock{guard_};
    open_ = true;
    changed_.notify_all();
  }
  bool someone_waits() {
    std::unique_lock lock{guard_};
    return changed_.wait_for(lock, std::chrono::seconds{20}, [&] { return waiting_ > 0; });
  }

private:
  std::mutex guard_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

inline config::specialist function_specialist(const std::string& name) {
  config::specialist one;
  one.name = name;
  one.backend.kind = config::backend_kind::function;
  return one;
}

class http_door_fixture : public testing::Test {
protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path()
              / ("http-door-" + std::to_string(::getpid()) + "-"
                 + testing::UnitTest::GetInstance()->current_test_info()->name());
    config::node configuration;
    configuration.data_dir = folder_.string();
    configuration.pool.min_residency = std::chrono::milliseconds{0};
    config::department words;
    words.name = "WORDS";
    words.specialists = {function_specialist("echo"), function_specialist("twice"),
                         function_specialist("fails"), function_specialist("slow")};
    words.specialists[0].aliases = {"parrot"};
    configuration.departments = {words};
    configuration.workflows = {{"AGAIN", {"twice", "twice"}}, {"BROKEN", {"twice", "fails"}}};
    configuration.commands["say"] = {{}, "echo"};
    auto started = node::start(
        configuration,
        {{"echo", [](const std::string& input) { return input; }, true},
         {"twice", [](const std::string& input) { return "[" + input + "," + input + "]"; }, true},
         {"fails",
          [](const std::string&) -> std::string { throw std::runtime_error{"it cannot"}; }},
         {"slow", [this](const std::string& input) {
            latch_.wait();
            return input;
          }}});
    ASSERT_TRUE(started) << started.error().text;
    node_ = *std::move(started);
    doors::http_door_options options;
    auto opened = doors::http_door::open(*node_, *node_->inside().engine, options);
    ASSERT_TRUE(opened) << opened.error().text;
    door_ = *std::move(opened);
  }
  void TearDown() override {
    latch_.open();
    door_.reset();
    node_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string response_to(const std::string& request) {
    raw_client client{door_->port()};
    client.send(request);
    return client.answer();
  }
  std::string task(std::string_view body) { return response_to(post("/v1/tasks", body)); }
  static json read(std::string_view answer) { return json::parse(body_of(answer), nullptr, false); }

  latch latch_;
  std::filesystem::path folder_;
  std::unique_ptr<node> node_;
  std::unique_ptr<doors::http_door> door_;
};

}  // namespace greenroom::tests
