// The way to a department of this node, without the department's actor.
#include "actors/mailbox/department_link.hpp"

#include "runtime/machine/tasks/ledger.hpp"

#include <gtest/gtest.h>

namespace greenroom::actors {
namespace {

TEST(DepartmentLink, KeepsATaskForTheNextDepartment) {
  machine::task_ledger ledger{8, 1};
  task_port port;
  local_department department{port};
  department_link& link = department;
  auto job = ledger.acquire();
  auto* const sent = job.get();
  link.submit(std::move(job), nullptr);
  auto* const taken = port.take();
  EXPECT_EQ(taken, sent);
  protocols::task_ptr::adopt(taken);
  EXPECT_EQ(ledger.alive(), 0u);
}

TEST(DepartmentLink, WakesADepartmentOnceAtTheTimeItAskedForAndNotBefore) {
  task_port port;
  local_department department{port};
  EXPECT_FALSE(department.wake_if_due(1000, nullptr)) << "no department asked for it";
  department.wake_at(1000, std::memory_order_seq_cst);
  EXPECT_TRUE(department.wake_if_due(999, nullptr)) << "later";
  EXPECT_EQ(port.take_signals(), 0u);
  EXPECT_FALSE(department.wake_if_due(1000, nullptr));
  EXPECT_EQ(port.take_signals(), local_department::due_bit);
  EXPECT_FALSE(department.wake_if_due(2000, nullptr));
  EXPECT_EQ(port.take_signals(), 0u);
}

}  // namespace
}  // namespace greenroom::actors
