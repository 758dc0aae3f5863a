#include "actors/state/stable_array.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <vector>

using greenroom::actors::stable_array;

namespace {

struct alignas(64) counted {
  counted() { ++alive; }
  ~counted() { --alive; }
  static inline int alive = 0;
};

}  // namespace

TEST(LastingRow, KeepsEveryoneWhereHeIsWhileItGrows) {
  stable_array<std::unique_ptr<int>> row;
  row.make_room(100);
  EXPECT_EQ(row.size(), 0u);
  row.grow(1);
  row[0] = std::make_unique<int>(7);
  const auto* const first = &row[0];
  row.grow(100);
  EXPECT_EQ(row.size(), 100u);
  EXPECT_EQ(row.room(), 100u);
  EXPECT_EQ(&row[0], first);
  EXPECT_EQ(*row[0], 7);
  row.grow(50);  // Shrinking has no effect.
  EXPECT_EQ(row.size(), 100u);
}

TEST(LastingRow, MakesOnlyThoseItWasAskedForAndEndsThemAll) {
  {
    stable_array<counted> row;
    row.make_room(10);
    row.grow(3);
    EXPECT_EQ(counted::alive, 3);
    EXPECT_EQ(row.end() - row.begin(), 3);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&row[1]) % alignof(counted), 0u);
  }
  EXPECT_EQ(counted::alive, 0);
}

TEST(LastingRow, HasNobodyBeforeThereIsRoom) {
  const stable_array<counted> row;
  EXPECT_EQ(row.begin(), row.end());
}
