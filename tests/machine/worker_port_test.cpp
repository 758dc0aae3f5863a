// The ports of servers that the node starts: handed out, and looked at before they are believed.
#include "runtime/machine/process/free_port.hpp"
#include "runtime/machine/process/port_listener.hpp"
#include "tests/machine/puppet_server.hpp"

#include <gmock/gmock.h>

#include <unistd.h>

namespace greenroom::machine::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string example() { return in_tree("apps/workers/examples/python_http.py"); }

TEST(WorkerPort, IsPickedForEachInstanceAndFilledInEverywhere) {
  auto who =
      serves("${PORT}",
             {"sh", "-c", "test \"$MINE\" = \"$PORT\" && exec python3 \"$0\" ${PORT}", example()});
  who.backend.env["MINE"] = "${PORT}";
  who.backend.headers["X-Port"] = "${PORT}";
  stage one{who}, other{who};
  ASSERT_TRUE(one.seen->ready()) << one.seen->how().why;
  ASSERT_TRUE(other.seen->ready()) << other.seen->how().why;
  EXPECT_EQ(one.run("1").output, R"({"echo": 1})");
  EXPECT_EQ(other.run("2").output, R"({"echo": 2})");
}

TEST(WorkerPort, IsNotGivenTwice) {
  std::vector<std::unique_ptr<free_port>> all;
  std::set<std::uint16_t> numbers;
  for (int i = 0; i < 50; ++i) {
    all.push_back(free_port::take());
    ASSERT_TRUE(all.back());
    numbers.insert(all.back()->number());
  }
  EXPECT_EQ(numbers.size(), all.size());
}

TEST(WorkerPort, OfAStrangerIsNotBelieved) {
  std::atomic<int> asked{0};
  puppet_server stranger{[&](const std::string&, const std::string&) {
    ++asked;
    return plain(200, "{}");
  }};
  auto who = serves(stranger.port(), {"sleep", "60"});
  who.backend.headers["Authorization"] = "secret";
  stage world{who};
  ASSERT_TRUE(world.seen->gone());
  EXPECT_EQ(world.seen->times_ready(), 0);
  EXPECT_THAT(world.seen->how().why,
              AllOf(HasSubstr("port " + stranger.port() + " is held by process "
                              + std::to_string(::getpid()) + " (machine_tests)"),
                    HasSubstr("write ${PORT}")));
  EXPECT_EQ(asked, 0) << "nor is it told anything";
}

TEST(WorkerPort, OfAStrangerIsNamedWhenTheServerCannotHaveIt) {
  puppet_server stranger{[](const std::string&, const std::string&) { return plain(200, "{}"); }};
  stage world{serves(stranger.port(), {"python3", example(), stranger.port()})};
  ASSERT_TRUE(world.seen->gone());
  EXPECT_THAT(world.seen->how().why, HasSubstr("port " + stranger.port() + " is held by process"));
}

TEST(WorkerPort, OfAnotherProgramIsBelievedWhenThatIsMeant) {
  puppet_server container{[](const std::string& head, const std::string&) {
    return asks_health(head) ? plain(200, "") : plain(200, "1");
  }};
  auto who = serves(container.port(), {"sleep", "60"});
  who.backend.listener = config::listener_owner::any;
  stage world{who};
  ASSERT_TRUE(world.seen->ready()) << world.seen->how().why;
  EXPECT_EQ(world.run("1").output, "1");
}

TEST(WorkerPort, BelongsToWhoeverTheCommandStarted) {
  for (const std::string how :
       {"python3 \"$0\" ${PORT} & wait", "(setsid timeout 30 python3 \"$0\" ${PORT} &); sleep 60",
        "sh -c 'python3 \"$0\" ${PORT}' \"$0\""}) {
    stage world{serves("${PORT}", {"sh", "-c", how, example()})};
    ASSERT_TRUE(world.seen->ready()) << how << ": " << world.seen->how().why;
    EXPECT_EQ(world.run("1").output, R"({"echo": 1})");
  }
}

TEST(WorkerPort, IsReadFromTheKernelsTable) {
  constexpr std::string_view table =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
      "inode\n"
      "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 "
      "4711 1\n"
      "   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "4712 1\n"
      "   2: 00000000:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "4713 1\n"
      "   3: 0100007F:1F90 0100007F:C000 01 00000000:00000000 00:00000000 00000000     0        0 "
      "4714 1\n"
      "   4: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "4715 1\n";
  const auto found = listeners_in(table, 8080);
  ASSERT_EQ(found.size(), 2U) << "those that listen stand first";
  EXPECT_EQ(found[0].address.to_string(), "127.0.0.1");
  EXPECT_EQ(found[0].inode, 4711U);
  EXPECT_EQ(found[0].user, 1000U);
  EXPECT_EQ(found[1].address.to_string(), "0.0.0.0");
  constexpr std::string_view six =
      "  sl ...\n"
      "   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A "
      "00000000:00000000 00:00000000 00000000     0        0 99 1\n"
      "   1: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000000000000:0000 0A "
      "00000000:00000000 00:00000000 00000000     0        0 98 1\n";
  const auto both = listeners_in(six, 8080);
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[0].address.to_string(), "::1");
  EXPECT_EQ(both[1].address.to_string(), "127.0.0.1");
  EXPECT_TRUE(listeners_in("", 1).empty());
  EXPECT_TRUE(listeners_in("x\ny\n0: z 0 0A\n", 1).empty());
}

TEST(WorkerPort, IsReachedThroughTheNearestSocket) {
  boost::asio::io_context io;
  namespace ip = boost::asio::ip;
  const ip::tcp::acceptor mine{io, {ip::address_v4::loopback(), 0}};
  const auto port = mine.local_endpoint().port();
  const auto found = listeners_at(ip::address_v4::loopback(), port);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(whose(found, ::getpid(), "").own);
  const auto foreign = whose(found, 1, "");
  EXPECT_FALSE(foreign.own);
  EXPECT_EQ(foreign.pid, ::getpid());
  EXPECT_FALSE(whose({}, ::getpid(), "").own) << "nobody listens";
}

}  // namespace
}  // namespace greenroom::machine::testing
