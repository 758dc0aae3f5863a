#include "actors/state/catalog.hpp"

#include <gtest/gtest.h>

#include <string>

using namespace greenroom;
using actors::catalog;

namespace {

config::node cast_of(const std::vector<std::string>& names) {
  config::node result;
  result.departments.resize(1);
  result.departments[0].name = "D";
  for (const auto& name : names) {
    auto& one = result.departments[0].specialists.emplace_back();
    one.name = name;
  }
  return result;
}

}  // namespace

TEST(Cast, FindsNamesOfAnyLengthAndAliases) {
  const std::string at_most(24, 'a'), longer(25, 'a'), very_long(300, 'b');
  auto config = cast_of({"x", at_most, longer, very_long});
  config.departments[0].specialists[0].aliases = {"the-one", std::string(200, 'c')};
  const auto current = actors::make_catalog(config, nullptr);
  EXPECT_EQ(current->find("x"), 0u);
  EXPECT_EQ(current->find(at_most), 1u);
  EXPECT_EQ(current->find(longer), 2u);
  EXPECT_EQ(current->find(very_long), 3u);
  EXPECT_EQ(current->find("the-one"), 0u);
  EXPECT_EQ(current->find(std::string(200, 'c')), 0u);
  for (const auto* strange : {"", "y", "xx", "aaaaaaaaaaaaaaaaaaaaaaa"})
    EXPECT_EQ(current->find(strange), catalog::nobody) << strange;
}

TEST(Cast, DoesNotFindThoseWhoAreGoneAndKeepsTheNumbersOfTheOthers) {
  const auto before = actors::make_catalog(cast_of({"a", "b", "c"}), nullptr);
  auto without = cast_of({"a", "c", "d"});
  without.departments[0].specialists[1].aliases = {"see"};
  const auto after = actors::make_catalog(without, before.get());
  EXPECT_EQ(after->find("a"), 0u);
  EXPECT_EQ(after->find("b"), catalog::nobody);
  EXPECT_EQ(after->find("c"), 2u);
  EXPECT_EQ(after->find("see"), 2u);
  EXPECT_EQ(after->find("d"), 3u);
  EXPECT_TRUE(after->members[1].gone);
  EXPECT_EQ(after->nearest("bb").front(), "a");
}

TEST(Cast, SaysWhatATaskHasToKnow) {
  auto config = cast_of({"a"});
  config.departments[0].specialists[0].backend.task_timeout = std::chrono::seconds{7};
  config.departments[0].specialists[0].backend.concurrency = 3;
  const auto current = actors::make_catalog(config, nullptr);
  EXPECT_EQ(current->members[0].task_timeout_ns, 7'000'000'000);
  EXPECT_EQ(current->members[0].width, 3u);
  EXPECT_EQ(current->members[0].pending, 4u);
}
