// How far one word is from another, and which one was meant.
#include "protocols/base/edit_distance.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::base {
namespace {

TEST(EditDistance, CountsLettersAndBoundsItsWorkForWordsOfAProtocol) {
  EXPECT_EQ(edit_distance("kitten", "sitting", exact_letters), 3U);
  EXPECT_EQ(edit_distance("", "abc", exact_letters), 3U);
  EXPECT_EQ(edit_distance("ab", "ba", exact_letters), 2U);
  EXPECT_EQ(edit_distance("A-b", "a_b", exact_letters), 2U);
  EXPECT_EQ(edit_distance(std::string(64, 'a'), "a", exact_letters), 63U);
  EXPECT_EQ(edit_distance(std::string(65, 'a'), "a", exact_letters), 65U);
  EXPECT_EQ(edit_distance(std::string(100, 'a'), "a", exact_letters), 100U);
}

TEST(EditDistance, ForgivesCaseAndDashesAndSwapsInNames) {
  EXPECT_EQ(edit_distance("Max-Warm", "max_warm", names_alike), 0U);
  EXPECT_EQ(edit_distance("coodlown", "cooldown", names_alike), 1U);
  EXPECT_EQ(edit_distance("ab", "ba", names_alike), 1U);
  EXPECT_EQ(edit_distance(std::string(100, 'a'), "a", names_alike), 99U);
}

TEST(NearestOf, FindsAWordThatMayBeMeantAndNoOther) {
  const std::array<std::string_view, 3> words{"specialist", "department", "command"};
  EXPECT_EQ(nearest_of("specialits", words), "specialist");
  EXPECT_EQ(nearest_of("comand", words), "command");
  EXPECT_EQ(nearest_of("x", words), "");
}

TEST(NearestOf, PrefersFewerEditsThenAWordThatContainsTheOther) {
  const std::vector<std::string> names{"max_warm", "cooldown", "mode", "adaptive"};
  EXPECT_EQ(nearest_of("max-warm", names), "max_warm");
  EXPECT_EQ(nearest_of("MaxWarm", names), "max_warm");
  EXPECT_EQ(nearest_of("coodlown", names), "cooldown");
  EXPECT_EQ(nearest_of("cooldown_time", names), "cooldown");
  EXPECT_EQ(nearest_of("adap", names), "adaptive");
  EXPECT_EQ(nearest_of("ada", names), "") << "three letters are in too many words";
  EXPECT_EQ(nearest_of("zzzzzz", names), "");
  EXPECT_EQ(nearest_of("", names), "");
  EXPECT_EQ(nearest_of(std::string(201, 'a'), std::vector<std::string>{std::string(201, 'a')}), "");
}

}  // namespace
}  // namespace greenroom::base
