// Actors below the root are killed during work: every caller gets exactly one end, idempotent tasks
// are repeated, unsafe ones are not.
#include "actors/node/node.hpp"
#include "actors/node/parts.hpp"
#include "apps/chaos/kill_actor.hpp"
#include "tests/integration/support/live_node.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <csignal>
#include <map>
#include <mutex>
#include <random>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using protocols::task_state;

/// The actor that a test kills: the name for `apps::kill_actor`, and the field and value in the
/// events.
struct victim {
  std::string name;
  std::string in_events;
};
const victim the_dispatcher{"dispatcher", R"("actor":"dispatcher")"};
const victim the_pool{"pool", R"("actor":"intelligent pool")"};
const victim the_journal{"journal", R"("actor":"journal")"};
const victim the_director{"director", R"("actor":"director")"};
const victim the_department{"department STAGE", R"("department":"STAGE")"};
const victim the_sampler{"memory_sampler", R"("actor":"memory sampler")"};
const victim the_monitor{"monitor", R"("actor":"monitor")"};
const victim the_rollout{"rollout", R"("actor":"rollout")"};
const victim the_rollback{"rollback", R"("actor":"rollback")"};
const victim the_predictor{"predictor", R"("actor":"predictor")"};
victim specialist(const std::string& name) {
  return {"specialist " + name, R"("specialist":")" + name + '"'};
}

class KilledActors : public testing::Test {
protected:
  static constexpr std::array<const char*, 4> names{"s0", "s1", "s2", "once"};

  void SetUp() override {
    config::node configuration;
    configuration.data_dir = (stage_.folder() / "data").string();
    configuration.journal.fsync = false;
    configuration.pool.max_warm = 3;
    configuration.pool.min_residency = 0ms;
    configuration.retry = {5, 5ms, 50ms, 0.2};
    configuration.supervision = {1000, 60'000ms, 1ms};
    configuration.breaker.failures = 1000;
    config::department department;
    department.name = "STAGE";
    for (const auto* name : names) {
      config::specialist one;
      one.name = name;
      one.backend.kind = config::backend_kind::process;
      one.backend.command = {
          live_node::python(), "-S", "-E",
          std::string{GREENROOM_SOURCE_DIR} + "/tests/integration/support/told_worker.py",
          stage_.folder().string()};
      if (std::string_view{name} == "once") one.backend.side_effects = config::side_effects::unsafe;
      department.specialists.push_back(one);
    }
    configuration.departments = {department};
    auto started = node::start(configuration);
    ASSERT_TRUE(started) << started.error().text;
    node_ = *std::move(started);
  }
  void TearDown() override {
    node_.reset();
    EXPECT_TRUE(eventually([&] { return stage_.workers().empty(); }));
  }

  void kill(const victim& target) {
    auto& inside = node_->inside();
    ASSERT_TRUE(apps::kill_actor(inside.root, *inside.state, target.name)) << target.name;
  }

  static constexpr int tasks_total = 120;

  /// What the callers of one run saw.
  struct run_record {
    std::atomic<int> submitted{0}, ended{0};
    std::atomic<bool> is_stuck{false};
    std::mutex guard;
    std::map<std::string, int> ends;  ///< By token.
    std::vector<std::string> wrong;
  };

  void submit(run_record& run, const char* name, bool durable) {
    task_request request;
    request.specialist = name;
    request.durable = durable;
    const auto token = "t" + std::to_string(run.submitted++);
    request.input = json{{"do", "sleep"}, {"ms", 3}, {"token", token}}.dump();
    const auto outcome = node_->submit(request, [&run, token](task_view done) {
      const std::lock_guard lock{run.guard};
      ++run.ends[token];
      const bool fine = done.state == task_state::completed
                        || (done.specialist == "once" && done.state == task_state::unknown);
      if (!fine)
        run.wrong.push_back(done.specialist + ": " + std::string{to_string(done.state)} + " "
                            + done.output);
      ++run.ended;
    });
    if (outcome) return;
    const std::lock_guard lock{run.guard};
    run.wrong.push_back("refused: " + outcome.error().detail);
    ++run.ends[token];
    ++run.ended;
  }

  /// Submits tasks to the specialist, half of them durable, while fewer than eight are under way.
  void play_user(run_record& run, const char* name) {
    for (int i = 0; i < tasks_total / static_cast<int>(names.size()); ++i) {
      if (run.is_stuck
          || !eventually([&] { return run.submitted - run.ended < 8 || run.is_stuck; }))
        return;
      submit(run, name, i % 2 == 0);
    }
  }

  /// Kills one victim after every eighth end.
  void kill_in_turn(run_record& run, const std::vector<victim>& victims) {
    int killed = 0;
    for (const auto& one : victims) {
      const auto mark = std::min((killed + 1) * 8, tasks_total);
      if (!eventually([&] { return run.ended >= mark; })) {
        ADD_FAILURE() << "stuck at " << run.ended << " of " << mark << " after " << killed;
        run.is_stuck = true;
        return;
      }
      kill(one);
      ++killed;
    }
  }

  /// The node is intact: no task stays counted, and every specialist serves.
  void expect_intact() {
    EXPECT_TRUE(eventually([&] { return node_->status().pending == 0; }))
        << node_->status().pending;
    EXPECT_EQ(node_->status().queue_depth, 0U);
    for (const auto* name : names) {
      task_request request;
      request.specialist = name;
      request.input = "1";
      auto last = node_->submit(request);
      ASSERT_EQ(last.wait_for(30s), std::future_status::ready) << name;
      const auto view = last.get();
      EXPECT_EQ(view.state, task_state::completed) << name << ": " << view.output;
    }
    EXPECT_TRUE(eventually([&] { return stage_.workers().size() <= 3; }));
  }

  // One user for each specialist submits tasks, while the victims are killed.
  void survive(const std::vector<victim>& victims) {
    run_record run;
    std::vector<std::thread> users;
    for (const auto* name : names) users.emplace_back([&, name] { play_user(run, name); });
    kill_in_turn(run, victims);
    for (auto& user : users) user.join();
    if (run.is_stuck) {
      node_.reset();  // Callbacks of the node use `run`.
      return;
    }
    EXPECT_TRUE(eventually([&] { return run.ended == tasks_total; })) << run.ended;
    const std::lock_guard lock{run.guard};
    EXPECT_EQ(run.ends.size(), static_cast<std::size_t>(tasks_total));
    for (const auto& [token, times] : run.ends) EXPECT_EQ(times, 1) << token;
    EXPECT_TRUE(run.wrong.empty()) << run.wrong.size() << ", the first: " << run.wrong.front();
    std::map<std::string, int> runs;
    for (const auto& line : stage_.log())
      if (line.size() > 3 && line[0] == "run" && line[1] == "once") ++runs[line[3]];
    for (const auto& [token, times] : runs) EXPECT_EQ(times, 1) << token << " ran again";
    expect_intact();
  }

  // How often the actor was lost and replaced.
  std::pair<std::size_t, std::size_t> lost_and_back(const victim& target) const {
    std::pair<std::size_t, std::size_t> result;
    for (const auto& one : node_->events_after(0)) {
      if (one.json.find(target.in_events) == std::string::npos) continue;
      if (one.kind == "actor.lost") ++result.first;
      if (one.kind == "actor.back") ++result.second;
    }
    return result;
  }

  bool is_lost_and_back(const victim& target, std::size_t times) {
    return eventually([&] {
      const auto [lost, back] = lost_and_back(target);
      return lost >= times && lost == back;
    });
  }

  // All tasks end, and the actor is replaced as often as it was lost. A kill before the replacement
  // is not a further loss, so the kills that are missing to `times` follow one by one.
  void survive_without(const victim& target, std::size_t times) {
    survive(std::vector<victim>(times, target));
    if (HasFailure()) return;
    ASSERT_TRUE(is_lost_and_back(target, 1)) << target.name;
    while (lost_and_back(target).first < times) {
      const auto before = lost_and_back(target).first;
      kill(target);
      ASSERT_TRUE(is_lost_and_back(target, before + 1))
          << target.name << ": " << lost_and_back(target).first << " times lost, "
          << lost_and_back(target).second << " times back";
    }
    EXPECT_LE(lost_and_back(target).first, times) << target.name;
    expect_intact();
  }

  live_node stage_{"", {}};  // Only for its folder and its workers' log; it is not started.
  std::unique_ptr<node> node_;
};

TEST_F(KilledActors, LoseNothingWithTheDispatcher) { survive_without(the_dispatcher, 8); }
TEST_F(KilledActors, LoseNothingWithTheJournalActor) { survive_without(the_journal, 8); }
TEST_F(KilledActors, LoseNothingWithTheDirector) { survive_without(the_director, 8); }
TEST_F(KilledActors, LoseNothingWithADepartment) { survive_without(the_department, 8); }
TEST_F(KilledActors, LoseNothingWithThePool) { survive_without(the_pool, 6); }
TEST_F(KilledActors, LoseNothingWithASpecialist) {
  std::vector<victim> victims;
  for (std::size_t i = 0; i < 12; ++i) victims.push_back(specialist(names[i % names.size()]));
  survive(victims);
  // The department replaces lost specialists at once, and reports only the loss.
  for (const auto* name : names) EXPECT_GE(lost_and_back(specialist(name)).first, 1U) << name;
}
TEST_F(KilledActors, LoseNothingWithTheMemorySamplerThatMeasuresAgain) {
  survive_without(the_sampler, 6);
  // The new sampler must measure a worker that starts only now.
  const auto view = [&] { return *node_->specialist(names[0]); };
  const auto before = view().pid;
  if (before > 0) ::kill(before, SIGKILL);
  EXPECT_TRUE(eventually([&] {
    task_request request;
    request.specialist = names[0];
    request.input = "1";
    node_->submit(request).wait();
    const auto now = view();
    return now.pid > 0 && now.pid != before && now.memory_measured;
  }));
}
TEST_F(KilledActors, LoseNothingWithTheMonitorThatChecksAgain) {
  survive_without(the_monitor, 6);
  EXPECT_TRUE(node_->diagnose("errors"));
}
TEST_F(KilledActors, LoseNothingWithTheRolloutThatAnswersAgain) {
  const auto before = json::parse(node_->rollout());
  survive_without(the_rollout, 6);
  EXPECT_EQ(json::parse(node_->rollout())["phase"], before["phase"]);
}
TEST_F(KilledActors, LoseNothingWithTheRollbackThatWatchesAgain) {
  const auto before = node_->rollbacks();
  survive_without(the_rollback, 6);
  EXPECT_EQ(node_->rollbacks(), before) << "its death is no reason to roll back";
}
TEST_F(KilledActors, LoseNothingWithThePredictorThatPredictsAgain) {
  survive_without(the_predictor, 6);
  EXPECT_TRUE(eventually([&] { return !node_->predictions().empty(); }));
}
TEST_F(KilledActors, LoseNothingWithMonitorRolloutAndRollbackAtOnce) {
  const std::vector<victim> watchers{the_sampler,  the_monitor,   the_rollout,
                                     the_rollback, the_predictor, the_journal};
  auto twice = watchers;
  twice.insert(twice.end(), watchers.begin(), watchers.end());
  survive(twice);
  for (const auto& one : watchers) EXPECT_GE(lost_and_back(one).first, 1U) << one.name;
}

TEST_F(KilledActors, LoseNothingWhenAnyActorDiesInAnyOrder) {
  const std::vector<victim> all{the_dispatcher,   the_pool,         the_journal,
                                the_director,     the_department,   specialist("s0"),
                                specialist("s1"), specialist("s2"), specialist("once")};
  std::mt19937_64 chance{20'261'121};
  std::vector<victim> victims;
  for (int i = 0; i < 13; ++i) victims.push_back(all[chance() % all.size()]);
  survive(victims);
  std::size_t lost = 0;
  for (const auto& one : node_->events_after(0))
    if (one.kind == "actor.lost") ++lost;
  EXPECT_GE(lost, victims.size() / 2);
}

}  // namespace
}  // namespace greenroom::tests
