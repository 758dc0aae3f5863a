// URLs of servers: which can be, what is said of those that cannot, and how paths are joined.
#include "protocols/base/http_url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace greenroom::base {
namespace {

using ::testing::HasSubstr;

TEST(HttpUrl, IsTakenApart) {
  const auto whole = parse_http_url("https://[::1]:8443/v1/x?a=b");
  ASSERT_TRUE(whole);
  const auto& parts = *whole;
  EXPECT_TRUE(parts.secure);
  EXPECT_EQ(parts.host, "::1");
  EXPECT_EQ(parts.port, 8443);
  EXPECT_EQ(parts.authority, "[::1]:8443");
  EXPECT_EQ(parts.base, "/v1/x");
  EXPECT_EQ(parts.query, "a=b");
  const auto bare = parse_http_url("http://host");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->port, 80);
  EXPECT_EQ(bare->base, "");
}

TEST(HttpUrl, ThatCanNeverWorkSaysWhy) {
  const std::vector<std::pair<std::string, std::string>> all{
      {"ws://h", "begins with ws://"},
      {"h:80", "does not begin with http://"},
      {"", "does not begin"},
      {"http://", "has no host"},
      {"http:///x", "has no host"},
      {"http://:80", "has no host"},
      {"http://user:pw@h", "headers"},
      {"http://user@h", "headers"},
      {"http://h:0", "port"},
      {"http://h:99999", "port"},
      {"http://h:", "port"},
      {"http://h:8x", "port"},
      {"http://h:+8", "port"},
      {"http://h/#x", "fragment"},
      {"http://h /", "blank"},
      {"http://h/\t", "blank"},
      {"http://a,b", "letters"},
      {"http://[::1", "["},
      {"http://[x]:1", "IPv6"},
      {"http://[1.2.3.4]", "IPv6"},
      {"http://[fe80::1%25e]", "IPv6"},
      {"http://[1:2]", "IPv6"},
      {"http://[::1]x", "after its ]"},
  };
  for (const auto& [url, why] : all) {
    const auto parts = parse_http_url(url);
    ASSERT_FALSE(parts) << url;
    EXPECT_THAT(parts.error().text, HasSubstr(why)) << url;
    EXPECT_FALSE(is_http_url(url)) << url;
  }
}

TEST(HttpUrl, IsJoinedWithAPath) {
  EXPECT_EQ(joined_path("", "/"), "/");
  EXPECT_EQ(joined_path("", "/health"), "/health");
  EXPECT_EQ(joined_path("/v1", "/chat/completions"), "/v1/chat/completions");
  EXPECT_EQ(joined_path("/v1/", "/chat"), "/v1/chat");
  EXPECT_EQ(joined_path("/v1", "/"), "/v1") << "the URL is the place itself";
  EXPECT_EQ(joined_path("/v1/", "/"), "/v1/");
  EXPECT_EQ(joined_path("/v1", "chat"), "/v1/chat");
}

TEST(HttpUrl, HasPathsThatBeginWithASlashAndAreAscii) {
  EXPECT_TRUE(check_url_path("/v1/chat?x=%20"));
  for (const auto* const path : {"", "v1", "/a b", "/\t", "/\xc3\xa4", "/a#b"})
    EXPECT_FALSE(check_url_path(path)) << path;
}

TEST(HttpUrl, IsGivenAPortWhereItIsMarked) {
  EXPECT_EQ(with_port("a${PORT}b${PORT}", 80), "a80b80");
}

}  // namespace
}  // namespace greenroom::base
