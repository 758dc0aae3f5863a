// The configuration in force can be written, read again, and shown without its secrets.
#include "config/writer.hpp"

#include "config/loader.hpp"
#include "config/schema.hpp"
#include "tests/unit/config/loaded.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

namespace greenroom::config {
namespace {

using testing::HasSubstr;
using testing::Not;

node round_trip(const node& whole) {
  SCOPED_TRACE(to_yaml(whole));
  return node_in(load_text(to_yaml(whole), "again"));
}

TEST(Writer, WritesTheDefaultsSoThatTheyAreReadAgain) { EXPECT_EQ(round_trip({}), node{}); }

TEST(Writer, KeepsTextsThatLookLikeSomethingElse) {
  node whole;
  department group{.name = "A", .restart = {}, .specialists = {}};
  specialist one;
  one.name = "one";
  one.backend.command = {"5",    "true", "null", "~",  "",      "a: b", "- x", "#x",
                         "${A}", "$$",   "\n",   "é—", "\"q\"", "'",    "[x]", "\t\x01"};
  one.backend.env = {{"yes", "no"}, {"A.B", "=$"}, {"n", " x "}};
  one.backend.cwd = "/with space/$dir";
  group.specialists.push_back(one);
  whole.departments.push_back(group);
  EXPECT_EQ(round_trip(whole), whole);
}

TEST(Writer, KeepsRandomTexts) {
  std::mt19937_64 seeded{7};
  const std::string letters = "ab5 .:-#'\"\\[]{}&*!|>%@`,?~$=\n\t/";
  for (int round = 0; round < 300; ++round) {
    node whole;
    specialist one;
    one.name = "one";
    for (int at = 0; at < 8; ++at) {
      std::string text = "w";
      const auto length = std::uniform_int_distribution<int>{0, 8}(seeded);
      for (int letter = 0; letter < length; ++letter) {
        text += letters[std::uniform_int_distribution<std::size_t>{0, letters.size() - 1}(seeded)];
      }
      one.backend.command.push_back(text.substr(at == 0 ? 0 : 1));
    }
    whole.departments.push_back({"A", {}, {one}});
    EXPECT_EQ(round_trip(whole), whole) << "round " << round;
  }
}

TEST(Writer, MasksWhatSoundsSecret) {
  node whole;
  specialist one;
  one.name = "one";
  one.backend.kind = backend_kind::http;
  one.backend.url = "http://user:hunter2@host:80/";
  one.backend.env = {{"OPENAI_API_KEY", "sk-123"}, {"db_password", "hunter3"}, {"LEVEL", "debug"}};
  whole.departments.push_back({"A", {}, {one}});
  whole.alerts.webhooks = {"https://me:hunter4@chat.example/hook"};
  const auto masked = to_yaml(whole, true);
  for (const char* secret : {"hunter", "sk-123"}) EXPECT_THAT(masked, Not(HasSubstr(secret)));
  EXPECT_THAT(masked, HasSubstr("LEVEL: debug"));
  EXPECT_THAT(masked, HasSubstr("http://***@host:80/"));
  EXPECT_THAT(to_yaml(whole), HasSubstr("hunter4"));
  // The loader takes no password in a URL, which would not be sent.
  whole.alerts.webhooks = {"https://chat.example/hook"};
  whole.departments[0].specialists[0].backend.url = "http://host:80/";
  EXPECT_EQ(round_trip(whole), whole);
}

TEST(Writer, WritesTheSameTextForTheSameConfiguration) {
  EXPECT_EQ(to_yaml(round_trip({})), to_yaml({}));
}

/// The table in config/README.md is what `greenroom config keys` says; when this fails, the lines
/// of the failure are what the table lacks.
TEST(Readme, ListsEveryKeyWithItsDefault) {
  std::ifstream file{std::filesystem::path{GREENROOM_SOURCE_DIR} / "config/README.md"};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  for (const auto& key : describe_keys()) {
    const auto fallback = key.fallback.empty() ? std::string{} : '`' + key.fallback + '`';
    EXPECT_THAT(text, HasSubstr("| `" + key.path + "` | " + key.type + " | " + fallback + " | "
                                + key.meaning + " |\n"));
  }
}

}  // namespace
}  // namespace greenroom::config
