// The lock-free parts under many threads; run with the thread sanitizer too. No actors here: the
// actor library that Debian ships is not instrumented.
#include "runtime/machine/tasks/inbox.hpp"
#include "runtime/machine/tasks/ingress.hpp"
#include "runtime/machine/tasks/ledger.hpp"
#include "runtime/machine/tasks/waiting_line.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <semaphore>
#include <thread>
#include <vector>

namespace greenroom::machine {
namespace {

using protocols::task, protocols::task_location, protocols::task_ptr;

constexpr int producers = 4;
constexpr int each = 20'000;

TEST(TaskInbox, LosesAndDoublesNothingAndKeepsTheOrderOfEachProducer) {
  task_ledger ledger{std::size_t{1} << 17, 1};
  task_inbox inbox;
  std::counting_semaphore<> bell{0};
  std::vector<std::thread> threads;
  for (int p = 0; p < producers; ++p)
    threads.emplace_back([&, p] {
      for (int i = 0; i < each; ++i) {
        auto job = ledger.acquire();
        ASSERT_TRUE(job);
        job->specialist = static_cast<std::uint32_t>(p);
        job->department = static_cast<std::uint32_t>(i);
        if (inbox.push(std::move(job))) bell.release();
      }
    });
  std::vector<std::uint32_t> expected(producers, 0);
  int taken = 0;
  while (taken < producers * each) {
    for (auto* at = inbox.take(); at != nullptr;) {
      auto* after = at->next.load(std::memory_order_relaxed);
      const auto job = task_ptr::adopt(at);
      EXPECT_EQ(job->department, expected[job->specialist]++);
      ++taken;
      at = after;
    }
    // Sleeping is only allowed when nothing is left, and then the next push must wake us.
    if (inbox.try_sleep() && taken < producers * each) bell.acquire();
  }
  for (auto& one : threads) one.join();
  EXPECT_EQ(ledger.alive(), 0u);
}

template <class Ring>
class WaysIn : public testing::Test {};
using ways_in = testing::Types<ingress_ring<int*>, ingress_lanes<int*>>;
TYPED_TEST_SUITE(WaysIn, ways_in);

TYPED_TEST(WaysIn, WakeTheirTakerForEveryBatch) {
  TypeParam ring{1 << 10};
  std::counting_semaphore<> bell{0};
  std::atomic<long> sum{0};
  std::vector<int> values(1 << 10, 1);
  std::vector<std::thread> threads;
  for (int p = 0; p < producers; ++p)
    threads.emplace_back([&, p] {
      for (int i = 0; i < each; ++i) {
        auto* value = &values[static_cast<std::size_t>((p * each + i) & 1023)];
        auto how = ring.push(value);
        while (how == pushed::full) {
          std::this_thread::yield();
          how = ring.push(value);
        }
        if (how == pushed::wake) bell.release();
      }
    });
  std::size_t taken = 0;
  while (taken < static_cast<std::size_t>(producers) * each) {
    taken += ring.drain([&](int* value) { sum += *value; });
    if (ring.try_sleep() && taken < static_cast<std::size_t>(producers) * each) bell.acquire();
  }
  for (auto& one : threads) one.join();
  EXPECT_EQ(sum, producers * each);
}

// The push and the falling asleep meet each time. One push that is neither seen nor rings is one
// that nobody comes after to make good.
TYPED_TEST(WaysIn, NeverSleepOverTheOnlyPush) {
  constexpr std::uint64_t rounds = 30'000;
  constexpr std::chrono::seconds never{20};
  TypeParam ring{16};
  int value = 1;
  std::counting_semaphore<> bell{0};
  std::atomic<std::uint64_t> taken{0};
  bool lost = false;
  std::thread taker{[&] {
    std::uint64_t all = 0;
    while (all < rounds) {
      if (const auto some = ring.drain([](int*) {}); some > 0) {
        all += some;
        taken.store(all, std::memory_order_release);
      }
      if (all < rounds && ring.try_sleep() && !bell.try_acquire_for(never)) {
        lost = true;
        taken.store(rounds, std::memory_order_release);
        return;
      }
    }
  }};
  for (std::uint64_t i = 0; i < rounds; ++i) {
    if (ring.push(&value) == pushed::wake) bell.release();
    for (int looks = 0; taken.load(std::memory_order_acquire) <= i; ++looks)
      if (looks > 5000) std::this_thread::yield();
  }
  taker.join();
  EXPECT_FALSE(lost);
}

/// Batch after batch, until nothing is left.
template <class Ring, class Take>
std::size_t drain_all(Ring& ring, Take take) {
  std::size_t all = 0;
  while (const auto some = ring.drain(take)) all += some;
  return all;
}

TYPED_TEST(WaysIn, SayWhenTheyAreFullAndWakeOnlyOnce) {
  int value = 1;
  TypeParam ring{2};
  EXPECT_EQ(ring.push(&value), pushed::wake);
  EXPECT_EQ(ring.push(&value), pushed::taken);
  std::size_t inside = 2;
  while (ring.push(&value) != pushed::full) ++inside;
  EXPECT_FALSE(ring.empty());
  EXPECT_EQ(drain_all(ring, [](int*) {}), inside);
  EXPECT_TRUE(ring.empty());
  EXPECT_TRUE(ring.try_sleep());
  EXPECT_EQ(ring.push(&value), pushed::wake);
  EXPECT_FALSE(ring.try_sleep()) << "something is inside";
  EXPECT_EQ(ring.push(&value), pushed::taken);
}

TEST(IngressLanes, ServeMoreThreadsThanLanesOneAfterTheOtherAndAtOnce) {
  constexpr int crowd = 150;
  int value = 1;
  auto ring = std::make_unique<ingress_lanes<int*>>(crowd);
  for (int i = 0; i < crowd; ++i)
    std::thread{[&] { EXPECT_NE(ring->push(&value), pushed::full); }}.join();
  EXPECT_EQ(drain_all(*ring, [](int*) {}), static_cast<std::size_t>(crowd));
  std::counting_semaphore<> in{0}, out{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < crowd; ++i)
    threads.emplace_back([&] {
      EXPECT_NE(ring->push(&value), pushed::full);
      in.release();
      out.acquire();  // Nobody's lane is free before all have pushed.
    });
  for (int i = 0; i < crowd; ++i) in.acquire();
  EXPECT_EQ(drain_all(*ring, [](int*) {}), static_cast<std::size_t>(crowd));
  ring.reset();  // Before the threads that have lanes in it.
  out.release(crowd);
  for (auto& one : threads) one.join();
}

TEST(IngressLanes, HandOverABatchAtATimeAndTheOldestFirst) {
  ingress_lanes<int*> ring{16};
  std::vector<int> numbers(200);
  for (int i = 0; i < 200; ++i) numbers[static_cast<std::size_t>(i)] = i;
  for (auto& one : numbers) EXPECT_NE(ring.push(&one), pushed::full);
  int last = -1;
  const auto first = ring.drain([&](const int* number) { last = *number; });
  EXPECT_GT(first, 0u);
  EXPECT_LT(first, 200u) << "what a batch touches should fit into the caches";
  EXPECT_EQ(last + 1, static_cast<int>(first));
  EXPECT_FALSE(ring.empty());
  EXPECT_FALSE(ring.try_sleep());
}

TEST(IngressLanes, KeepTheOrderOfEachThread) {
  ingress_lanes<int*> ring{16};
  std::vector<int> numbers(400);
  for (int i = 0; i < 400; ++i) numbers[static_cast<std::size_t>(i)] = i;
  for (auto& one : numbers) EXPECT_NE(ring.push(&one), pushed::full);
  int expected = 0;
  drain_all(ring, [&](const int* number) { EXPECT_EQ(*number, expected++); });
  EXPECT_EQ(expected, 400);
}

TEST(TaskLedger, NeverHandsOutAPlaceTwiceAndCanBeLookedAtAnyTime) {
  task_ledger ledger{256, 7};
  std::atomic<bool> stop{false};
  std::atomic<int> inside{0};
  std::vector<std::atomic<int>> owners(256);
  std::thread looker{[&] {
    while (!stop) ledger.for_each([&](const task_ptr& job) { inside += job->slot < 256 ? 0 : 1; });
  }};
  std::vector<std::thread> threads;
  for (int p = 0; p < producers; ++p)
    threads.emplace_back([&] {
      for (int i = 0; i < each; ++i) {
        auto job = ledger.acquire();
        if (!job) continue;
        EXPECT_EQ(owners[job->slot].fetch_add(1), 0) << "one place, two tasks";
        job->location.store(task_location::ring, std::memory_order_release);
        const auto id = job->id;
        const auto again = ledger.find(id);
        EXPECT_TRUE(again && again->id == id);
        owners[job->slot].fetch_sub(1);
      }
    });
  for (auto& one : threads) one.join();
  stop = true;
  looker.join();
  EXPECT_EQ(ledger.alive(), 0u);
  EXPECT_EQ(inside, 0);
}

TEST(TaskLedger, RefusesWhenItIsFullAndFindsNothingThatIsGone) {
  task_ledger ledger{2, 7};
  auto first = ledger.acquire();
  auto second = ledger.acquire();
  EXPECT_FALSE(ledger.acquire());
  const auto id = first->id;
  EXPECT_FALSE(ledger.find(id)) << "a task at the door is nobody's business";
  first->location = task_location::ring;
  EXPECT_TRUE(ledger.find(id));
  first = {};
  EXPECT_FALSE(ledger.find(id));
  EXPECT_TRUE(ledger.acquire());
}

TEST(WaitingLine, KeepsTheOrderWithinAPriorityAndCountsRight) {
  task_ledger ledger{64, 7};
  waiting_line line;
  for (std::uint32_t i = 0; i < 9; ++i) {
    auto job = ledger.acquire();
    job->specialist = i;
    job->urgency = static_cast<protocols::priority>(i % 3);
    line.push_back(std::move(job));
  }
  EXPECT_EQ(line.size(), 9u);
  EXPECT_EQ(line.pop()->specialist, 2u);
  EXPECT_EQ(line.erase_if([](const task& job) { return job.specialist % 2 == 0; }), 4u);
  EXPECT_EQ(line.size(), 4u);
  EXPECT_EQ(line.pop()->specialist, 5u);
  line.clear();
  EXPECT_TRUE(line.empty());
  EXPECT_EQ(ledger.alive(), 0u);
}

}  // namespace
}  // namespace greenroom::machine
