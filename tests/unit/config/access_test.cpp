// Names and pages that an operator lets in.
#include "config/difference.hpp"
#include "config/loader.hpp"
#include "tests/unit/config/loaded.hpp"

#include <gtest/gtest.h>

#include <string>

namespace greenroom::config {
namespace {

load_result with_access(const std::string& access) {
  return load_text("access: " + access + "\ndepartments: [ { name: BACKEND } ]\n", "node.yaml");
}

TEST(Access, TakesNamesAddressesAndOrigins) {
  const auto read = with_access(
      "{ hosts: [green.example, 10.0.0.7, '[fd00::1]', 'fd00::2'], origins: ['https://a.example', "
      "'http://localhost:3000', 'http://[::1]:80', 'chrome-extension://abc'] }");
  ASSERT_TRUE(read) << to_string(problems_in(read).front());
  EXPECT_EQ(read->value.access.hosts.size(), 4U);
  EXPECT_EQ(read->value.access.origins[1], "http://localhost:3000");
}

TEST(Access, SaysWhatANameAndAnOriginAre) {
  for (const auto* wrong : {"green.example:7117", "http://green.example", "a b", "*", "a/b", "."}) {
    const auto read = with_access("{ hosts: ['" + std::string{wrong} + "'] }");
    ASSERT_FALSE(read) << wrong;
    const auto text = to_string(problems_in(read).front());
    EXPECT_NE(text.find("access.hosts[0]"), std::string::npos) << text;
    EXPECT_NE(text.find("without scheme and port"), std::string::npos) << text;
  }
  for (const auto* wrong : {"a.example", "https://a.example/", "https://", "https://a:x", "null",
                            "*", "https://u@a.example", "https://::1"}) {
    const auto read = with_access("{ origins: ['" + std::string{wrong} + "'] }");
    ASSERT_FALSE(read) << wrong;
    const auto text = to_string(problems_in(read).front());
    EXPECT_NE(text.find("access.origins[0]"), std::string::npos) << text;
    EXPECT_NE(text.find("SCHEME://HOST[:PORT]"), std::string::npos) << text;
  }
}

TEST(Access, ChangesAtAReload) {
  const auto before = with_access("{ hosts: [a] }"), after = with_access("{ hosts: [b] }");
  const auto change = compare(before->value, after->value);
  EXPECT_TRUE(change.needs_restart.empty());
  EXPECT_NE(to_string(change).find("access.hosts"), std::string::npos) << to_string(change);
}

}  // namespace
}  // namespace greenroom::config
