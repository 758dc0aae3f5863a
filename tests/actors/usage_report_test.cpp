// Departments' reports to their director: which specialists were called, and when.
#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t departments = 20;

/// One callable in each of many departments.
class UsageReport : public testing::Test {
protected:
  UsageReport() {
    node.open();
    node.world.advance(2s);
  }
  static config::node configuration() {
    auto config = small_cast(departments, 1);
    for (auto& one : config.departments)
      one.specialists[0].backend.kind = config::backend_kind::function;
    return config;
  }
  static actors::callable_table table() {
    actors::callable_table result;
    for (std::size_t i = 0; i < departments; ++i)
      result[name(i)] = {[](const std::string& input) { return input; }, true};
    return result;
  }
  static std::string name(std::size_t department) {
    return "d" + std::to_string(department) + "-s0";
  }
  void ask(std::size_t department) {
    task_request request;
    request.input = "1";
    node.ask(name(department), request);
    node.world.dispatch();
  }
  void ask_all() {
    for (std::size_t i = 0; i < departments; ++i) ask(i);
  }
  [[nodiscard]] std::size_t reports() const { return node.shared->forecast.recording().size(); }
  [[nodiscard]] std::size_t timers() { return node.world.timers(); }

  stage node{configuration(), table()};
};

TEST_F(UsageReport, IsSentByEveryDepartmentWithinAPeriod) {
  ask_all();
  EXPECT_EQ(reports(), 0u);
  node.world.advance(61ms);  // 50 ms, plus the dispatcher's check every 10 ms.
  EXPECT_EQ(reports(), departments);
  EXPECT_TRUE(node.everyone_heard_once());
}

TEST_F(UsageReport, TakesOneTimerForAllOfThem) {
  const auto before = timers();
  ask_all();
  EXPECT_EQ(timers(), before + 1);
  node.world.advance(61ms);
  EXPECT_EQ(reports(), departments);
}

TEST_F(UsageReport, DoesNotComeFromAllAtOnce) {
  ask_all();
  std::size_t most = 0;
  for (int i = 0; i < 61; ++i) {
    const auto before = reports();
    node.world.advance(1ms);
    most = std::max(most, reports() - before);
  }
  EXPECT_EQ(reports(), departments);
  EXPECT_LE(most, departments / 2);
}

TEST_F(UsageReport, IsSentAlsoWhenTheDispatcherIsLostBeforeItsTime) {
  ask_all();
  node.kill("dispatcher");
  node.world.advance(2s);
  ASSERT_EQ(node.losses(R"({"actor":"dispatcher"})"), 1u);
  ask(0);  // Its first task wakes the new dispatcher.
  node.world.advance(61ms);
  EXPECT_EQ(reports(), departments + 1);
}

TEST_F(UsageReport, TellsOfOneWhoIsCalledThousandsOfTimesASecondHardlyEver) {
  const auto in_a_second = [this](int times_a_millisecond, int every_ms) {
    const auto before = reports();
    for (int ms = 0; ms < 1000; ++ms) {
      if (ms % every_ms == 0)
        for (int i = 0; i < times_a_millisecond; ++i) ask(0);
      node.world.advance(1ms);
    }
    node.world.advance(61ms);
    return reports() - before;
  };
  static_cast<void>(in_a_second(5, 1));  // At first some reports are sent at once.
  EXPECT_LE(in_a_second(5, 1), 2u);
  node.world.advance(5s);
  EXPECT_GE(in_a_second(1, 20), 20u) << "fifty a second are worth a look each 50 ms";
}

}  // namespace
}  // namespace greenroom::tests
