// Hashes whose values are on disk, in traces and in running rollouts.
#include "protocols/base/hash.hpp"

#include <gtest/gtest.h>

namespace greenroom::base {
namespace {

TEST(Hash, IsFnv1aAsPublished) {
  // Test vectors of the FNV reference code.
  EXPECT_EQ(fnv1a(""), 0xcbf29ce484222325ULL);
  EXPECT_EQ(fnv1a("a"), 0xaf63dc4c8601ec8cULL);
  EXPECT_EQ(fnv1a("foobar"), 0x85944171f73967e8ULL);
}

TEST(Hash, MixesAsSplitMix64DoesAndKeepsItsRecordedValues) {
  // The first number of SplitMix64 from the state 0.
  EXPECT_EQ(mixed(golden_step), 0xe220a8397b1dcdafULL);
  EXPECT_EQ(mixed(0, 0), mixed(golden_step));
  EXPECT_NE(mixed(1, 2), mixed(2, 1));
  EXPECT_EQ(stable_hash("a"), mixed(0, fnv1a("a")));
  EXPECT_NE(stable_hash("a"), stable_hash("b"));
}

}  // namespace
}  // namespace greenroom::base
