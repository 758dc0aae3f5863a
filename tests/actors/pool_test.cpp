// A pool replaces lost children and gives up after too many losses; in virtual time.
#include "actors/supervision/pool.hpp"

#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;

TEST(Pool, ReplacesADepartmentThatGaveUpOnItsSpecialist) {
  auto config = small_cast(1, 1);
  config.supervision.restarts_max = config.departments[0].restart.intensity = 2;
  stage node{config};
  node.open();
  for (int i = 0; i < 3; ++i) {  // One more than the department's restart budget.
    EXPECT_EQ(node.losses(R"({"department":"D0"})"), 0u) << "after " << i;
    node.kill("specialist d0-s0");
    node.world.advance(1s);
  }
  EXPECT_EQ(node.losses(R"({"department":"D0"})"), 1u);
  EXPECT_EQ(node.happened("actor.back", R"({"department":"D0"})"), 1u);
  auto who = node.ask("d0-s0");
  node.world.advance(1s);
  node.get_ready("d0-s0");
  node.finish_one("d0-s0");
  EXPECT_EQ(who->ends, 1);
  EXPECT_TRUE(node.collapsed.empty());
}

}  // namespace
}  // namespace greenroom::tests
