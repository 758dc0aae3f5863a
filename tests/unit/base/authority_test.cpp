// Hosts, ports and origins, whatever their spelling.
#include "protocols/base/authority.hpp"

#include <gtest/gtest.h>

#include <string>

namespace greenroom::base {
namespace {

TEST(Authority, IsAHostAndAnOptionalPort) {
  const auto named = parse_authority("Example.COM.:80");
  ASSERT_TRUE(named.has_value());
  EXPECT_EQ(named->name, "example.com");
  EXPECT_EQ(named->port, 80);
  EXPECT_FALSE(named->address.has_value());
  const auto bare = parse_authority("10.0.0.7");
  ASSERT_TRUE(bare.has_value());
  EXPECT_EQ(bare->address, parse_ip_address("10.0.0.7"));
  EXPECT_FALSE(bare->port.has_value());
  EXPECT_FALSE(parse_authority("h:")->port.has_value()) << "RFC 3986 allows an empty port";
  EXPECT_EQ(parse_authority("[::1]:0")->port, 0);
  EXPECT_TRUE(parse_authority("[0:0::1]")->same_host(*parse_authority("[::1]:8")));
  EXPECT_TRUE(parse_authority(std::string(253, 'a')).has_value());
  EXPECT_FALSE(parse_authority(std::string(254, 'a')).has_value());
  for (const auto* wrong : {"", ":80", ".", "a b", "a:65536", "a:x", "::1", "[::1", "[::1]x", "[a]",
                            "[1.2.3.4]", "u@a"})
    EXPECT_FALSE(parse_authority(wrong).has_value()) << wrong;
}

TEST(WebOrigin, HasTheDefaultPortOfItsScheme) {
  EXPECT_EQ(parse_origin("HTTPS://a.example")->port(), 443);
  EXPECT_EQ(*parse_origin("https://A.example"), *parse_origin("https://a.example:443"));
  EXPECT_NE(*parse_origin("http://a.example"), *parse_origin("https://a.example"));
  EXPECT_EQ(parse_origin("chrome-extension://abc")->port(), 0);
  for (const auto* wrong : {"null", "a.example", "://a", "1a://b", "https://", "https://a/"})
    EXPECT_FALSE(parse_origin(wrong).has_value()) << wrong;
}

}  // namespace
}  // namespace greenroom::base
