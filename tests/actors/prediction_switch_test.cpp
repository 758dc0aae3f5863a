// Prediction that does worse than a plain keep-alive, and the recorded traffic for `tune`.
#include "tests/support/office.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;

config::node wide_cast() {
  auto config = small_cast(3, 4);
  config.pool.max_warm = 12;  // Slots for all: only prediction itself cools.
  config.pool.min_residency = 0s;
  config.pool.cooldown = 5s;
  config.pool.warm_threshold = 0.6;
  config.pool.adaptive = false;
  return config;
}

/// Calls the specialist that went cold last, which is the one judged least likely.
class spiteful_office : public office {
public:
  explicit spiteful_office(const config::node& config) : office{config} {
    for (const auto& department : config.departments)
      for (const auto& one : department.specialists) names_.push_back(one.name);
    cold_since_.resize(names_.size());
  }
  void run_for(std::chrono::seconds time) {
    for (auto left = 2 * time.count(); left > 0; --left) {
      ++moment_;
      std::size_t latest = names_.size();
      for (std::size_t i = 0; i < names_.size(); ++i) {
        if (is_up(names_[i])) {
          cold_since_[i] = 0;
          continue;
        }
        if (cold_since_[i] == 0) cold_since_[i] = moment_;
        if (latest == names_.size() || cold_since_[i] > cold_since_[latest]) latest = i;
      }
      if (latest < names_.size() && moment_ % 4 == 0) ask(names_[latest]);
      pass(500ms);
      callers.clear();
    }
  }
  /// Lives until an event of this kind; false after `minutes_max` minutes.
  bool run_until(const std::string& kind, int minutes_max) {
    for (int minute = 0; minute < minutes_max; ++minute) {
      if (heard(kind) > 0) return true;
      run_for(60s);
    }
    return heard(kind) > 0;
  }
  bool predicts() {
    return shared->forecast.read(
        [](const actors::forecast_board::content& of) { return of.policy.predicting; });
  }
  std::uint64_t prewarms() {
    return shared->pools.of(protocols::pool_kind::intelligent).gauge.prewarms.load();
  }

private:
  std::vector<std::string> names_;
  std::vector<std::size_t> cold_since_;  ///< 0: warm.
  std::size_t moment_ = 0;
};

TEST(PredictionSwitch, GoesOffWhenKeepAliveDoesBetterAndIsTriedAgain) {
  spiteful_office node{wide_cast()};
  node.open();
  node.run_for(120s);
  EXPECT_TRUE(node.predicts());
  ASSERT_TRUE(node.run_until("prediction.off", 60)) << "two windows of 400 s should be enough";
  node.pass(2s);
  EXPECT_FALSE(node.predicts()) << "the board, from which metric and `predict` are read";
  // While prediction is off, nothing is prewarmed, and idle workers stay for a fixed time.
  const auto before = node.prewarms();
  node.run_for(300s);
  EXPECT_EQ(node.prewarms(), before);
  ASSERT_TRUE(node.run_until("prediction.retried", 90)) << "it gets another window";
  node.pass(2s);
  EXPECT_TRUE(node.predicts());
  // The events came in this order, with the keep-alive's duration.
  std::vector<std::string> said;
  for (const auto& one : node.shared->events.after(0)) {
    if (!one.kind.starts_with("prediction.")) continue;
    said.push_back(one.kind);
    EXPECT_NE(one.json.find("keep_s"), std::string::npos) << one.json;
  }
  ASSERT_GE(said.size(), 2u);
  EXPECT_EQ(said[0], "prediction.off");
  EXPECT_EQ(said[1], "prediction.retried");
}

TEST(PredictionSwitch, StaysOnForTrafficThatIsPredictable) {
  auto config = wide_cast();
  office node{config};
  node.open();
  for (int i = 0; i < 150; ++i) {
    node.ask("d0-s0");
    node.pass(1s);
    node.ask("d1-s1");
    node.pass(19s);
    node.callers.clear();
  }
  EXPECT_EQ(node.heard("prediction.off"), 0u);
  // It was on, and it was of use: the second one was started before its task came.
  EXPECT_TRUE(node.shared->forecast.read(
      [](const actors::forecast_board::content& of) { return of.policy.predicting; }));
  EXPECT_GT(node.shared->pools.of(protocols::pool_kind::intelligent).gauge.prewarm_hits.load(),
            50u);
}

TEST(Recording, KeepsTheLatestArrivalsInOrderWithTheirCases) {
  office node{wide_cast()};
  node.open();
  task_request request;
  request.case_id = "morning";
  node.ask("d0-s1", request);
  node.pass(2s);
  node.ask("d2-s3");
  node.pass(2s);
  node.ask("d0-s1", request);
  node.pass(2s);
  const auto tape = node.shared->forecast.recording();
  ASSERT_EQ(tape.size(), 3u);
  EXPECT_EQ(tape[0].specialist, 1u);
  EXPECT_EQ(tape[1].specialist, 11u);
  EXPECT_EQ(tape[2].specialist, 1u);
  EXPECT_NE(tape[0].case_key, 0u);
  EXPECT_EQ(tape[0].case_key, tape[2].case_key);
  EXPECT_EQ(tape[1].case_key, 0u);
  EXPECT_NEAR(static_cast<double>(tape[1].unix_us - tape[0].unix_us) * 1e-6, 2.0, 0.01);
}

TEST(Recording, ForgetsTheOldestWhenItIsFull) {
  actors::forecast_board board;
  std::vector<protocols::arrival> batch(1000);
  std::int64_t number = 0;
  const auto most = actors::forecast_board::recorded_max;
  for (std::size_t i = 0; i < most + 5000; i += batch.size()) {
    for (auto& one : batch) one = {0, 0, ++number};
    board.record(batch);
  }
  const auto tape = board.recording();
  ASSERT_EQ(tape.size(), most);
  EXPECT_EQ(tape.back().unix_us, number);
  EXPECT_EQ(tape.front().unix_us, number - static_cast<std::int64_t>(most) + 1);
}

TEST(Recording, OutlivesTheDirector) {
  auto config = wide_cast();
  config.supervision.restarts_max = 10;
  office node{config};
  node.open();
  node.ask("d0-s0");
  node.pass(2s);
  const auto before = node.shared->forecast.recording();
  ASSERT_EQ(before.size(), 1u);
  for (std::size_t i = 1; i <= 4; ++i) {
    node.kill("director");
    node.pass(5s);
    ASSERT_EQ(node.losses(R"({"actor":"director"})"), i);
    ASSERT_EQ(node.happened("actor.back", R"({"actor":"director"})"), i);
  }
  ASSERT_EQ(node.heard("actor.lost"), 4u) << "nobody else";
  node.ask("d1-s1");
  node.pass(5s);
  const auto tape = node.shared->forecast.recording();
  ASSERT_EQ(tape.size(), 2u);
  EXPECT_EQ(tape[0].specialist, before[0].specialist);
  EXPECT_EQ(tape[0].unix_us, before[0].unix_us);
  EXPECT_EQ(tape[1].specialist, 5u);
}

}  // namespace
}  // namespace greenroom::tests
