// Records of rollouts and rollbacks in which numbers are none, or impossible ones.
#include "tests/unit/rollout/plan_rig.hpp"

#include "runtime/monitoring/log_histogram.hpp"
#include "runtime/rollout/rollback_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace greenroom::runtime::rollout {
namespace {

constexpr const char* odd_values[] = {"nan",   "inf", "-inf", "-1",
                                      "1e308", "",    "x",    "18446744073709551615",
                                      "101",   "2",   "-0",   "99999999999999999999999"};

/// Every line of the record with another value in the place of its own.
template <class See>
void with_odd_values(const std::string& record, See see) {
  for (auto begin = record.find('\n') + 1; begin < record.size();) {
    const auto end = record.find('\n', begin);
    const auto equals = record.find('=', begin);
    if (equals < end) {
      for (const auto* odd : odd_values)
        see(record.substr(0, equals + 1) + odd + record.substr(end));
      // And each of several values.
      for (auto tab = record.find('\t', equals); tab < end; tab = record.find('\t', tab + 1)) {
        const auto next = std::min(record.find('\t', tab + 1), end);
        for (const auto* odd : odd_values)
          see(record.substr(0, tab + 1) + odd + record.substr(next));
      }
    }
    begin = end + 1;
  }
}

TEST(RecordNumbers, OfARolloutAreRefusedOrPossible) {
  rig here;
  here.plan.start("operator", here.now);
  ASSERT_TRUE(here.until(phase::partial_rollout, 25));
  here.step();
  std::size_t refused = 0, read = 0;
  with_odd_values(here.plan.encode(), [&](const std::string& text) {
    auto back = rollout_plan::decode(text, quick());
    if (!back) {
      ++refused;
      EXPECT_FALSE(back.error().text.empty());
      return;
    }
    ++read;
    EXPECT_GE(back->percentage(), 0) << text;
    EXPECT_LE(back->percentage(), 100) << text;
    static_cast<void>(back->restored(here.now + 15));
    static_cast<void>(back->tick(ready(), here.now + 30));
    EXPECT_GE(back->percentage(), 0) << text;
    EXPECT_LE(back->percentage(), 100) << text;
  });
  EXPECT_GT(refused, 100U);
  EXPECT_GT(read, 10U);
}

TEST(RecordNumbers, OfAHistogramAreRefusedOrPossible) {
  monitoring::log_histogram some;
  for (int i = 1; i < 50; ++i) static_cast<void>(some.add(i * 1.5));
  const auto text = some.encode();
  const auto read = monitoring::log_histogram::decode(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, some);
  for (const auto* odd :
       {"h1:1,1,1,18446744073709551615,1;.", "h1:nan,1,1,0,0;.", "h1:1,2,1,0,0;.",
        "h1:1,1,1,0,0;99999999=1,.", "h1:1,1,1,0,0;-1=1,.", "h1:1,1,1,0,0;5=4294967296,.",
        "h1:1,1,1,0,0;5=1,5=1,.", "h1:1,-1,1,0,0;.", "h1:1,1,1,0,0;5=1"})
    EXPECT_FALSE(monitoring::log_histogram::decode(odd)) << odd;
}

}  // namespace
}  // namespace greenroom::runtime::rollout
