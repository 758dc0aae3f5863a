// House rules that a compiler cannot check, kept as a test so that nobody has to.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

const fs::path root = GREENROOM_SOURCE_DIR;

bool is_source(const fs::path& path) {
  return path.extension() == ".cpp" || path.extension() == ".hpp";
}

std::vector<fs::path> sources_in(std::string_view folder, std::string_view but_not = "/\n") {
  std::vector<fs::path> result;
  for (const auto& entry : fs::recursive_directory_iterator(root / folder))
    if (is_source(entry.path()) && entry.path().string().find(but_not) == std::string::npos)
      result.push_back(entry.path());
  return result;
}

// Fails once for each line of code in `files` that contains one of `words`; comments may.
void expect_none_of(const std::vector<fs::path>& files,
                    const std::vector<std::string_view>& words) {
  ASSERT_FALSE(files.empty());
  for (const auto& path : files) {
    std::ifstream file{path};
    std::size_t number = 0;
    for (std::string line; std::getline(file, line);) {
      ++number;
      const auto code = line.substr(0, line.find("//"));
      for (const auto word : words)
        EXPECT_EQ(code.find(word), std::string::npos)
            << fs::relative(path, root).string() << ":" << number << ": '" << word << "'";
    }
  }
}

TEST(Tidy, DecisionsKnowNoActorsNoTimeAndNoMachine) {
  expect_none_of(sources_in("runtime", "/machine/"),
                 {"caf/", "caf::", "::now(", "random_device", "<thread>", "<mutex>", "<iostream>",
                  "<fstream>", "sleep_for", "boost/"});
}

TEST(Tidy, TheBaseKnowsNoOtherRoom) {
  for (const auto& path : sources_in("protocols/base")) {
    std::ifstream file{path};
    for (std::string line; std::getline(file, line);)
      if (line.starts_with("#include \"")) {
        EXPECT_TRUE(line.starts_with("#include \"protocols/base/")) << path << ": " << line;
      }
  }
  expect_none_of(sources_in("protocols/base"), {"caf/", "boost/", "::now(", "random_device",
                                                "<thread>", "<mutex>", "<iostream>", "<fstream>"});
}

TEST(Tidy, DecisionsIncludeTheBaseAndEachOtherOnly) {
  for (const auto& path : sources_in("runtime", "/machine/")) {
    std::ifstream file{path};
    for (std::string line; std::getline(file, line);) {
      if (!line.starts_with("#include \"")) continue;
      const auto decision = line.starts_with("#include \"runtime/")
                            && !line.starts_with("#include \"runtime/machine/");
      EXPECT_TRUE(decision || line.starts_with("#include \"protocols/base/"))
          << path << ": " << line;
    }
  }
}

TEST(Tidy, TheMachineKnowsNoActors) {
  expect_none_of(sources_in("runtime/machine"), {"caf/", "caf::", "actors/"});
}

TEST(Tidy, ActorsAskTheirSystemForTheTimeAndNeverBlock) {
  auto files = sources_in("actors", "/doors/");
  // The node is not an actor: it starts and stops them.
  std::erase_if(files, [](const fs::path& path) { return path.stem() == "node"; });
  expect_none_of(files, {"_clock::now(", "random_device", "sleep_for", "scoped_actor",
                         "function_view", ".await(", "aout(", "caf::infinite"});
}

TEST(Tidy, WhatIsSaidHasNoBehaviour) {
  expect_none_of(sources_in("protocols"), {"::now(", "<thread>", "<mutex>", "sleep_for"});
}

// An actor is found by the state or class that has its name for the logs: "greenroom.director".
TEST(Tidy, EveryActorHasItsTest) {
  std::size_t actors = 0;
  for (const auto& path : sources_in("actors")) {
    if (path.extension() != ".hpp") continue;
    std::ifstream file{path};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    if (text.find("\"greenroom.") == std::string::npos) continue;
    ++actors;
    EXPECT_TRUE(fs::exists(root / "tests/actors" / (path.stem().string() + "_test.cpp"))) << path;
  }
  EXPECT_GE(actors, 13U);
}

TEST(Tidy, EveryHeaderIsGuarded) {
  for (const auto* room : {"actors", "runtime", "protocols", "config", "apps", "tests"})
    for (const auto& path : sources_in(room)) {
      if (path.extension() != ".hpp") continue;
      std::ifstream file{path};
      std::string text{std::istreambuf_iterator<char>{file}, {}};
      EXPECT_NE(text.find("#pragma once"), std::string::npos) << path;
    }
}

}  // namespace
