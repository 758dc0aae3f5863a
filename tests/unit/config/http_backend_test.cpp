// URLs of servers: which can be, what is said of those that cannot, and how paths are joined.
#include "config/http_url.hpp"
#include "config/loader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace greenroom::config {
namespace {

using ::testing::HasSubstr;

TEST(HttpUrl, IsTakenApart) {
  http_url parts;
  ASSERT_EQ(read_http_url("https://[::1]:8443/v1/x?a=b", parts), "");
  EXPECT_TRUE(parts.secure);
  EXPECT_EQ(parts.host, "::1");
  EXPECT_EQ(parts.port, 8443);
  EXPECT_EQ(parts.authority, "[::1]:8443");
  EXPECT_EQ(parts.base, "/v1/x");
  EXPECT_EQ(parts.query, "a=b");
  ASSERT_EQ(read_http_url("http://host", parts), "");
  EXPECT_EQ(parts.port, 80);
  EXPECT_EQ(parts.base, "");
}

TEST(HttpUrl, ThatCanNeverWorkSaysWhy) {
  const std::vector<std::pair<std::string, std::string>> all{
      {"ws://h", "begins with ws://"}, {"h:80", "does not begin with http://"},
      {"", "does not begin"},          {"http://", "has no host"},
      {"http:///x", "has no host"},    {"http://:80", "has no host"},
      {"http://user:pw@h", "headers"}, {"http://user@h", "headers"},
      {"http://h:0", "port"},          {"http://h:99999", "port"},
      {"http://h:", "port"},           {"http://h:8x", "port"},
      {"http://h:+8", "port"},         {"http://h/#x", "fragment"},
      {"http://h /", "blank"},         {"http://h/\t", "blank"},
      {"http://a,b", "letters"},       {"http://[::1", "["},
      {"http://[x]:1", "IPv6"},        {"http://[::1]x", "after its ]"},
  };
  for (const auto& [url, why] : all) {
    EXPECT_THAT(fault_of_http_url(url), HasSubstr(why)) << url;
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

std::string faults_of(const std::string& backend) {
  const auto loaded =
      load_text("departments:\n  - name: A\n    specialists:\n      - name: s\n        backend: "
                    + backend + "\n",
                "c.yaml");
  std::string all;
  for (const auto& one : loaded.problems) all += to_string(one) + "\n";
  return all;
}

TEST(HttpUrl, IsRefusedWithItsLineAndKey) {
  EXPECT_EQ(faults_of("{ kind: http, url: \"http://127.0.0.1:8080/v1\" }"), "");
  EXPECT_EQ(faults_of("{ kind: http, url: \"https://h\" }"), "");
  for (const std::string url : {"http://user:pw@h", "http://h?x=1", "ws://h", "http://h:0"}) {
    const auto said = faults_of("{ kind: http, url: \"" + url + "\" }");
    EXPECT_THAT(said, HasSubstr("c.yaml:5:")) << url;
    EXPECT_THAT(said, HasSubstr("backend.url: ")) << url;
  }
  EXPECT_THAT(faults_of("{ kind: http, url: \"h:80\" }"),
              HasSubstr("did you mean \"http://h:80\""));
  for (const std::string path : {"x y", "/x y", "/x#y", "/\xc3\xa9"})
    EXPECT_THAT(faults_of("{ kind: http, url: \"http://h\", health: \"" + path + "\" }"),
                HasSubstr("backend.health: a path "))
        << path;
  EXPECT_EQ(faults_of("{ kind: http, url: \"http://h\", path: \"/x?y=1\" }"), "");
}

TEST(HttpUrl, MayLeaveThePortToTheNode) {
  EXPECT_EQ(faults_of("{ kind: http, url: \"http://127.0.0.1:${PORT}/v1\", command: [serve, "
                      "\"--port=${PORT}\"], env: { P: \"${PORT}\" } }"),
            "");
  EXPECT_THAT(faults_of("{ kind: http, url: \"http://h:${PORT}\" }"),
              HasSubstr("there is no command"));
  EXPECT_THAT(faults_of("{ kind: http, url: \"http://h:80\", command: [serve, \"${PORT}\"] }"),
              HasSubstr("backend.url: the command is given ${PORT}"));
  EXPECT_THAT(faults_of("{ kind: process, command: [serve, \"${PORT}\"] }"),
              HasSubstr("PORT is not set"))
      << "elsewhere it is a variable like any other";
  EXPECT_EQ(with_port("a${PORT}b${PORT}", 80), "a80b80");
}

TEST(HttpUrl, WithAPortThatIsWrittenOutIsWarnedOf) {
  const auto warned = [](const std::string& backend) {
    const auto loaded =
        load_text("departments:\n  - name: A\n    specialists:\n      - name: s\n        backend: "
                      + backend + "\n",
                  "c.yaml");
    EXPECT_TRUE(loaded) << backend;
    return loaded.warnings.empty() ? std::string{} : to_string(loaded.warnings.front());
  };
  EXPECT_THAT(warned("{ kind: http, url: \"http://h:80\", command: [serve] }"),
              HasSubstr("backend.url: has a port that is written out"));
  EXPECT_EQ(warned("{ kind: http, url: \"http://h:80\" }"), "");
  EXPECT_EQ(warned("{ kind: http, url: \"http://h:${PORT}\", command: [serve] }"), "");
}

TEST(Names, MayHaveSlashesInside) {
  const auto aliased = [](const std::string& alias) {
    return load_text("departments:\n  - name: A\n    specialists:\n      - { name: s, aliases: [\""
                         + alias + "\"], backend: { kind: process, command: [x] } }\n",
                     "c.yaml")
        .problems.size();
  };
  for (const std::string good : {"Qwen/Qwen2.5-7B", "a/b/c:latest", "org/model@v1"})
    EXPECT_EQ(aliased(good), 0U) << good;
  for (const std::string bad : {"/a", "a/", "a//b", "a b", "a?b", "a#b", "a%2Fb", "../a"})
    EXPECT_EQ(aliased(bad), 1U) << bad;
}

}  // namespace
}  // namespace greenroom::config
