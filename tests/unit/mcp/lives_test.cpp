// What starts, what ends, and what belongs to whom: discovery, leases, streams of calls.
#include "runtime/mcp/call_streams.hpp"
#include "runtime/mcp/discovery.hpp"
#include "runtime/mcp/leases.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace greenroom::runtime::mcp {
namespace {

using std::chrono::minutes, std::chrono::nanoseconds, std::chrono::seconds;
using texts = std::vector<std::string>;
using time_point = leases::time_point;

constexpr time_point origin{seconds{1000}};
constexpr nanoseconds tick{1};

// -- discovery ----------------------------------------------------------------

discovery three(discovery::mode when, std::size_t at_once = 2) {
  discovery all{{when, at_once, seconds{10}, seconds{30}, minutes{2}}};
  for (const auto* name : {"c", "a", "b"}) all.add(name);
  return all;
}

TEST(Discovery, StartsSoManyAtOnceInTheOrderOfTheConfiguration) {
  auto all = three(discovery::mode::eager);
  EXPECT_EQ(all.start(origin), (texts{"c", "a"}));
  EXPECT_EQ(all.start(origin), (texts{}));
  EXPECT_EQ(all.under_way(), 2U);
  all.remove("c");
  EXPECT_EQ(all.start(origin), (texts{"b"}));
  all.remove("a");
  all.remove("b");
  EXPECT_EQ(all.next_start(origin), std::nullopt);
}

TEST(Discovery, WaitsForAListWhenItIsLazyAndNeverStartsWhenItIsOff) {
  auto lazy = three(discovery::mode::lazy);
  EXPECT_EQ(lazy.start(origin), (texts{}));
  lazy.ask({"b"});
  EXPECT_EQ(lazy.start(origin), (texts{"b"}));
  auto off = three(discovery::mode::off);
  off.ask({"a", "b"});
  EXPECT_EQ(off.start(origin), (texts{}));
  EXPECT_EQ(off.waits_until({"a"}, origin, origin), std::nullopt);
}

TEST(Discovery, StartsWhatNobodyAskedForWhenAReloadMakesItEager) {
  auto all = three(discovery::mode::lazy);
  all.ask({"b"});
  EXPECT_EQ(all.next_start(origin), origin);
  all.configure({discovery::mode::eager, 2, seconds{10}, seconds{30}, minutes{2}});
  // A list has asked for b before; the others are wanted in the order of the configuration.
  EXPECT_EQ(all.start(origin), (texts{"b", "c"}));
  all.remove("b");
  EXPECT_EQ(all.start(origin), (texts{"a"}));
  // Another reload starts nothing twice, and nothing that failed.
  all.fail("a", origin);
  all.configure({discovery::mode::eager, 2, seconds{10}, seconds{30}, minutes{2}});
  EXPECT_EQ(all.start(origin + minutes{9}), (texts{}));
  EXPECT_EQ(all.under_way(), 1U);
}

TEST(Discovery, LeavesWhatNobodyAskedForWhenAReloadMakesItLazy) {
  auto all = three(discovery::mode::eager);
  all.ask({"b"});
  all.configure({discovery::mode::lazy, 2, seconds{10}, seconds{30}, minutes{2}});
  EXPECT_EQ(all.start(origin), (texts{"b"}));
  EXPECT_EQ(all.next_start(origin), std::nullopt);
  all.configure({discovery::mode::off, 2, seconds{10}, seconds{30}, minutes{2}});
  EXPECT_EQ(all.start(origin), (texts{}));
  all.configure({discovery::mode::eager, 3, seconds{10}, seconds{30}, minutes{2}});
  EXPECT_EQ(all.start(origin), (texts{"c", "a"}));
}

TEST(Discovery, ListsWaitForStartsAndNotLongerThanTheyMay) {
  auto all = three(discovery::mode::eager);
  EXPECT_EQ(all.waits_until({"b"}, origin, origin), origin + seconds{10});
  EXPECT_TRUE(all.waits_until({"b"}, origin, origin + seconds{10} - tick));
  EXPECT_FALSE(all.waits_until({"b"}, origin, origin + seconds{10}));
  // Nobody waits for what is known.
  EXPECT_FALSE(all.waits_until({"known"}, origin, origin));
  static_cast<void>(all.start(origin));
  EXPECT_TRUE(all.waits_until({"c"}, origin, origin));
  all.fail("c", origin);
  EXPECT_FALSE(all.waits_until({"c"}, origin, origin));
  EXPECT_TRUE(all.waits_until({"c", "a"}, origin, origin));
}

TEST(Discovery, TriesAgainForAListOnlyAndNotBeforeAPause) {
  auto all = three(discovery::mode::eager, 3);
  EXPECT_EQ(all.start(origin).size(), 3U);
  all.fail("c", origin);
  EXPECT_EQ(all.start(origin + minutes{9}), (texts{}));
  all.ask({"c"});
  EXPECT_EQ(all.next_start(origin), origin + seconds{30});
  EXPECT_EQ(all.start(origin + seconds{30} - tick), (texts{}));
  EXPECT_FALSE(all.waits_until({"c"}, origin, origin));
  EXPECT_EQ(all.start(origin + seconds{30}), (texts{"c"}));
}

TEST(Discovery, PausesTwiceAsLongAfterEachFailureUpToABound) {
  auto all = three(discovery::mode::eager, 3);
  static_cast<void>(all.start(origin));
  auto now = origin;
  for (const auto pause : {30, 60, 120, 120, 120}) {
    all.fail("c", now);
    all.ask({"c"});
    EXPECT_EQ(all.start(now + seconds{pause} - tick), (texts{})) << pause;
    now += seconds{pause};
    EXPECT_EQ(all.start(now), (texts{"c"})) << pause;
  }
}

// -- leases -------------------------------------------------------------------

leases small(leases::when_full beyond = leases::when_full::refuse) {
  return leases{{minutes{10}, 2, 100, beyond}};
}

TEST(Leases, EndWhenTheyWereNotUsedForSoLong) {
  auto all = small();
  EXPECT_TRUE(all.open("a", 10, origin).done);
  EXPECT_EQ(all.next_end(), origin + minutes{10});
  EXPECT_EQ(all.take_ended(origin + minutes{10} - tick), (texts{}));
  EXPECT_TRUE(all.use("a", origin + minutes{5}));
  EXPECT_EQ(all.take_ended(origin + minutes{10}), (texts{}));
  EXPECT_EQ(all.take_ended(origin + minutes{15}), (texts{"a"}));
  EXPECT_FALSE(all.use("a", origin + minutes{15}));
  EXPECT_EQ(all.next_end(), std::nullopt);
  EXPECT_EQ(all.bytes(), 0U);
}

TEST(Leases, DoNotEndWhileACallIsUnderWay) {
  auto all = small();
  static_cast<void>(all.open("a", 10, origin));
  EXPECT_TRUE(all.begin_call("a", origin));
  EXPECT_TRUE(all.begin_call("a", origin));
  EXPECT_EQ(all.next_end(), std::nullopt);
  EXPECT_EQ(all.take_ended(origin + minutes{99}), (texts{}));
  EXPECT_TRUE(all.end_call("a", origin + minutes{99}));
  EXPECT_EQ(all.take_ended(origin + minutes{200}), (texts{}));
  EXPECT_TRUE(all.end_call("a", origin + minutes{200}));
  EXPECT_FALSE(all.end_call("a", origin + minutes{200}));
  EXPECT_EQ(all.take_ended(origin + minutes{210} - tick), (texts{}));
  EXPECT_EQ(all.take_ended(origin + minutes{210}), (texts{"a"}));
}

TEST(Leases, OfStateAreRefusedBeyondTheBoundsAndNeverEndedForAnother) {
  auto all = small();
  EXPECT_TRUE(all.open("a", 50, origin).done);
  EXPECT_FALSE(all.open("b", 51, origin).done);
  EXPECT_TRUE(all.open("b", 50, origin).done);
  EXPECT_FALSE(all.open("c", 0, origin + minutes{9}).done);
  EXPECT_TRUE(all.open("a", 50, origin).done);
  EXPECT_TRUE(all.close("b"));
  EXPECT_FALSE(all.close("b"));
  EXPECT_TRUE(all.open("c", 0, origin).done);
}

TEST(Leases, OfSessionsMakeRoomByEndingTheLongestUnused) {
  auto all = small(leases::when_full::end_longest);
  static_cast<void>(all.open("a", 10, origin));
  static_cast<void>(all.open("b", 10, origin + seconds{1}));
  EXPECT_TRUE(all.use("a", origin + seconds{2}));
  const auto third = all.open("c", 10, origin + seconds{3});
  EXPECT_TRUE(third.done);
  EXPECT_EQ(third.ended, (texts{"b"}));
  all.begin_call("a", origin);
  all.begin_call("c", origin);
  EXPECT_FALSE(all.open("d", 10, origin + seconds{4}).done);
  // Nobody else has to go for what fits nowhere.
  EXPECT_TRUE(all.end_call("a", origin));
  EXPECT_EQ(all.open("huge", 101, origin).ended, (texts{}));
  EXPECT_TRUE(all.has("a"));
}

TEST(Leases, OfSessionsEndNobodyForOneThatWouldNotFitEvenThen) {
  auto all = small(leases::when_full::end_longest);
  static_cast<void>(all.open("busy", 60, origin));
  static_cast<void>(all.open("idle", 30, origin));
  EXPECT_TRUE(all.begin_call("busy", origin));
  const auto refused = all.open("new", 41, origin + seconds{1});
  EXPECT_FALSE(refused.done);
  EXPECT_EQ(refused.ended, (texts{}));
  EXPECT_TRUE(all.has("idle"));
  const auto taken = all.open("new", 40, origin + seconds{1});
  EXPECT_TRUE(taken.done);
  EXPECT_EQ(taken.ended, (texts{"idle"}));
}

TEST(Leases, OfSessionsEndNoMoreThanTheNewOneNeeds) {
  leases all{{minutes{10}, 4, 100, leases::when_full::end_longest}};
  static_cast<void>(all.open("first", 10, origin));
  static_cast<void>(all.open("second", 40, origin + seconds{1}));
  static_cast<void>(all.open("third", 50, origin + seconds{2}));
  // The last use counts, and the end of a call is one.
  EXPECT_TRUE(all.begin_call("first", origin + seconds{3}));
  EXPECT_TRUE(all.end_call("first", origin + seconds{4}));
  const auto one = all.open("fourth", 41, origin + seconds{5});
  EXPECT_TRUE(one.done);
  EXPECT_EQ(one.ended, (texts{"second", "third"}));
  EXPECT_TRUE(all.resize("first", 59));
  EXPECT_EQ(all.open("fifth", 100, origin + seconds{6}).ended, (texts{"first", "fourth"}));
  EXPECT_EQ(all.bytes(), 100U);
}

TEST(Leases, CountTheBytesThatTheyTake) {
  auto all = small();
  static_cast<void>(all.open("a", 40, origin));
  static_cast<void>(all.open("b", 40, origin));
  EXPECT_TRUE(all.resize("a", 60));
  EXPECT_FALSE(all.resize("a", 61));
  EXPECT_EQ(all.bytes(), 100U);
  EXPECT_TRUE(all.resize("a", 0));
  EXPECT_EQ(all.bytes(), 40U);
  EXPECT_FALSE(all.resize("c", 1));
}

TEST(Leases, HoldTheirBoundsAndEndInAnyOrderOfEvents) {
  std::mt19937_64 random{7};
  for (int round = 0; round < 50; ++round) {
    auto all =
        leases{{seconds{5}, 4, 100,
                round % 2 == 0 ? leases::when_full::refuse : leases::when_full::end_longest}};
    auto now = origin;
    for (int step = 0; step < 300; ++step) {
      const auto key = std::string(1, static_cast<char>('a' + random() % 8));
      switch (random() % 6) {
        case 0: static_cast<void>(all.open(key, random() % 60, now)); break;
        case 1: all.use(key, now); break;
        case 2: all.begin_call(key, now); break;
        case 3: all.end_call(key, now); break;
        case 4: all.close(key); break;
        default: now += seconds{random() % 3};
      }
      for (const auto& ended : all.take_ended(now)) EXPECT_FALSE(all.has(ended));
      EXPECT_LE(all.count(), 4U);
      EXPECT_LE(all.bytes(), 100U);
    }
    // Progress: when the calls have ended, all leases do.
    for (char c = 'a'; c < 'i'; ++c)
      while (all.end_call(std::string(1, c), now)) {
      }
    static_cast<void>(all.take_ended(now + seconds{5}));
    EXPECT_EQ(all.count(), 0U);
    EXPECT_EQ(all.bytes(), 0U);
  }
}

// -- streams of calls ---------------------------------------------------------

TEST(CallStreams, GiveProgressToTheCallOfItsToken) {
  call_streams streams;
  EXPECT_TRUE(streams.begin(1, R"("mine")"));
  EXPECT_TRUE(streams.begin(2, "7"));
  EXPECT_TRUE(streams.begin(3, ""));
  const auto one = streams.take_progress(call_streams::inner_token(1), 0);
  ASSERT_TRUE(one);
  EXPECT_EQ(one->call, 1U);
  EXPECT_EQ(one->client_token, R"("mine")");
  // Some servers make a text of a number.
  EXPECT_EQ(streams.take_progress(R"("2")", 0).value().client_token, "7");
  EXPECT_FALSE(streams.take_progress(call_streams::inner_token(3), 0));
  EXPECT_FALSE(streams.take_progress("99", 0));
  EXPECT_FALSE(streams.take_progress(R"("mine")", 0));
}

TEST(CallStreams, LetProgressRiseOnlyAndNoneThroughAfterTheEnd) {
  call_streams streams;
  streams.begin(1, "7");
  EXPECT_TRUE(streams.take_progress("1", -1));
  EXPECT_TRUE(streams.take_progress("1", 0.5));
  EXPECT_FALSE(streams.take_progress("1", 0.5));
  EXPECT_FALSE(streams.take_progress("1", 0.4));
  EXPECT_FALSE(streams.take_progress("1", std::numeric_limits<double>::quiet_NaN()));
  EXPECT_TRUE(streams.take_progress("1", 0.6));
  streams.end(1);
  EXPECT_FALSE(streams.take_progress("1", 1));
}

TEST(CallStreams, GiveOtherMessagesToTheOnlyCallOrToNone) {
  call_streams streams;
  EXPECT_EQ(streams.only_call(), std::nullopt);
  streams.begin(1, "");
  EXPECT_EQ(streams.only_call(), 1U);
  streams.begin(2, "");
  EXPECT_EQ(streams.only_call(), std::nullopt);
  EXPECT_EQ(streams.take_request("5"), std::nullopt);
  streams.end(1);
  EXPECT_EQ(streams.only_call(), 2U);
}

TEST(CallStreams, TakeAnAnswerOnceFromTheClientThatWasAsked) {
  call_streams streams;
  streams.begin(1, "");
  const auto id = streams.take_request(R"("server's")");
  ASSERT_TRUE(id);
  const auto other = streams.take_request("6");
  EXPECT_NE(id, other);
  EXPECT_FALSE(streams.take_answer(*id, 2));
  const auto answer = streams.take_answer(*id, 1);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->call, 1U);
  EXPECT_EQ(answer->server_id, R"("server's")");
  EXPECT_FALSE(streams.take_answer(*id, 1));
  streams.end(1);
  EXPECT_FALSE(streams.take_answer(*other, 1));
}

TEST(CallStreams, HaveTheirBounds) {
  call_streams streams{{2, 1}};
  EXPECT_TRUE(streams.begin(1, ""));
  EXPECT_FALSE(streams.begin(1, ""));
  EXPECT_TRUE(streams.take_request("1"));
  EXPECT_FALSE(streams.take_request("2"));
  EXPECT_TRUE(streams.begin(2, ""));
  EXPECT_FALSE(streams.begin(3, ""));
  streams.end(2);
  EXPECT_TRUE(streams.begin(3, ""));
}

}  // namespace
}  // namespace greenroom::runtime::mcp
