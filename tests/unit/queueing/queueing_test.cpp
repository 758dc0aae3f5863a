#include "runtime/queueing/admission_limits.hpp"
#include "runtime/queueing/fair_priority.hpp"

#include <gtest/gtest.h>

#include <array>

namespace greenroom::runtime {
namespace {

TEST(FairPriority, ServesTheHighestFirst) {
  fair_priority<3> lines;
  EXPECT_EQ(lines.pick({true, true, true}), 2u);
  EXPECT_EQ(lines.pick({true, true, false}), 1u);
  EXPECT_EQ(lines.pick({false, false, false}), std::nullopt);
}

TEST(FairPriority, StarvesNobody) {
  fair_priority<3> lines;
  std::array<int, 3> served{};
  for (int i = 0; i < 1000; ++i) ++served[*lines.pick({true, true, true})];
  EXPECT_GE(served[0], 90);
  EXPECT_GE(served[1], 90);
  EXPECT_GE(served[2], 700);
}

TEST(Admission, RefusesAtTheBoundAndNotBelow) {
  queue_state line{.depth = 63, .depth_max = 64};
  EXPECT_EQ(admit(line, 1'000'000'000).what, admission_result::admitted);
  line.depth = 64;
  EXPECT_EQ(admit(line, 1'000'000'000).what, admission_result::full);
  line = {.depth_max = 64, .total = 4096, .total_max = 4096};
  EXPECT_EQ(admit(line, 1'000'000'000).what, admission_result::full);
}

TEST(Admission, KeepsTheLastEighthFromLowPriority) {
  const queue_state line{.depth = 56, .depth_max = 64, .low_priority = true};
  EXPECT_EQ(admit(line, 1'000'000'000).what, admission_result::full);
  EXPECT_EQ(admit({.depth = 55, .depth_max = 64, .low_priority = true}, 1'000'000'000).what,
            admission_result::admitted);
}

TEST(Admission, ComputesWhenToRetryFromWhatWasMeasured) {
  const queue_state line{.depth = 64,
                         .depth_max = 64,
                         .concurrency = 4,
                         .run_ns = 2'000'000'000,
                         .start_ns = 300'000'000};
  EXPECT_EQ(admit(line, 1).retry_after_ns, 800'000'000);
  auto warm = line;
  warm.warm = true;
  EXPECT_EQ(admit(warm, 1).retry_after_ns, 500'000'000);
}

TEST(Admission, RefusesEarlyWhatCannotEndInTime) {
  queue_state line{
      .depth = 10, .depth_max = 64, .concurrency = 1, .run_ns = 1'000'000'000, .warm = true};
  EXPECT_EQ(admit(line, 11'000'000'000).what, admission_result::admitted);
  const auto late = admit(line, 11'000'000'000 - 1);
  EXPECT_EQ(late.what, admission_result::too_late);
  EXPECT_GT(late.retry_after_ns, 0);
  line.run_ns = 0;
  EXPECT_EQ(admit(line, 1).what, admission_result::admitted) << "a guess must not refuse";
}

TEST(Admission, SaysHowLongTheCircuitStaysOpen) {
  const auto shut = admit({.open_for_ns = 3'000'000'000}, 1);
  EXPECT_EQ(shut.what, admission_result::circuit_open);
  EXPECT_EQ(shut.retry_after_ns, 3'000'000'000);
}

}  // namespace
}  // namespace greenroom::runtime
