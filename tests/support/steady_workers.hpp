// Workers with fixed times to start, to run a task and to stop.
#pragma once

#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>

namespace greenroom::tests {

/// Moves a stage's puppets and time in small steps.
class steady_workers {
public:
  using ns = std::chrono::nanoseconds;
  struct times {
    ns start{}, run{}, stop{};
  };
  static constexpr std::chrono::milliseconds step{10};

  steady_workers(stage& node, times takes) : node_{node}, takes_{takes} {}

  /// One step of every worker, in random order.
  void run_step(std::mt19937_64& chance) {
    for (std::size_t i = 0; i < node_.all.size(); ++i)
      if (const auto one = node_.all[i]; !one->gone) move(*one);
    node_.world.dispatch(chance);
    node_.world.advance(step);
  }
  /// Steps until `done()`; false when `most` passed first.
  template <class Done>
  bool run_until(std::mt19937_64& chance, ns most, Done done) {
    const auto end = node_.world.now_ns() + most.count();
    while (!done()) {
      if (node_.world.now_ns() >= end) return false;
      run_step(chance);
    }
    return true;
  }

  /// Calls every specialist in turn; each call must be served within `most`.
  void expect_progress(std::mt19937_64& chance, ns most) {
    const auto& members = node_.shared->catalogs.now().members;
    for (std::uint32_t who = 0; who < members.size(); ++who) {
      if (members[who].gone) continue;
      std::shared_ptr<caller> mine;
      const bool served = run_until(chance, most, [&] {
        // An open circuit refuses at admission.
        if (!mine) {
          mine = node_.ask(members[who].config.name);
          if (node_.refused) mine.reset();
        }
        return mine && mine->ends > 0;
      });
      std::string text = members[who].config.name;
      if (!served || mine->state != protocols::task_state::completed) {
        text += mine ? " was let in; " + mine->output : " was refused";
        for (const auto& one : node_.events()) text += "\n" + one;
      }
      ASSERT_TRUE(served) << text;
      ASSERT_EQ(mine->state, protocols::task_state::completed) << text;
    }
  }

private:
  enum class doing : std::uint8_t { nothing, starting, running, stopping };
  struct state {
    doing what = doing::nothing;
    std::int64_t until_ns = 0;
    bool ready = false;
  };

  void move(puppet& one) {
    auto& mine = known_[&one];
    const auto now = node_.world.now_ns();
    const auto begin = [&](doing what, ns takes) {
      if (mine.what != what) mine = {what, now + takes.count(), mine.ready};
      return now >= mine.until_ns;
    };
    if (one.stopping) {
      if (begin(doing::stopping, takes_.stop)) one.die();
      return;
    }
    if (!mine.ready) {
      // A worker that was ready before may report it again; that has no effect.
      if (!begin(doing::starting, takes_.start)) return;
      mine = {doing::nothing, 0, true};
      one.get_ready();
    }
    if (one.held.empty()) {
      mine.what = doing::nothing;
      return;
    }
    if (!begin(doing::running, takes_.run)) return;
    mine.what = doing::nothing;
    one.finish_one();
  }

  stage& node_;
  times takes_;
  std::map<const puppet*, state> known_;
};

}  // namespace greenroom::tests
