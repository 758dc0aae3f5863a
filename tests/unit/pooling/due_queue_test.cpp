#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "runtime/pooling/due_queue.hpp"

namespace greenroom::runtime {
namespace {

TEST(DueQueue, PopsInOrderWhateverWasMoved) {
  std::mt19937 random(11);
  due_queue queue;
  queue.grow(50);
  std::vector<double> expected(50, never_s);
  for (int i = 0; i < 5000; ++i) {
    const auto who = static_cast<specialist_index>(random() % 50);
    const double due_s = random() % 5 == 0 ? never_s : static_cast<double>(random() % 1000);
    queue.set(who, due_s);
    expected[who] = due_s;
    EXPECT_EQ(queue.next_s(), *std::min_element(expected.begin(), expected.end()));
  }
  double before_s = -1;
  while (!queue.empty()) {
    const double due_s = queue.next_s();
    EXPECT_GE(due_s, before_s);
    before_s = due_s;
    EXPECT_EQ(expected[queue.pop()], due_s);
  }
}

}  // namespace
}  // namespace greenroom::runtime
