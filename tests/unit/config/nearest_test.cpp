#include "config/loader.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace greenroom::config {
namespace {

TEST(Nearest, PrefersFewerEditsAndNeverWildGuesses) {
  const std::vector<std::string> names{"max_warm", "cooldown", "mode", "adaptive"};
  EXPECT_EQ(nearest("max-warm", names), "max_warm");
  EXPECT_EQ(nearest("MaxWarm", names), "max_warm");
  EXPECT_EQ(nearest("coodlown", names), "cooldown");
  EXPECT_EQ(nearest("cooldown_time", names), "cooldown");
  EXPECT_EQ(nearest("zzzzzz", names), "");
  EXPECT_EQ(nearest("", names), "");
}

}  // namespace
}  // namespace greenroom::config
