// Times as text, at the edges of what a calendar has.
#include "protocols/base/time_text.hpp"

#include <gtest/gtest.h>

namespace greenroom::base {
namespace {

TEST(Rfc3339, IsUtcWithMilliseconds) {
  EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(rfc3339(1'714'564'800'250), "2024-05-01T12:00:00.250Z");
  EXPECT_EQ(rfc3339(951'782'399'999), "2000-02-28T23:59:59.999Z");
  EXPECT_EQ(rfc3339(951'782'400'000), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(rfc3339(253'402'300'799'999), "9999-12-31T23:59:59.999Z");
}

TEST(Rfc3339, GoesBackBeforeTheEpoch) { EXPECT_EQ(rfc3339(-1), "1969-12-31T23:59:59.999Z"); }

TEST(Rfc3339, RoundsSecondsToMilliseconds) {
  EXPECT_EQ(rfc3339_of_seconds(1714564800.2504), "2024-05-01T12:00:00.250Z");
  EXPECT_EQ(rfc3339_of_seconds(1714564800.2506), "2024-05-01T12:00:00.251Z");
}

}  // namespace
}  // namespace greenroom::base
