// Views of tasks, from live tasks and from the journal.
#include "actors/node/task_views.hpp"

#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace greenroom::tests {
namespace {

using actors::view_of, actors::with_output;
using protocols::failure, protocols::task_state;

class TaskViews : public ::testing::Test {
protected:
  TaskViews() {
    config::node configuration;
    auto& department = configuration.departments.emplace_back();
    department.name = "D";
    auto& one = department.specialists.emplace_back();
    one.name = "s";
    one.backend.command = {"worker"};
    catalogs.replace(actors::make_catalog(std::move(configuration), nullptr));
    job.id = {1, 2};
    job.urgency = protocols::priority::high;
    job.accepted_unix_ms = 1'000;
    job.accepted_ns = 5'000'000;
    job.attempts = 2;
    job.cold_start = true;
  }
  void end(task_state state) {
    job.dispatched_ns = 9'000'000;
    job.ended_ns = 12'000'000;
    job.start_wait_ns = 3'000'000;
    job.output = "\"out\"";
    job.retry_after_ms = 250;
    job.state = state;
  }

  actors::catalog_store catalogs;
  protocols::task job;
};

TEST_F(TaskViews, ShowNoEndBeforeTheTaskHasEnded) {
  end(task_state::completed);
  job.state = task_state::running;
  const auto view = view_of(catalogs, job);
  EXPECT_EQ(view.state, task_state::running);
  EXPECT_EQ(view.specialist, "s");
  EXPECT_EQ(view.department, "D");
  EXPECT_EQ(view.urgency, protocols::priority::high);
  EXPECT_EQ(view.output, "");
  EXPECT_EQ(view.total_ms, 0);
  EXPECT_EQ(view.ended_unix_ms, 0);
}

TEST_F(TaskViews, OfAnAcceptedTaskHaveOnlyWhatOtherThreadsMayRead) {
  end(task_state::failed);
  job.why = failure::worker_failed;
  job.state = task_state::running;
  const auto view = actors::open_view_of(catalogs, job);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->id, job.id);
  EXPECT_EQ(view->state, task_state::running);
  EXPECT_EQ(view->specialist, "s");
  EXPECT_EQ(view->urgency, protocols::priority::high);
  EXPECT_EQ(view->accepted_unix_ms, 1'000);
  EXPECT_EQ(view->why, failure::none);
  EXPECT_EQ(view->attempts, 0U);
  EXPECT_FALSE(view->cold_start);
}

TEST_F(TaskViews, OfAnAcceptedTaskAreNothingOnceTheTaskHasEnded) {
  for (const auto state :
       {task_state::completed, task_state::failed, task_state::cancelled, task_state::unknown}) {
    end(state);
    EXPECT_FALSE(actors::open_view_of(catalogs, job)) << to_string(state);
  }
}

TEST_F(TaskViews, ShowTimesThatAddUpToTheTotal) {
  end(task_state::completed);
  const auto view = view_of(catalogs, job);
  EXPECT_EQ(view.output, "\"out\"");
  EXPECT_EQ(view.output_bytes, 5U);
  EXPECT_DOUBLE_EQ(view.total_ms, 7);
  EXPECT_DOUBLE_EQ(view.run_ms, 3);
  EXPECT_DOUBLE_EQ(view.start_ms, 3);
  EXPECT_DOUBLE_EQ(view.queue_ms, 1);
  EXPECT_EQ(view.ended_unix_ms, 1'007);
  EXPECT_EQ(view.attempts, 2U);
  EXPECT_TRUE(view.cold_start);
}

TEST_F(TaskViews, LeaveTheOutputOutOnRequest) {
  end(task_state::failed);
  job.why = failure::worker_failed;
  const auto view = view_of(catalogs, job, with_output::no);
  EXPECT_EQ(view.output, "");
  EXPECT_EQ(view.output_bytes, 0U);
  EXPECT_EQ(view.why, failure::worker_failed);
  EXPECT_EQ(view.retry_after, std::chrono::milliseconds{250});
}

TEST_F(TaskViews, HaveNoNamesForASpecialistThatTheCatalogDoesNotHave) {
  job.specialist = 17;
  const auto view = view_of(catalogs, job);
  EXPECT_EQ(view.specialist, "");
  EXPECT_EQ(view.department, "");
}

TEST_F(TaskViews, SayThatAnOpenTaskContinuesAfterTheNextStart) {
  job.state = task_state::queued;
  const auto left = actors::final_view_of(catalogs, job);
  EXPECT_EQ(left.state, task_state::queued);
  EXPECT_EQ(left.why, failure::draining);
  EXPECT_NE(left.output.find("journal"), std::string::npos);
  end(task_state::completed);
  EXPECT_EQ(actors::final_view_of(catalogs, job).why, failure::none);
}

TEST_F(TaskViews, ShowTheEndOfAStoredTaskAndTheSizeOfALeftOutOutput) {
  machine::stored_task stored;
  stored.accepted.id = {3, 4};
  stored.accepted.specialist = "old";
  stored.attempts = 1;
  EXPECT_EQ(view_of(stored).state, task_state::queued);
  EXPECT_EQ(view_of(stored).attempts, 1U);
  stored.ended.emplace();
  stored.ended->state = task_state::cancelled;
  stored.ended->attempts = 3;
  stored.ended->total_ms = 9.5;
  stored.output_left_out = true;
  stored.output_bytes = 12'345;
  const auto view = view_of(stored);
  EXPECT_EQ(view.state, task_state::cancelled);
  EXPECT_EQ(view.specialist, "old");
  EXPECT_EQ(view.attempts, 3U);
  EXPECT_EQ(view.output_bytes, 12'345U);
  EXPECT_TRUE(view.output_left_out);
  EXPECT_DOUBLE_EQ(view.total_ms, 9.5);
}

}  // namespace
}  // namespace greenroom::tests
