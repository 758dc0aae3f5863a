// What a configuration answers once it is read.
#include "config/node.hpp"
#include "config/loader.hpp"

#include <gtest/gtest.h>

#include <string>

namespace greenroom::config {
namespace {

TEST(Commands, AreUnderstoodWithAndWithoutTheirPrefix) {
  const auto read = load_text(
      "departments: [ { name: BACKEND } ]\n"
      "commands: { implement: { department: BACKEND } }\n",
      "node.yaml");
  ASSERT_TRUE(read.has_value());
  const auto& whole = read->value;
  for (const std::string word : {"implement", "bumba:implement", "/bumba:implement"}) {
    const auto target = resolve_command(whole, word);
    ASSERT_TRUE(target.has_value()) << word;
    EXPECT_EQ(target->department, "BACKEND");
  }
  EXPECT_FALSE(resolve_command(whole, "bumba:").has_value());
  EXPECT_FALSE(resolve_command(whole, "bumba:bumba:implement").has_value());
}

TEST(Endpoint, HasAnAddressAndAPort) {
  EXPECT_EQ(parse_endpoint("127.0.0.1:80")->port, 80);
  EXPECT_EQ(parse_endpoint("[::1]:0")->address, "::1");
  EXPECT_EQ(parse_endpoint("[fe80::1%eth0]:0")->address, "fe80::1%eth0");
  EXPECT_EQ(parse_endpoint("0.0.0.0:1")->address, "0.0.0.0");
  EXPECT_EQ(parse_endpoint("localhost:65535")->address, "localhost");
  for (const char* wrong : {"",
                            ":80",
                            "a:",
                            "a:65536",
                            "a:-1",
                            "a:80x",
                            "::1:80",
                            "http://a:80",
                            "example.com:80",
                            "256.0.0.1:80",
                            "1.2.3:80",
                            "1.2.3.4.5:80",
                            "1..2.3:80",
                            "[1.2.3.4]:80",
                            "[localhost]:80",
                            "[::1::2]:80",
                            "010.0.0.1:80",
                            "127.0.0.1",
                            "127.0.0.1.:80",
                            "localhost.:80"}) {
    EXPECT_FALSE(parse_endpoint(wrong).has_value()) << wrong;
  }
}

}  // namespace
}  // namespace greenroom::config
