// A repeated idempotency key: the caller gets the existing task's end.
#include "actors/tasks/idempotency_responder.hpp"

#include "actors/state/catalog.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>

namespace greenroom::actors {
namespace {

using protocols::failure, protocols::task_state;

/// Records both states of the task: some observers read one, some the other.
struct recording_observer final : protocols::task_observer {
  void on_accepted(const protocols::task&) noexcept override { ++accepted; }
  void on_end(const protocols::task& job) noexcept override {
    ++ends;
    state = job.state;
    end_state = job.end_state;
    why = job.why;
    output = job.output;
  }
  int accepted = 0, ends = 0;
  task_state state = task_state::queued, end_state = task_state::queued;
  failure why = failure::none;
  std::string output;
};

class IdempotencyResponder : public testing::Test {
protected:
  IdempotencyResponder() {
    config::node config;
    auto& department = config.departments.emplace_back();
    department.name = "D";
    department.specialists.emplace_back().name = "s";
    catalogs_.replace(make_catalog(config, nullptr));
  }
  /// The answer to a repeated key when the journal has `stored`, or cannot be read.
  std::shared_ptr<recording_observer> answer(std::optional<machine::stored_task> stored) {
    auto caller = std::make_shared<recording_observer>();
    idempotency_responder handler{catalogs_,
                                  waiters_,
                                  caller,
                                  {[](const protocols::task_id&) { return protocols::task_ptr{}; },
                                   [&](const protocols::task_id&) { return stored; }}};
    handler.on_existing({1, 1});
    return caller;
  }
  static machine::stored_task ended(task_state state, failure why, std::string output) {
    machine::stored_task result;
    result.accepted.id = {1, 1};
    result.accepted.specialist = "s";
    auto& end = result.ended.emplace();
    end.state = state;
    end.why = why;
    end.output = std::move(output);
    return result;
  }

private:
  catalog_store catalogs_;
  idempotency_waiters waiters_;
};

TEST_F(IdempotencyResponder, ReportsTheStoredEndInBothStates) {
  const auto completed = answer(ended(task_state::completed, failure::none, "7"));
  EXPECT_EQ(completed->accepted, 1);
  EXPECT_EQ(completed->ends, 1);
  EXPECT_EQ(completed->state, task_state::completed);
  EXPECT_EQ(completed->end_state, task_state::completed);
  EXPECT_EQ(completed->output, "7");
  const auto failed = answer(ended(task_state::failed, failure::worker_failed, "no"));
  EXPECT_EQ(failed->state, task_state::failed);
  EXPECT_EQ(failed->end_state, task_state::failed);
  EXPECT_EQ(failed->why, failure::worker_failed);
}

TEST_F(IdempotencyResponder, FailsInBothStatesWithoutAStoredEnd) {
  machine::stored_task open;
  open.accepted.id = {1, 1};
  for (const auto& stored : {std::optional<machine::stored_task>{}, std::optional{open}}) {
    const auto caller = answer(stored);
    EXPECT_EQ(caller->accepted, 0);
    EXPECT_EQ(caller->ends, 1);
    EXPECT_EQ(caller->state, task_state::failed);
    EXPECT_EQ(caller->end_state, task_state::failed);
    EXPECT_EQ(caller->why, failure::journal_unavailable);
  }
}

}  // namespace
}  // namespace greenroom::actors
