#include "runtime/prediction/numbered_names.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace greenroom::runtime {
namespace {

using members = std::vector<numbered_names::member>;

TEST(NumberedNames, FollowANameToAnotherIndex) {
  numbered_names names;
  names.adopt(members{{"a"}, {"b"}});
  const auto b = names.number_of(1);
  names.adopt(members{{"b"}, {"c"}, {"a"}});
  EXPECT_EQ(names.number_of(0), b);
  EXPECT_EQ(names.index_of(b), 0U);
  EXPECT_EQ(names.size(), 3U);
  EXPECT_EQ(names.number_of(3), numbered_names::none);
}

TEST(NumberedNames, KeepTheNumberOfANameThatIsRemovedAndComesBack) {
  numbered_names names;
  names.adopt(members{{"a"}, {"b"}});
  const auto b = names.number_of(1);
  names.adopt(members{{"a"}, {"b", true}});
  EXPECT_EQ(names.index_of(b), numbered_names::none);
  names.adopt(members{{"a"}, {"b"}});
  EXPECT_EQ(names.number_of(1), b);
  EXPECT_EQ(names.index_of(b), 1U);
}

TEST(NumberedNames, AreBoundedWhenEveryReloadBringsANewName) {
  numbered_names names;
  std::vector<std::string> texts;
  texts.reserve(2000);
  for (int i = 0; i < 2000; ++i) {
    texts.push_back("name " + std::to_string(i));
    names.adopt(members{{texts.back()}});
    EXPECT_EQ(names.index_of(names.number_of(0)), 0U);
  }
  EXPECT_LE(names.size(), 1027U);
}

TEST(NumberedNames, TravelUnderOneSealWithTheModel) {
  numbered_names names;
  names.adopt(members{{"a"}, {"b"}});
  auto sealed = names.sealed_with("model");
  numbered_names again;
  const auto model = again.restore(sealed);
  ASSERT_TRUE(model);
  EXPECT_EQ(*model, "model");
  again.adopt(members{{"b"}});
  EXPECT_EQ(again.number_of(0), names.number_of(1));
  sealed[sealed.size() / 2] = static_cast<char>(sealed[sealed.size() / 2] ^ 1);
  numbered_names damaged;
  EXPECT_FALSE(damaged.restore(sealed));
  EXPECT_EQ(damaged.size(), 0U);
}

}  // namespace
}  // namespace greenroom::runtime
