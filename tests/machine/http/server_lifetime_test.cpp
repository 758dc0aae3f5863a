// The HTTP server: its ports, and how it stops.
#include "tests/machine/http/served.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

namespace greenroom::tests {
namespace {

TEST(HttpServer, FindsAFreePortAndSpreadsItOverItsLoops) {
  served s{echo, {}, 3};
  EXPECT_NE(s.port(), 0);
  std::vector<raw_client> clients;
  for (int i = 0; i < 30; ++i) clients.emplace_back(s.port());
  for (auto& client : clients) client.send(post("/", "hello"));
  for (auto& client : clients) EXPECT_EQ(body_of(client.answer()), "hello");
}

TEST(HttpServer, SaysWhyItCannotListen) {
  served s{echo};
  http::server_options taken;
  taken.port = s.port();
  const auto second = http::server::start(s.on, taken, echo);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "in-use");
  EXPECT_NE(second.error().text.find("in use"), std::string::npos);
  http::server_options nowhere;
  nowhere.address = "no.such.place";
  EXPECT_FALSE(http::server::start(s.on, nowhere, echo));
}

TEST(HttpServer, OfSeveralLoopsSharesItsPortWithNoOtherServer) {
  const served first{echo, {}, 2};
  engine on{2};
  on.start();
  http::server_options options;
  options.port = first.port();
  const auto second = http::server::start(on, options, echo);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "in-use");
  EXPECT_NE(second.error().text.find("in use"), std::string::npos);
  on.stop();
}

TEST(HttpServer, LetsRequestsFinishWhenItNoLongerAccepts) {
  handover<http::responder> waiting;
  served s{[&](http::request&, const http::responder& reply) { waiting.put(reply); }};
  raw_client busy{s.port()};
  raw_client idle{s.port()};
  busy.send(get("/"));
  auto held = waiting.take(1);
  ASSERT_EQ(held.size(), 1U);
  while (s.server->counters().accepted < 2) std::this_thread::yield();
  s.server->stop_accepting();
  EXPECT_EQ(idle.rest(), "");
  held[0].answer(200, "", "done");
  EXPECT_EQ(body_of(busy.answer()), "done");
  raw_client late{s.port()};
  EXPECT_FALSE(late.ok());
}

TEST(HttpServer, SendsAwayWhoIsInTheMiddleOfARequestWhenItNoLongerAccepts) {
  served s{[](http::request&, const http::responder& reply) { reply.answer(200, "", "done"); }};
  raw_client head{s.port()}, body{s.port()};
  head.send("GET / HTTP/1.1\r\nHo");
  body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
  while (s.server->counters().accepted < 2) std::this_thread::yield();
  // An answer says that the loop has read what came before.
  raw_client last{s.port()};
  last.send(get("/"));
  EXPECT_EQ(body_of(last.answer()), "done");
  s.server->stop_accepting();
  for (auto* one : {&head, &body}) {
    const auto told = one->rest();
    EXPECT_EQ(status_of(told), 503) << told;
    EXPECT_NE(told.find("urn:greenroom:draining"), std::string::npos) << told;
  }
  while (s.server->counters().connections > 0) std::this_thread::yield();
}

TEST(HttpServer, IsDeafAfterItStopped) {
  handover<http::responder> waiting;
  std::vector<http::responder> held;
  {
    served s{[&](http::request&, const http::responder& reply) { waiting.put(reply); }};
    raw_client client{s.port()};
    client.send(get("/"));
    held = waiting.take(1);
    ASSERT_EQ(held.size(), 1U);
    s.server->stop();
    EXPECT_EQ(client.rest(), "");
  }
  // Neither server nor loops are there any more.
  held[0].answer(200, "", "nobody");
  held[0].on_close([] {});
}

}  // namespace
}  // namespace greenroom::tests
