// House rules that a compiler cannot check, kept as a test so that nobody has to. Where the tree
// breaks a rule, the exceptions stand beside the rule; one that is not needed any more fails as
// well, so that these lists can only become shorter.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
using strings = std::set<std::string>;

const fs::path root = GREENROOM_SOURCE_DIR;
constexpr std::string_view source_folders[] = {"actors",    "apps",    "config",
                                               "protocols", "runtime", "tests"};

struct source {
  std::string path;  ///< From the top of the tree.
  std::vector<std::string> lines;

  [[nodiscard]] bool is_header() const { return path.ends_with(".hpp"); }
  [[nodiscard]] bool is_in(std::string_view folder) const {
    return path.starts_with(std::string{folder} + "/");
  }
  [[nodiscard]] std::string text() const {
    std::string result;
    for (const auto& line : lines) result += line + '\n';
    return result;
  }
};

/// Every C++ file of the tree, by path. Folders that npm or Python leave behind are no part of it.
const std::vector<source>& all_sources() {
  static const auto result = [] {
    std::vector<source> found;
    for (const auto folder : source_folders)
      for (auto at = fs::recursive_directory_iterator{root / folder}; at != fs::end(at); ++at) {
        if (at->path().filename() == "node_modules") at.disable_recursion_pending();
        const auto extension = at->path().extension();
        if (extension != ".cpp" && extension != ".hpp") continue;
        auto& one = found.emplace_back();
        one.path = fs::relative(at->path(), root).generic_string();
        std::ifstream file{at->path()};
        for (std::string line; std::getline(file, line);) one.lines.push_back(line);
      }
    std::ranges::sort(found, {}, &source::path);
    return found;
  }();
  return result;
}

std::vector<source> sources_in(std::string_view folder, std::string_view but_not = "\n") {
  std::vector<source> result;
  for (const auto& one : all_sources())
    if (one.is_in(folder) && one.path.find(but_not) == std::string::npos) result.push_back(one);
  EXPECT_FALSE(result.empty()) << "nothing is in " << folder;
  return result;
}

std::string without_comment(const std::string& line) { return line.substr(0, line.find("//")); }

// Fails once for each line of code in `files` that contains one of `words`; comments may.
void expect_none_of(const std::vector<source>& files, const std::vector<std::string_view>& words) {
  for (const auto& one : files)
    for (std::size_t i = 0; i < one.lines.size(); ++i) {
      const auto code = without_comment(one.lines[i]);
      for (const auto word : words)
        EXPECT_EQ(code.find(word), std::string::npos)
            << one.path << ":" << i + 1 << ": '" << word << "'";
    }
}

/// The files of `files` in whose code one of `words` stands.
strings files_with(const std::vector<source>& files, const std::vector<std::string_view>& words) {
  strings result;
  for (const auto& one : files)
    for (const auto& line : one.lines)
      for (const auto word : words)
        if (without_comment(line).find(word) != std::string::npos) result.insert(one.path);
  return result;
}

/// What breaks a rule is exactly what is known to break it.
void expect_exceptions(const strings& found, const strings& known, std::string_view rule) {
  for (const auto& one : found) EXPECT_TRUE(known.contains(one)) << one << ": " << rule;
  for (const auto& one : known)
    EXPECT_TRUE(found.contains(one)) << one << ": does not break the rule any more; take it off "
                                     << "the list of exceptions";
}

bool is_word(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_';
}

/// The word that begins at `from`.
std::string word_at(std::string_view text, std::size_t from) {
  auto end = from;
  while (end < text.size() && is_word(text[end])) ++end;
  return std::string{text.substr(from, end - from)};
}

/// Where `word` stands as a whole word.
std::vector<std::size_t> places_of(std::string_view text, std::string_view word) {
  std::vector<std::size_t> result;
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1))
    if ((at == 0 || !is_word(text[at - 1]))
        && (at + word.size() == text.size() || !is_word(text[at + word.size()])))
      result.push_back(at);
  return result;
}

// -- who includes whom --------------------------------------------------------

/// The files of the tree that a file includes.
std::vector<std::string> included_by(const source& one) {
  constexpr std::string_view begin = "#include \"";
  std::vector<std::string> result;
  for (const auto& line : one.lines)
    if (line.starts_with(begin))
      result.push_back(line.substr(begin.size(), line.rfind('"') - begin.size()));
  return result;
}

/// The allowed includes: from a folder to the folders that its files may include. The longest name
/// that fits a path is its folder.
const std::map<std::string_view, std::vector<std::string_view>> arrows{
    {"protocols/base", {"protocols/base"}},
    {"protocols", {"protocols", "protocols/base"}},
    {"config", {"config", "protocols/base"}},
    {"runtime", {"runtime", "protocols/base"}},
    {"runtime/machine", {"runtime/machine", "protocols", "config", "protocols/base"}},
    {"actors", {"actors", "runtime", "runtime/machine", "protocols", "config", "protocols/base"}},
    {"apps",
     {"apps", "actors", "runtime", "runtime/machine", "protocols", "config", "protocols/base"}},
    {"tests",
     {"tests", "apps", "actors", "runtime", "runtime/machine", "protocols", "config",
      "protocols/base"}},
};

std::string_view room_of(std::string_view path) {
  std::string_view result;
  for (const auto& [folder, may] : arrows)
    if (path.starts_with(std::string{folder} + "/") && folder.size() > result.size())
      result = folder;
  return result;
}

TEST(Tidy, IncludesFollowTheArrowsBetweenTheRooms) {
  strings against;
  for (const auto& one : all_sources()) {
    const auto& may = arrows.at(room_of(one.path));
    for (const auto& other : included_by(one)) {
      EXPECT_TRUE(fs::exists(root / other)) << one.path << " includes " << other;
      if (std::ranges::find(may, room_of(other)) == may.end())
        against.insert(one.path + " includes " + other);
    }
  }
  // Decisions that a part of the machine makes by itself, because they are in the way of each task
  // (who is next in a line), and the form of what it reads.
  expect_exceptions(against,
                    {"runtime/machine/tasks/waiting_line.hpp includes "
                     "runtime/queueing/fair_priority.hpp",
                     "runtime/machine/trace/trace_file.hpp includes runtime/simulation/trace.hpp"},
                    "no arrow leads there");
}

TEST(Tidy, NoFilesIncludeEachOtherByWayOfOthers) {
  std::map<std::string, std::vector<std::string>> graph;
  for (const auto& one : all_sources()) graph[one.path] = included_by(one);
  enum class mark { none, open, closed };
  std::map<std::string, mark> marks;
  std::vector<std::string> way;
  const auto visit = [&](const auto& again, const std::string& file) -> void {
    if (marks[file] == mark::closed) return;
    way.push_back(file);
    if (marks[file] == mark::open) {
      std::string text;
      for (auto at = std::ranges::find(way, file); at != way.end(); ++at) text += "\n  " + *at;
      ADD_FAILURE() << "they include each other:" << text;
    } else {
      marks[file] = mark::open;
      for (const auto& other : graph[file]) again(again, other);
      marks[file] = mark::closed;
    }
    way.pop_back();
  };
  for (const auto& one : all_sources()) visit(visit, one.path);
}

// Decisions and settings use the standard library, and the latter what reads their files.
TEST(Tidy, RoomsUseOnlyTheLibrariesThatAreTheirs) {
  const std::map<std::string_view, std::vector<std::string_view>> libraries{
      {"protocols/base", {"nlohmann/", "simdjson"}},
      {"protocols", {"caf/", "msgpack"}},
      {"config", {"yaml-cpp/"}},
      {"runtime", {"boost/math/"}},
  };
  strings against;
  for (const auto& one : all_sources()) {
    const auto found = libraries.find(room_of(one.path));
    if (found == libraries.end()) continue;
    for (const auto& line : one.lines) {
      constexpr std::string_view begin = "#include <";
      if (!line.starts_with(begin)) continue;
      const auto name = line.substr(begin.size(), line.rfind('>') - begin.size());
      // The standard library's names have neither a folder nor an ending.
      if (name.find_first_of("/.") == std::string::npos) continue;
      if (std::ranges::none_of(found->second,
                               [&](std::string_view library) { return name.starts_with(library); }))
        against.insert(one.path + " includes " + name);
    }
  }
  expect_exceptions(against,
                    {// JSON is read and written outside of base.
                     "protocols/http_chat_stream.cpp includes nlohmann/json.hpp",
                     "protocols/upstream.cpp includes nlohmann/json.hpp",
                     // Sixteen bytes of a string are looked at in one step.
                     "protocols/base/json_text.hpp includes emmintrin.h"},
                    "this library is not for this folder");
}

TEST(Tidy, DecisionsKnowNoActorsNoTimeAndNoMachine) {
  expect_none_of(sources_in("runtime", "/machine/"),
                 {"caf/", "caf::", "::now(", "random_device", "<thread>", "<mutex>", "<iostream>",
                  "<fstream>", "sleep_for"});
}

TEST(Tidy, TheMachineKnowsNoActors) {
  expect_none_of(sources_in("runtime/machine"), {"caf/", "caf::", "actors/"});
}

TEST(Tidy, WhatIsSaidHasNoBehaviour) {
  expect_none_of(sources_in("protocols"), {"::now(", "<thread>", "<mutex>", "sleep_for"});
}

TEST(Tidy, SettingsReadNoClock) {
  expect_none_of(sources_in("config"), {"::now(", "<thread>", "<mutex>", "random_device"});
}

// -- actors -------------------------------------------------------------------

TEST(Tidy, ActorsAskTheirSystemForTheTimeAndNeverBlock) {
  auto files = sources_in("actors", "/doors/");
  // The node is not an actor: it starts and stops them.
  std::erase_if(files, [](const source& one) {
    return one.path == "actors/node/start.cpp" || one.path == "actors/node/stop.cpp";
  });
  expect_none_of(files, {"_clock::now(", "random_device", "sleep_for", "scoped_actor",
                         "function_view", ".await(", "aout(", "caf::infinite"});
}

// An unexpected message is counted and logged.
TEST(Tidy, UnexpectedMessagesAreNotSwallowed) {
  expect_none_of(sources_in("actors"), {"caf::drop"});
}

TEST(Tidy, OnlyTheMailboxBuildsOnWhatCafKeepsToItself) {
  std::vector<source> others;
  for (const auto& one : all_sources())
    if (!one.is_in("actors/mailbox") && one.path != "tests/tidy_test.cpp") others.push_back(one);
  expect_none_of(others, {"caf::detail", "caf/detail/"});
}

/// The actors of the tree, by name, each with its header: a class that derives from one of CAF's or
/// of the mailbox, or a function that returns a behaviour.
std::map<std::string, std::string> all_actors() {
  std::map<std::string, std::string> result;
  for (const auto& one : sources_in("actors", "/mailbox/")) {
    if (!one.is_header()) continue;
    for (const auto& line : one.lines) {
      const auto code = without_comment(line);
      for (const std::string_view base :
           {": public draining_actor<", ": public caf::event_based_actor {"})
        if (code.starts_with("class ") && code.find(base) != std::string::npos)
          result[word_at(code, 6)] = one.path;
      for (const std::string_view type : {"caf::behavior ", "::behavior_type "}) {
        const auto at = code.find(type);
        if (at == std::string::npos || code.starts_with(" ")) continue;
        if (const auto name = word_at(code, at + type.size()); !name.empty())
          result[name] = one.path;
      }
    }
  }
  return result;
}

/// What stands in `text` as an argument of `spawn`: a type in angles, or a function in front.
strings spawned_in(const std::string& text) {
  strings result;
  for (const auto at : places_of(text, "spawn")) {
    const auto open = at + 5;
    if (open >= text.size()) continue;
    auto from = open;
    if (text[open] == '<') {
      const auto name = word_at(text, open + 1);
      if (name != "caf") {
        result.insert(name);
        continue;
      }
      from = text.find('>', open) + 1;
    }
    if (from >= text.size() || text[from] != '(') continue;
    ++from;
    if (text.compare(from, 8, "actors::") == 0) from += 8;
    if (const auto name = word_at(text, from); !name.empty()) result.insert(name);
  }
  return result;
}

TEST(Tidy, EveryActorHasItsTest) {
  const auto actors = all_actors();
  // Whatever is spawned was found, so the search misses none.
  for (const auto& one : sources_in("actors"))
    for (const auto& name : spawned_in(one.text()))
      EXPECT_TRUE(actors.contains(name)) << one.path << " spawns '" << name << "'";
  for (const auto* known : {"root", "pool", "department", "specialist", "director"})
    EXPECT_TRUE(actors.contains(known)) << known;
  for (const auto& [name, header] : actors) {
    const auto path = "tests/actors/" + name + "_test.cpp";
    const auto found = std::ranges::find(all_sources(), path, &source::path);
    ASSERT_NE(found, all_sources().end()) << header << " has no " << path;
    EXPECT_TRUE(std::ranges::any_of(found->lines,
                                    [](const std::string& line) {
                                      return line.starts_with("TEST(")
                                             || line.starts_with("TEST_F(");
                                    }))
        << path << " has no test";
  }
  EXPECT_GE(actors.size(), 13U);
}

// -- tests --------------------------------------------------------------------

struct written_test {
  std::string where;  ///< Its file and line.
  std::string name;   ///< Suite.Name
  std::string body;
};

/// The lines from `from` to the closing brace that is as far from the left as they begin.
std::string block_at(const std::vector<std::string>& lines, std::size_t from) {
  const auto indent = lines[from].find_first_not_of(' ');
  std::string result;
  for (auto i = from; i < lines.size(); ++i) {
    result += lines[i] + '\n';
    // A short one stands on one line.
    if (i == from && lines[i].ends_with("}")) break;
    const auto first = lines[i].find_first_not_of(' ');
    if (i > from && first == indent && lines[i][first] == '}') break;
  }
  return result;
}

std::vector<written_test> all_tests() {
  std::vector<written_test> result;
  for (const auto& one : sources_in("tests"))
    for (std::size_t i = 0; i < one.lines.size(); ++i) {
      const auto& line = one.lines[i];
      const auto open = line.find('(');
      static const strings macros{"TEST",       "TEST_F",        "TEST_P",
                                  "TYPED_TEST", "RC_GTEST_PROP", "RC_GTEST_FIXTURE_PROP"};
      if (open == std::string::npos || !macros.contains(line.substr(0, open))) continue;
      auto head = line.substr(open + 1);
      // Some heads stand on several lines.
      for (auto next = i + 1; head.find('{') == std::string::npos && next < one.lines.size();)
        head += one.lines[next++];
      const auto suite = word_at(head, 0);
      auto at = suite.size();
      while (at < head.size() && !is_word(head[at])) ++at;
      result.push_back({one.path + ":" + std::to_string(i + 1), suite + "." + word_at(head, at),
                        block_at(one.lines, i)});
    }
  EXPECT_FALSE(result.empty());
  return result;
}

TEST(Tidy, NamesOfTestsHaveAtMostSeventyLetters) {
  constexpr std::size_t letters_max = 70;
  for (const auto& one : all_tests())
    EXPECT_LE(one.name.size(), letters_max) << one.where << ": " << one.name;
}

bool expects_something(const std::string& code) {
  for (const std::string_view word : {"EXPECT_", "ASSERT_", "FAIL()", "ADD_FAILURE()"})
    if (code.find(word) != std::string::npos) return true;
  return false;
}

/// The function or the lambda that a line begins to define, or nothing.
std::string defined_in(const std::string& line) {
  if (line.starts_with("TEST") || line.starts_with("}")) return {};
  auto end = line.find(" = [");
  if (end == std::string::npos) {
    end = line.find('(');
    // A call stands behind a point, or in a statement.
    if (end == std::string::npos || line.substr(0, end).find_first_of("=.;") != std::string::npos)
      return {};
  }
  auto begin = end;
  while (begin > 0 && is_word(line[begin - 1])) --begin;
  // A definition has a type in front.
  const auto first = line.find_first_not_of(' ');
  if (begin == end || begin <= first || line.compare(first, 7, "return ") == 0) return {};
  return line.substr(begin, end - begin);
}

/// Functions in which something is expected, by the file they are defined in.
std::map<std::string, strings> expecting_functions() {
  std::map<std::string, strings> result;
  for (const auto& one : sources_in("tests"))
    for (std::size_t i = 0; i < one.lines.size(); ++i) {
      const auto name = defined_in(one.lines[i]);
      if (name.empty()) continue;
      auto last = i;
      while (last < one.lines.size() && one.lines[last].find_first_of("{;") == std::string::npos)
        ++last;
      if (last == one.lines.size() || one.lines[last].find('{') == std::string::npos) continue;
      if (expects_something(block_at(one.lines, i))) result[one.path].insert(name);
    }
  return result;
}

TEST(Tidy, EveryTestExpectsSomething) {
  const auto functions = expecting_functions();
  // Its own file's, or those that several share.
  const auto is_expecting = [&](const std::string& file, const std::string& name) {
    return std::ranges::any_of(functions, [&](const auto& one) {
      const auto& [path, names] = one;
      const bool shared = path.ends_with(".hpp") || path.find("/support/") != std::string::npos;
      return (path == file || shared) && names.contains(name);
    });
  };
  for (const auto& one : all_tests()) {
    bool expects = expects_something(one.body) || one.body.find("RC_ASSERT") != std::string::npos;
    for (auto at = one.body.find('('); at != std::string::npos && !expects;
         at = one.body.find('(', at + 1)) {
      auto begin = at;
      while (begin > 0 && is_word(one.body[begin - 1])) --begin;
      expects = is_expecting(one.where.substr(0, one.where.find(':')),
                             one.body.substr(begin, at - begin));
    }
    EXPECT_TRUE(expects) << one.where << ": " << one.name << " cannot fail";
  }
}

// A test that waits for something looks until it is so; nobody sleeps and hopes.
TEST(Tidy, TestsDoNotSleep) {
  auto files = sources_in("tests");
  std::erase_if(files, [](const source& one) { return one.path == "tests/tidy_test.cpp"; });
  expect_exceptions(
      files_with(files, {"sleep_for", "sleep_until", "usleep("}),
      {// Between two looks.
       "tests/integration/node_bounds_test.cpp", "tests/integration/support/live_node.hpp",
       "tests/machine/http/server_abuse_test.cpp", "tests/machine/http/webhook_test.cpp",
       // So many tasks a second.
       "tests/integration/support/two_pools.cpp"},
      "a test sleeps");
}

// -- files --------------------------------------------------------------------

TEST(Tidy, EveryHeaderIsGuarded) {
  for (const auto& one : all_sources())
    if (one.is_header()) {
      EXPECT_NE(one.text().find("#pragma once"), std::string::npos) << one.path;
    }
}

TEST(Tidy, NothingElseIsAtTheTop) {
  const strings known{"actors", "apps",    "config",         "protocols", "runtime",
                      "tests",  "LICENSE", "CMakeLists.txt", "README.md"};
  for (const auto& entry : fs::directory_iterator(root)) {
    const auto name = entry.path().filename().string();
    // What builds and runs leave behind is not part of the tree.
    if (name.starts_with(".") || name.starts_with("build") || name == "greenroom-data") continue;
    EXPECT_TRUE(known.contains(name)) << name;
  }
}

}  // namespace
