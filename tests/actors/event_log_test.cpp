#include "actors/state/event_log.hpp"

#include "protocols/base/json_text.hpp"
#include "protocols/plain_text.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace greenroom::actors {
namespace {

const node_clock& any_time() {
  static const node_clock clock{std::make_shared<const machine::clock>()};
  return clock;
}

std::string text_event(std::size_t bytes) {
  return "{\"why\":\"" + std::string(bytes, 'x') + "\"}";
}

TEST(EventLog, KeepsTheLatestThatFitItsBytes) {
  event_log log{any_time()};
  log.keep(100'000);
  for (int i = 0; i < 200; ++i) log.publish("happened", text_event(1000));
  std::size_t bytes = 0;
  for (const auto& one : log.after(0)) bytes += sizeof one + one.kind.size() + one.json.size();
  EXPECT_LE(bytes, 100'000U);
  const auto [oldest, newest] = log.kept_numbers();
  EXPECT_EQ(newest, 200U);
  EXPECT_GT(oldest, 100U);
  EXPECT_EQ(log.after(0).size(), newest - oldest + 1);
  EXPECT_EQ(log.after(0).front().number, oldest);
  EXPECT_EQ(log.after(198).size(), 2U);
  EXPECT_TRUE(log.after(200).empty());
  EXPECT_TRUE(log.after(5000).empty());
}

TEST(EventLog, KeepsTheNewestWhateverItsSize) {
  event_log log{any_time()};
  log.keep(1);
  log.publish("a", text_event(5000));
  log.publish("b", text_event(5000));
  ASSERT_EQ(log.after(0).size(), 1U);
  EXPECT_EQ(log.after(0).front().kind, "b");
}

TEST(EventLog, GivesPiecesOfBoundedBytesThatJoinWithoutAGap) {
  event_log log{any_time()};
  for (int i = 0; i < 50; ++i) log.publish("happened", text_event(900));
  std::uint64_t last = 0;
  int pieces = 0;
  for (auto piece = log.after(last, 5000); !piece.empty(); piece = log.after(last, 5000)) {
    ++pieces;
    EXPECT_LE(piece.size(), 5U);
    for (const auto& one : piece) EXPECT_EQ(one.number, ++last);
  }
  EXPECT_EQ(last, 50U);
  EXPECT_GT(pieces, 9);
  // At least one event, or a reader would never advance.
  EXPECT_EQ(log.after(0, 1).size(), 1U);
}

TEST(EventLog, ShortensALongTextAndKeepsItsShortMembers) {
  event_log log{any_time()};
  log.publish("task.failed", R"({"id":"7","specialist":"one","why":")"
                                 + std::string(100'000, '"').replace(0, 1, "x") + "\"}");
  log.publish("task.failed", R"({"id":"7","why":")" + std::string(100'000, 'x') + "\"}");
  log.publish("worker.died", R"({"specialist":"one","steps":[)" + std::string(20'000, '1') + "]}");
  for (const auto& one : log.after(0)) {
    EXPECT_LE(one.json.size(), event_log::text_bytes_max);
    EXPECT_TRUE(base::is_json(one.json)) << one.json.substr(0, 200);
    EXPECT_NE(one.json.find("\"truncated\":true"), std::string::npos);
  }
  const auto second = log.after(1);
  EXPECT_EQ(second.front().json.find(R"({"id":"7","why":"xxx)"), 0U);
}

TEST(EventLog, CutsNeitherALetterNorAnEscapeInTwo) {
  for (std::size_t shift = 0; shift < 12; ++shift) {
    std::string text(shift, 'a');
    for (int i = 0; i < 4000; ++i) text += i % 2 == 0 ? "\\u00e9" : "é\\\\";
    const auto shorter = shortened_event("{\"why\":\"" + text + "\"}", 4096);
    EXPECT_LE(shorter.size(), 4096U);
    EXPECT_TRUE(base::is_json(shorter)) << shift;
    std::string cut(shift, 'a');
    for (int i = 0; i < 4000; ++i) cut += "é";
    std::string room;
    EXPECT_TRUE(base::append_json_string(room, protocols::clipped(cut, 1000))) << shift;
    EXPECT_LE(protocols::clipped(cut, 1000).size(), 1000U);
  }
  EXPECT_EQ(protocols::clipped("short", 5), "short");
}

TEST(EventLog, TellsListenersUntilTheyLetGo) {
  event_log log{any_time()};
  std::vector<std::string> heard;
  auto mine = log.subscribe([&](const event& one) { heard.push_back(one.kind); });
  log.publish("a", "{}");
  mine.reset();
  log.publish("b", "{}");
  EXPECT_EQ(heard, std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace greenroom::actors
