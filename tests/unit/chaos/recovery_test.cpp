#include "runtime/chaos/recovery.hpp"

#include <gtest/gtest.h>

namespace greenroom::runtime::chaos {
namespace {

TEST(Recovery, CountsFromAKillToTheFirstSuccessOfATaskThatWasSentAfterIt) {
  recovery_book book;
  book.begin(1, 4, {}, 10);
  book.end(1, 10);
  book.success(4, 4, 9.9, 10.1);  // Sent before: it proves nothing.
  EXPECT_EQ(book.open(), 1U);
  book.success(3, 3, 10.2, 10.3);  // Another specialist.
  EXPECT_EQ(book.open(), 1U);
  book.success(4, 4, 10.2, 10.5);
  EXPECT_EQ(book.open(), 0U);
  book.success(4, 4, 10.6, 10.7);
  EXPECT_DOUBLE_EQ(*book.find(1)->recovery_s(), 0.5);
  EXPECT_DOUBLE_EQ(*book.find(1)->outage_s(), 0.5);
}

TEST(Recovery, CountsALeaseFromItsEndAndWhatWasFeltFromItsBeginning) {
  recovery_book book;
  book.begin(1, 4, {}, 10);
  book.success(4, 4, 10.5, 11);  // Served late, while it lasts.
  EXPECT_FALSE(book.find(1)->recovery_s());
  EXPECT_DOUBLE_EQ(*book.find(1)->outage_s(), 1);
  book.end(1, 12);
  book.success(4, 4, 11.9, 12.1);  // Sent while it lasted.
  EXPECT_EQ(book.open(), 1U);
  book.success(4, 4, 12, 12.25);
  EXPECT_DOUBLE_EQ(*book.find(1)->recovery_s(), 0.25);
}

TEST(Recovery, IsNotShownByOneWhoStandsIn) {
  recovery_book book;
  book.begin(1, 0, {}, 10);
  book.success(0, 1, 10.1, 10.2);  // The fallback answered.
  EXPECT_DOUBLE_EQ(*book.find(1)->outage_s(), 10.2 - 10);
  book.end(1, 15);
  book.success(0, 1, 15.1, 15.2);
  EXPECT_EQ(book.open(), 1U) << "the cloud itself has not answered";
  book.success(0, 0, 15.3, 15.4);
  EXPECT_DOUBLE_EQ(*book.find(1)->recovery_s(), 15.4 - 15);
}

TEST(Recovery, WaitsForAllThatIsNeeded) {
  recovery_book book;
  book.begin(7, 2, {.success = true, .back = true, .within = true}, 1);
  book.end(7, 2);
  book.success(2, 2, 2.1, 2.2);
  EXPECT_EQ(book.open(), 1U);
  book.back(7, 2.3);
  EXPECT_EQ(book.open(), 1U);
  book.memory(true, 1.5);  // While it lasted.
  EXPECT_EQ(book.open(), 1U);
  book.memory(false, 2.4);
  EXPECT_EQ(book.open(), 1U);
  book.memory(true, 2.6);
  EXPECT_EQ(book.open(), 0U);
  EXPECT_DOUBLE_EQ(*book.find(7)->recovery_s(), 2.6 - 2) << "the last of them counts";
  EXPECT_DOUBLE_EQ(book.find(7)->contained_s, 1.5);
}

TEST(Recovery, IsZeroWhenItWasBackBeforeTheEndWasWrittenDown) {
  recovery_book book;
  book.begin(1, 0, {.success = false, .back = true, .within = false}, 5);
  book.back(1, 4.999);
  book.end(1, 5);
  EXPECT_DOUBLE_EQ(*book.find(1)->recovery_s(), 0);
}

TEST(Recovery, ForgetsWhatNeverHappened) {
  recovery_book book;
  book.begin(1, 0, {}, 5);
  book.begin(2, 0, {}, 5);
  book.forget(1);
  EXPECT_EQ(book.find(1), nullptr);
  EXPECT_EQ(book.open(), 1U);
  book.end(9, 6);  // Unknown numbers are nobody's.
  book.back(9, 6);
  EXPECT_EQ(book.all().size(), 1U);
}

TEST(Recovery, IsSummarizedByNearestRank) {
  EXPECT_EQ(summarize({}).count, 0U);
  const auto one = summarize({3});
  EXPECT_DOUBLE_EQ(one.mean, 3);
  EXPECT_DOUBLE_EQ(one.p95, 3);
  std::vector<double> hundred;
  for (int i = 100; i > 0; --i) hundred.push_back(i);
  const auto all = summarize(hundred);
  EXPECT_DOUBLE_EQ(all.mean, 50.5);
  EXPECT_DOUBLE_EQ(all.p95, 95);
  EXPECT_DOUBLE_EQ(all.max, 100);
}

}  // namespace
}  // namespace greenroom::runtime::chaos
