// Backends that are servers: problems of their URLs and ports.
#include "config/loader.hpp"
#include "tests/unit/config/loaded.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace greenroom::config {
namespace {

using ::testing::HasSubstr;

std::string faults_of(const std::string& backend) {
  const auto loaded =
      load_text("departments:\n  - name: A\n    specialists:\n      - name: s\n        backend: "
                    + backend + "\n",
                "c.yaml");
  std::string all;
  for (const auto& one : problems_in(loaded)) all += to_string(one) + "\n";
  return all;
}

TEST(HttpBackend, IsRefusedWithItsLineAndKey) {
  EXPECT_EQ(faults_of("{ kind: http, url: \"http://127.0.0.1:8080/v1\" }"), "");
  EXPECT_EQ(faults_of("{ kind: http, url: \"https://h\" }"), "");
  for (const std::string url : {"http://user:pw@h", "http://h?x=1", "ws://h", "http://h:0"}) {
    const auto text = faults_of("{ kind: http, url: \"" + url + "\" }");
    EXPECT_THAT(text, HasSubstr("c.yaml:5:")) << url;
    EXPECT_THAT(text, HasSubstr("backend.url: ")) << url;
  }
  EXPECT_THAT(faults_of("{ kind: http, url: \"h:80\" }"),
              HasSubstr("did you mean \"http://h:80\""));
  for (const std::string path : {"x y", "/x y", "/x#y", "/\xc3\xa9"})
    EXPECT_THAT(faults_of("{ kind: http, url: \"http://h\", health: \"" + path + "\" }"),
                HasSubstr("backend.health: a path "))
        << path;
  EXPECT_EQ(faults_of("{ kind: http, url: \"http://h\", path: \"/x?y=1\" }"), "");
}

TEST(HttpBackend, MayLeaveThePortToTheNode) {
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
}

TEST(HttpBackend, WithAPortThatIsWrittenOutIsWarnedOf) {
  const auto warned = [](const std::string& backend) {
    const auto loaded =
        load_text("departments:\n  - name: A\n    specialists:\n      - name: s\n        backend: "
                      + backend + "\n",
                  "c.yaml");
    EXPECT_TRUE(loaded) << backend;
    return loaded->warnings.empty() ? std::string{} : to_string(loaded->warnings.front());
  };
  EXPECT_THAT(warned("{ kind: http, url: \"http://h:80\", command: [serve] }"),
              HasSubstr("backend.url: has a port that is written out"));
  EXPECT_EQ(warned("{ kind: http, url: \"http://h:80\" }"), "");
  EXPECT_EQ(warned("{ kind: http, url: \"http://h:${PORT}\", command: [serve] }"), "");
}

TEST(Names, MayHaveSlashesInside) {
  const auto aliased = [](const std::string& alias) {
    return problems_in(load_text("departments:\n  - name: A\n    specialists:\n      - { name: s, "
                                 "aliases: [\""
                                     + alias + "\"], backend: { kind: process, command: [x] } }\n",
                                 "c.yaml"))
        .size();
  };
  for (const std::string good : {"Qwen/Qwen2.5-7B", "a/b/c:latest", "org/model@v1"})
    EXPECT_EQ(aliased(good), 0U) << good;
  for (const std::string bad : {"/a", "a/", "a//b", "a b", "a?b", "a#b", "a%2Fb", "../a"})
    EXPECT_EQ(aliased(bad), 1U) << bad;
}

}  // namespace
}  // namespace greenroom::config
