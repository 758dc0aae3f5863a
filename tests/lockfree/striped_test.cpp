#include "runtime/machine/metrics/striped.hpp"

#include <gtest/gtest.h>

#include <barrier>
#include <thread>
#include <vector>

namespace {

using namespace greenroom::machine;

std::uint64_t total(const striped<counter>& of) {
  return of.sum([](const counter& one) -> const auto& { return one; });
}

void add_one(striped<counter>& to) {
  to.write([](counter& mine, bool alone) { count(mine, 1, alone); });
}

TEST(Striped, LosesNothingWithMoreThreadsThanThereAreStripes) {
  constexpr int threads = 100, each = 5'000;
  static_assert(threads > static_cast<int>(stripe::count));
  striped<counter> counts;
  std::barrier all_there{threads};
  std::atomic<bool> done{false};
  // What it sees never becomes less.
  std::thread reader{[&] {
    std::uint64_t last = 0;
    while (!done) {
      const auto now = total(counts);
      EXPECT_GE(now, last);
      last = now;
    }
  }};
  std::vector<std::thread> writers;
  for (int t = 0; t < threads; ++t)
    writers.emplace_back([&] {
      static_cast<void>(stripe::mine());
      all_there.arrive_and_wait();
      for (int i = 0; i < each; ++i) add_one(counts);
    });
  for (auto& one : writers) one.join();
  done = true;
  reader.join();
  EXPECT_EQ(total(counts), std::uint64_t{threads} * each);
}

TEST(Striped, LeavesTheStripeOfAThreadThatEndedToTheNextOne) {
  striped<counter> counts;
  for (int t = 0; t < 300; ++t)
    std::thread{[&] {
      EXPECT_TRUE(stripe::alone(stripe::mine()));
      EXPECT_EQ(stripe::mine(), stripe::mine());
      add_one(counts);
    }}.join();
  EXPECT_EQ(total(counts), 300U);
  int used = 0;
  counts.read([&](const counter&) { ++used; });
  EXPECT_LE(used, 2);
}

}  // namespace
