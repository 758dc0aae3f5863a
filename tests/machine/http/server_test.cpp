// The HTTP server with well-behaved clients: answers, order, streams, endings.
#include "runtime/machine/http/server.hpp"

#include "tests/machine/http/raw_client.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

namespace greenroom::tests {
namespace {

using machine::engine;
namespace http = machine::http;

struct served {
  explicit served(http::server::handler handle, http::server_options options = {},
                  std::size_t loops = 1)
      : on{loops} {
    on.start();
    auto made = http::server::start(on, options, std::move(handle));
    if (!made) {
      ADD_FAILURE() << made.error().text;
      std::abort();
    }
    server = *std::move(made);
  }
  ~served() {
    server->stop();
    on.stop();
  }
  std::uint16_t port() const { return server->port(); }

  engine on;
  std::unique_ptr<http::server> server;
};

void echo(http::request& asked, const http::responder& reply) {
  reply.answer(200, "text/plain", asked.take_body());
}

/// Hands over what is thrown in, in order, to a thread that waits for it.
template <class T>
class handover {
public:
  void put(T value) {
    const std::lock_guard lock{guard_};
    values_.push_back(std::move(value));
    changed_.notify_all();
  }
  std::vector<T> take(std::size_t count) {
    std::unique_lock lock{guard_};
    changed_.wait_for(lock, std::chrono::seconds{20}, [&] { return values_.size() >= count; });
    return std::exchange(values_, {});
  }

private:
  std::mutex guard_;
  std::condition_variable changed_;
  std::vector<T> values_;
};

TEST(HttpServer, AnswersRequestAfterRequestOnOneConnection) {
  served s{echo};
  raw_client client{s.port()};
  for (const auto* text : {"one", "two", ""}) {
    client.send(post("/", text));
    const auto answer = client.answer();
    EXPECT_EQ(status_of(answer), 200);
    EXPECT_EQ(body_of(answer), text);
  }
  EXPECT_EQ(s.server->counters().requests, 3U);
  EXPECT_EQ(s.server->counters().accepted, 1U);
}

TEST(HttpServer, ShowsThePartsOfARequest) {
  served s{[](http::request& asked, const http::responder& reply) {
    std::string seen{asked.method_name()};
    seen += "|" + std::string{asked.path()} + "|" + std::string{asked.query()};
    seen += "|" + std::string{asked.header("x-thing").value_or("-")};
    seen += "|" + std::string{asked.header("absent").value_or("-")};
    reply.answer(200, "text/plain", seen);
  }};
  raw_client client{s.port()};
  client.send("GET /a/b%20c?d=e&f#g HTTP/1.1\r\nHost: x\r\nX-Thing: 7\r\n\r\n");
  EXPECT_EQ(body_of(client.answer()), "GET|/a/b%20c|d=e&f|7|-");
  client.send("DELETE http://host:1/x?y HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(body_of(client.answer()), "DELETE|/x|y|-|-");
  client.send("GET http://host HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(body_of(client.answer()), "GET|/||-|-");
}

TEST(HttpServer, TakesAChunkedBody) {
  served s{echo};
  raw_client client{s.port()};
  client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.send("3\r\nabc\r\n");
  client.send("2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(body_of(client.answer()), "abcde");
}

TEST(HttpServer, GivesLargeBodiesBackWhole) {
  served s{echo};
  raw_client client{s.port()};
  std::string large(5'000'000, 'x');
  for (std::size_t i = 0; i < large.size(); i += 97) large[i] = static_cast<char>('a' + i % 26);
  std::thread sender{[&] { client.send(post("/", large)); }};
  const auto answer = client.answer();
  sender.join();
  EXPECT_EQ(body_of(answer), large);
}

TEST(HttpServer, LeavesOutTheContentForHead) {
  served s{[](http::request&, const http::responder& reply) {
    reply.answer(200, "text/plain", "five!");
  }};
  raw_client client{s.port()};
  client.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + get("/"));
  const auto head = client.answer(true);
  EXPECT_NE(head.find("Content-Length: 5\r\n"), std::string::npos);
  EXPECT_EQ(body_of(head), "");
  EXPECT_EQ(body_of(client.answer()), "five!");
}

TEST(HttpServer, ClosesAfterTheAnswerWhenTheClientSaysSo) {
  served s{echo};
  raw_client client{s.port()};
  client.send(post("/", "bye", "Connection: close\r\n"));
  const auto all = client.rest();
  EXPECT_NE(all.find("Connection: close\r\n"), std::string::npos);
  EXPECT_EQ(body_of(all), "bye");
}

TEST(HttpServer, SpeaksToOldClients) {
  served s{echo};
  raw_client once{s.port()};
  once.send("POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nab");
  EXPECT_EQ(body_of(once.rest()), "ab");
  raw_client kept{s.port()};
  kept.send("POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nab");
  EXPECT_NE(kept.answer().find("Connection: keep-alive\r\n"), std::string::npos);
  kept.send("POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\ncd");
  EXPECT_EQ(body_of(kept.answer()), "cd");
}

TEST(HttpServer, AnswersPipelinedRequestsInTheirOrder) {
  served s{echo};
  raw_client client{s.port()};
  std::string all;
  for (int i = 0; i < 100; ++i) all += post("/", std::to_string(i));
  client.send(all);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(body_of(client.answer()), std::to_string(i));
}

TEST(HttpServer, KeepsTheOrderWhenOtherThreadsAnswerBackwards) {
  handover<std::pair<http::responder, std::string>> waiting;
  http::server_options options;
  options.pipelined = 8;
  served s{[&](http::request& asked, const http::responder& reply) {
             waiting.put({reply, asked.take_body()});
           },
           options};
  raw_client client{s.port()};
  std::string all;
  for (int i = 0; i < 8; ++i) all += post("/", std::to_string(i));
  client.send(all);
  auto held = waiting.take(8);
  ASSERT_EQ(held.size(), 8U);
  std::thread other{[&] {
    for (auto at = held.rbegin(); at != held.rend(); ++at) at->first.answer(200, "", at->second);
  }};
  other.join();
  for (int i = 0; i < 8; ++i) EXPECT_EQ(body_of(client.answer()), std::to_string(i));
}

TEST(HttpServer, TakesNoMoreOfAConnectionThanItsShareOfRequests) {
  handover<http::responder> waiting;
  http::server_options options;
  options.pipelined = 3;
  std::atomic<int> seen{0};
  served s{[&](http::request&, const http::responder& reply) {
             ++seen;
             waiting.put(reply);
           },
           options};
  raw_client client{s.port()};
  std::string all;
  for (int i = 0; i < 10; ++i) all += get("/");
  client.send(all);
  int answered = 0;
  while (answered < 10) {
    auto held = waiting.take(1);
    ASSERT_FALSE(held.empty());
    EXPECT_LE(seen.load(), answered + 3);
    for (const auto& one : held) {
      ++answered;
      one.answer(200, "", "x");
    }
  }
  for (int i = 0; i < 10; ++i) EXPECT_EQ(body_of(client.answer()), "x");
}

TEST(HttpServer, CountsOnlyTheFirstAnswer) {
  served s{[](http::request&, const http::responder& reply) {
    reply.answer(200, "", "first");
    reply.answer(500, "", "second");
    reply.begin(500, "", "");
  }};
  raw_client client{s.port()};
  client.send(get("/") + get("/"));
  EXPECT_EQ(body_of(client.answer()), "first");
  EXPECT_EQ(body_of(client.answer()), "first");
}

TEST(HttpServer, SaysThatItFailedWhenNobodyAnswers) {
  served s{[](http::request& asked, const http::responder&) {
    if (asked.path() == "/throw") throw std::runtime_error{"a secret"};
  }};
  raw_client client{s.port()};
  for (const auto* path : {"/drop", "/throw", "/drop"}) {
    client.send(get(path));
    const auto answer = client.answer();
    EXPECT_EQ(status_of(answer), 500);
    EXPECT_NE(answer.find("urn:greenroom:internal"), std::string::npos);
    EXPECT_EQ(answer.find("secret"), std::string::npos);
  }
}

TEST(HttpServer, AsksForTheBodyThatAClientHoldsBack) {
  served s{echo};
  raw_client client{s.port()};
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("body");
  EXPECT_EQ(body_of(client.answer()), "body");
}

/// Until the server has read what the client sent.
void expect_taken(const raw_client& client) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (!client.taken()) {
    ASSERT_LT(std::chrono::steady_clock::now(), until);
    std::this_thread::yield();
  }
}

/// More than the buffers of both sockets take.
constexpr std::size_t large_bytes = std::size_t{32} << 20;

TEST(HttpServer, GivesLeaveForABodyBehindTheAnswersBeforeIt) {
  handover<http::responder> waiting;
  served s{[&](http::request& asked, const http::responder& reply) {
    if (asked.path() == "/large") return reply.answer(200, "", std::string(large_bytes, 'x'));
    if (asked.path() == "/held") return waiting.put(reply);
    echo(asked, reply);
  }};
  for (const auto* first : {"/large", "/held"}) {
    raw_client client{s.port()};
    client.send(get(first));
    expect_taken(client);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    expect_taken(client);
    if (std::string_view{first} == "/held") {
      const auto held = waiting.take(1);
      ASSERT_EQ(held.size(), 1U);
      held.front().answer(200, "", "x");
    }
    EXPECT_EQ(body_of(client.answer()).find_first_not_of('x'), std::string_view::npos) << first;
    EXPECT_EQ(client.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n") << first;
    client.send("body");
    EXPECT_EQ(body_of(client.answer()), "body");
  }
}

TEST(HttpServer, PutsNoErrorIntoTheMiddleOfAnotherAnswer) {
  served s{[&](http::request&, const http::responder& reply) {
    reply.answer(200, "", std::string(large_bytes, 'x'));
  }};
  raw_client client{s.port()};
  client.send(get("/"));
  expect_taken(client);
  client.send("no request\r\n\r\n");
  expect_taken(client);
  const auto all = client.rest();
  EXPECT_EQ(all.find("HTTP/1.1 ", 1), std::string::npos) << "after " << all.size() << " bytes";
}

TEST(HttpServer, StreamsPiecesAsChunks) {
  served s{[](http::request&, const http::responder& reply) {
    reply.begin(200, "text/event-stream", "X-More: 1\r\n");
    reply.write("one");
    reply.write("");
    reply.write(std::string(20, 'x'));
    reply.end();
    reply.write("late");
    reply.end();
  }};
  raw_client client{s.port()};
  for (int i = 0; i < 2; ++i) {
    client.send(get("/"));
    const auto head = client.until("\r\n\r\n");
    EXPECT_NE(head.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
    EXPECT_NE(head.find("X-More: 1\r\n"), std::string::npos);
    EXPECT_EQ(client.until("0\r\n\r\n"), "3\r\none\r\n14\r\nxxxxxxxxxxxxxxxxxxxx\r\n0\r\n\r\n");
  }
}

TEST(HttpServer, StreamsToOldClientsUntilTheConnectionEnds) {
  served s{[](http::request&, const http::responder& reply) {
    reply.begin(200, "text/plain");
    reply.write("one");
    reply.write("two");
    reply.end();
  }};
  raw_client client{s.port()};
  client.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(body_of(client.rest()), "onetwo");
  raw_client head{s.port()};
  head.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + get("/"));
  EXPECT_EQ(body_of(head.answer(true)), "");
  EXPECT_EQ(status_of(head.until("0\r\n\r\n")), 200);
}

TEST(HttpServer, StreamsFromAnotherThreadInTheOrderOfTheCalls) {
  handover<http::responder> waiting;
  served s{[&](http::request&, const http::responder& reply) {
    reply.begin(200, "text/plain");
    reply.write("start ");
    waiting.put(reply);
  }};
  raw_client client{s.port()};
  client.send("GET / HTTP/1.0\r\n\r\n");
  auto held = waiting.take(1);
  ASSERT_EQ(held.size(), 1U);
  std::string expected = "start ";
  for (int i = 0; i < 2000; ++i) {
    const auto piece = std::to_string(i) + " ";
    EXPECT_TRUE(held[0].write(piece));
    expected += piece;
  }
  held[0].end();
  EXPECT_EQ(body_of(client.rest()), expected);
}

TEST(HttpServer, BreaksTheConnectionOfAStreamThatIsAborted) {
  served s{[](http::request& asked, const http::responder& reply) {
    reply.begin(200, "text/plain");
    reply.write("half");
    if (asked.path() == "/abort") reply.abort();
    // Otherwise it is dropped, which must not look like a whole answer either.
  }};
  for (const auto* path : {"/abort", "/drop"}) {
    raw_client client{s.port()};
    client.send(get(path));
    const auto came = client.rest();
    EXPECT_EQ(came.find("0\r\n\r\n"), std::string::npos) << path;
    // What is on its way when a stream is aborted may be lost.
    if (path == std::string_view{"/drop"}) {
      EXPECT_NE(came.find("half"), std::string::npos);
    }
  }
}

TEST(HttpServer, TellsThatAClientHungUpExactlyOnce) {
  handover<http::responder> waiting;
  handover<int> gone;
  served s{[&](http::request&, const http::responder& reply) {
    reply.on_close([&] { gone.put(1); });
    waiting.put(reply);
  }};
  for (const auto how : {0, 1}) {
    raw_client client{s.port()};
    client.send(get("/"));
    auto held = waiting.take(1);
    ASSERT_EQ(held.size(), 1U);
    EXPECT_FALSE(held[0].closed());
    if (how == 0) client.close();
    if (how == 1) client.reset();
    EXPECT_EQ(gone.take(1).size(), 1U);
    EXPECT_TRUE(held[0].closed());
    EXPECT_FALSE(held[0].write("x"));
    // Who asks afterwards hears it at once.
    held[0].on_close([&] { gone.put(2); });
    EXPECT_EQ(gone.take(1), std::vector<int>{2});
    held[0].answer(200, "", "nobody reads this");
  }
  EXPECT_EQ(s.server->counters().hung_up, 2U);
}

TEST(HttpServer, AnswersAClientThatHasEndedItsSendingSide) {
  handover<http::responder> waiting;
  handover<int> gone;
  served s{[&](http::request&, const http::responder& reply) {
    reply.on_close([&] { gone.put(1); });
    waiting.put(reply);
  }};
  for (const std::string version : {"1.1", "1.0"}) {
    raw_client client{s.port()};
    client.send("POST / HTTP/" + version + "\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
    client.end_sending();
    auto held = waiting.take(1);
    ASSERT_EQ(held.size(), 1U);
    EXPECT_FALSE(held[0].closed());
    held[0].answer(200, "text/plain", "late");
    const auto rest = client.rest();
    EXPECT_EQ(status_of(rest), 200) << rest;
    EXPECT_TRUE(rest.ends_with("late")) << rest;
  }
  while (s.server->counters().connections > 0) std::this_thread::yield();
  EXPECT_EQ(s.server->counters().hung_up, 0U);
}

TEST(HttpServer, NoticesThatAClientIsGoneThatHadEndedItsSendingSide) {
  handover<http::responder> waiting;
  handover<int> gone;
  served s{[&](http::request&, const http::responder& reply) {
    reply.on_close([&] { gone.put(1); });
    waiting.put(reply);
  }};
  raw_client client{s.port()};
  client.send(get("/"));
  client.end_sending();
  auto held = waiting.take(1);
  ASSERT_EQ(held.size(), 1U);
  client.close();
  EXPECT_EQ(gone.take(1).size(), 1U);
  EXPECT_TRUE(held[0].closed());
}

TEST(HttpServer, StopsWhileAClientThatHasEndedItsSendingSideWaits) {
  handover<http::responder> waiting;
  auto s = std::make_unique<served>(
      [&](http::request&, const http::responder& reply) { waiting.put(reply); });
  raw_client client{s->port()};
  client.send(get("/"));
  client.end_sending();
  auto held = waiting.take(1);
  s.reset();
  EXPECT_EQ(client.rest(), "");
  held.clear();
}

TEST(HttpServer, DoesNotTellOfAHangUpAfterTheAnswer) {
  handover<int> gone;
  served s{[&](http::request& asked, const http::responder& reply) {
    if (asked.path() == "/first") reply.on_close([&] { gone.put(1); });
    if (asked.path() == "/second") reply.on_close([&] { gone.put(2); });
    if (asked.path() != "/second") reply.answer(200, "", "done");
  }};
  raw_client client{s.port()};
  client.send(get("/first"));
  EXPECT_EQ(body_of(client.answer()), "done");
  client.send(get("/second"));
  EXPECT_EQ(status_of(client.answer()), 500);
  client.send(get("/third"));
  EXPECT_EQ(body_of(client.answer()), "done");
  client.close();
  raw_client other{s.port()};
  other.send(get("/third"));
  EXPECT_EQ(body_of(other.answer()), "done");
  while (s.server->counters().connections > 1) std::this_thread::yield();
  EXPECT_EQ(s.server->counters().hung_up, 0U);
  s.server->stop();
  gone.put(9);
  EXPECT_EQ(gone.take(1), std::vector<int>{9});
}

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
