#include "actors/state/name_index.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

using greenroom::actors::name_index;

namespace {

std::vector<std::string> names(std::size_t count) {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < count; ++i) result.push_back("someone-" + std::to_string(i));
  return result;
}

}  // namespace

TEST(NameIndex, FindsEachOfManyAndNobodyElse) {
  const auto known = names(5000);
  name_index index{known.size()};
  for (std::uint32_t i = 0; i < known.size(); ++i) index.add(known[i], i);
  for (std::uint32_t i = 0; i < known.size(); ++i)
    EXPECT_EQ(index.find(known[i], [&](std::uint32_t at) { return known[at] == known[i]; }), i);
  for (const auto* strange : {"", "someone", "someone-5000", "Someone-1"})
    EXPECT_EQ(index.find(strange, [&](std::uint32_t at) { return known[at] == strange; }),
              name_index::nobody);
}

TEST(NameIndex, AsksOnlyAboutThoseThatLookAlike) {
  const auto known = names(5000);
  name_index index{known.size()};
  for (std::uint32_t i = 0; i < known.size(); ++i) index.add(known[i], i);
  std::size_t asked = 0;
  for (const auto& name : known)
    static_cast<void>(index.find(name, [&](std::uint32_t at) {
      ++asked;
      return known[at] == name;
    }));
  EXPECT_EQ(asked, known.size());
}

TEST(NameIndex, FindsTheFirstOfEqualNames) {
  name_index index{2};
  index.add("twin", 7);
  index.add("twin", 3);
  EXPECT_EQ(index.find("twin", [](std::uint32_t) { return true; }), 7u);
  EXPECT_EQ(index.find("twin", [](std::uint32_t at) { return at == 3; }), 3u);
}

TEST(NameIndex, FindsNobodyWhenItIsEmpty) {
  EXPECT_EQ(name_index{}.find("anyone", [](std::uint32_t) { return true; }), name_index::nobody);
}
