// The tasks that a worker process has, and what it says unasked.
#include "runtime/machine/worker/open_tasks.hpp"
#include "runtime/machine/tasks/ledger.hpp"
#include "runtime/machine/worker/flood_limit.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

namespace greenroom::machine {
namespace {

/// From a ledger that outlives every test.
protocols::task_ptr some_task() {
  static auto* const ledger = new task_ledger{64, 1};
  return ledger->acquire();
}

TEST(OpenTasks, AreFoundByNameAndByTaskUntilTheyEnd) {
  open_tasks open{4};
  const auto first = some_task();
  const auto second = some_task();
  open.add("1", first);
  EXPECT_EQ(open.only()->name, "1");
  open.add("2", second);
  EXPECT_EQ(open.only(), nullptr);
  ASSERT_NE(open.find("1"), nullptr);
  EXPECT_EQ(open.find(second)->name, "2");
  EXPECT_EQ(open.take(*open.find("1")), first);
  EXPECT_EQ(open.find("1"), nullptr);
  EXPECT_EQ(open.find(second)->name, "2") << "the last one has taken the place of the first";
  EXPECT_EQ(open.take_all().size(), 1U);
  EXPECT_TRUE(open.empty());
}

TEST(OpenTasks, KnowTheLateAnswerOfADroppedTaskOnce) {
  open_tasks open{2};
  open.add("1", some_task());
  open.drop(*open.find("1"));
  EXPECT_TRUE(open.empty());
  EXPECT_TRUE(open.is_late("1"));
  EXPECT_FALSE(open.is_late("1"));
  EXPECT_FALSE(open.is_late("2"));
}

TEST(OpenTasks, EndWithTheAnswerToTheirPing) {
  open_tasks open{3};
  for (const auto* name : {"1", "2", "3"}) open.add(name, some_task());
  open.find("1")->ping = 1;
  open.find("2")->ping = 2;
  const auto free = open.take_pinged(1);
  ASSERT_EQ(free.size(), 1U);
  EXPECT_EQ(free[0].name, "1");
  EXPECT_NE(open.find("2"), nullptr) << "its ping has no answer yet";
  EXPECT_NE(open.find("3"), nullptr) << "it has no ping";
  EXPECT_TRUE(open.is_late("1"));
}

TEST(FloodLimit, CountsMessagesOfASecondAndBytesOnAverage) {
  constexpr std::int64_t second_ns = 1'000'000'000;
  flood_limit flood;
  std::int64_t now = 10 * second_ns;
  for (int i = 0; i < 1000; ++i) flood.count(1, now);
  EXPECT_FALSE(flood.too_many_messages());
  flood.count(1, now);
  EXPECT_TRUE(flood.too_many_messages());
  now += 2 * second_ns;
  flood.count(1, now);
  EXPECT_FALSE(flood.too_many_messages()) << "a new second";
  for (int i = 0; i < 4; ++i) flood.count(std::size_t{1} << 30, now);
  EXPECT_TRUE(flood.too_many_bytes()) << "four messages of at most 4 MiB, and a little more";
  flood.count(1, now + 10 * second_ns);
  EXPECT_FALSE(flood.too_many_bytes());
}

}  // namespace
}  // namespace greenroom::machine
