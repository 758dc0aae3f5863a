// The HTTP server with clients that mean harm, or know no better.
#include "runtime/machine/http/server.hpp"

#include "tests/machine/http/raw_client.hpp"

#include <gtest/gtest.h>

#include <sys/resource.h>

#include <dirent.h>

#include <random>
#include <thread>
#include <vector>

namespace greenroom::tests {
namespace {

using machine::engine;
namespace http = machine::http;
using std::chrono::milliseconds;

class HttpAbuse : public ::testing::Test {
protected:
  static void echo(http::request& asked, const http::responder& reply) {
    reply.answer(200, "text/plain", asked.take_body());
  }
  void open(const http::server_options& options = {}, http::server::handler handle = echo) {
    on_.start();
    auto made = http::server::start(on_, options, std::move(handle));
    ASSERT_TRUE(made);
    server_ = *std::move(made);
  }
  void TearDown() override {
    if (server_) server_->stop();
    on_.stop();
  }
  /// What the server says to `bytes` until it closes.
  std::string told(std::string_view bytes) {
    raw_client client{server_->port()};
    client.send(bytes);
    return client.rest();
  }
  /// It still does its work.
  void expect_well() {
    raw_client client{server_->port()};
    ASSERT_TRUE(client.ok());
    client.send(post("/", "well?"));
    EXPECT_EQ(body_of(client.answer()), "well?");
  }

  engine on_{1};
  std::unique_ptr<http::server> server_;
};

TEST_F(HttpAbuse, SaysWhatIsNotHttp) {
  open();
  using namespace std::string_literals;
  const std::vector<std::string> nonsense{
      "HELLO\r\n\r\n",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s,  // TLS
      "GET / HTTP/1.1\r\nHost x\r\n\r\n",
      "GET / HTTP/1.1\r\n: empty\r\n\r\n",
      "GET / HTTP/1.1\r\nA\0B: c\r\n\r\n"s,
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1e3\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: "
      "chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "\xff\xfe\xfd / HTTP/1.1\r\n\r\n",
  };
  for (const auto& bytes : nonsense) {
    const auto answer = told(bytes);
    EXPECT_EQ(status_of(answer), 400) << bytes << "\n" << answer;
    EXPECT_NE(answer.find("application/problem+json"), std::string::npos);
    EXPECT_NE(answer.find("urn:greenroom:malformed"), std::string::npos);
  }
  EXPECT_EQ(server_->counters().malformed, nonsense.size());
  EXPECT_EQ(status_of(told("GET / HTTP/2.0\r\nHost: x\r\n\r\n")), 505);
  expect_well();
}

TEST_F(HttpAbuse, WantsExactlyOneHost) {
  open();
  for (const std::string fields : {"", "Host: a\r\nHost: a\r\n", "Host: a\r\nhOST: b\r\n"}) {
    const auto answer = told("GET / HTTP/1.1\r\n" + fields + "\r\n");
    EXPECT_EQ(status_of(answer), 400) << fields << answer;
    EXPECT_NE(answer.find("Host"), std::string::npos) << answer;
    EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
  }
  EXPECT_EQ(status_of(told("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n")), 400);
  EXPECT_EQ(status_of(told("GET / HTTP/1.0\r\n\r\n")), 200);
  EXPECT_EQ(status_of(told("GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n")), 200);
  expect_well();
}

TEST_F(HttpAbuse, TellsAnUnknownMethodFromWhatIsNoRequest) {
  open();
  for (const std::string name : {"BREW", "get", "X-1"}) {
    const auto answer = told(name + " / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(status_of(answer), 501) << answer;
    EXPECT_NE(answer.find("urn:greenroom:not-implemented"), std::string::npos) << answer;
  }
  for (const std::string line : {"BREW /", "BR(W / HTTP/1.1", " / HTTP/1.1", "BREW / HTTP/3"})
    EXPECT_EQ(status_of(told(line + "\r\nHost: x\r\n\r\n")), 400) << line;
  expect_well();
}

TEST_F(HttpAbuse, RefusesABodyThatIsTooLargeBeforeItComes) {
  http::server_options options;
  options.request_bytes = 1000;
  open(options);
  const auto answer = told("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
  EXPECT_EQ(status_of(answer), 413) << answer;
  EXPECT_NE(answer.find("urn:greenroom:too-large"), std::string::npos);
  raw_client fits{server_->port()};
  fits.send(post("/", std::string(1000, 'x')));
  EXPECT_EQ(body_of(fits.answer()).size(), 1000U);
}

TEST_F(HttpAbuse, IsHeardByAClientThatSendsItsHugeBodyAllTheSame) {
  http::server_options options;
  options.request_bytes = 1000;
  open(options);
  raw_client client{server_->port()};
  // Far more than any socket buffer: without lingering the client would see a reset instead.
  client.send(post("/", std::string(8 << 20, 'x')));
  EXPECT_EQ(status_of(client.answer()), 413);
}

TEST_F(HttpAbuse, RefusesAChunkedBodyThatGrowsTooLarge) {
  http::server_options options;
  options.request_bytes = 1000;
  open(options);
  std::string bytes = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 20; ++i) bytes += "64\r\n" + std::string(100, 'x') + "\r\n";
  EXPECT_EQ(status_of(told(bytes)), 413);
  expect_well();
}

TEST_F(HttpAbuse, RefusesHeaderBombs) {
  open();
  EXPECT_EQ(status_of(told("GET /" + std::string(10'000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n")),
            414);
  EXPECT_EQ(status_of(told("GET / HTTP/1.1\r\nA: " + std::string(20'000, 'a') + "\r\n\r\n")), 431);
  EXPECT_EQ(status_of(told("GET / HTTP/1.1\r\n" + std::string(300, 'a') + ": b\r\n\r\n")), 431);
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 101; ++i) many += "A" + std::to_string(i) + ": b\r\n";
  EXPECT_EQ(status_of(told(many + "\r\n")), 431);
  std::string large = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 20; ++i)
    large += "A" + std::to_string(i) + ": " + std::string(8000, 'a') + "\r\n";
  EXPECT_EQ(status_of(told(large + "\r\n")), 431);
  expect_well();
}

TEST_F(HttpAbuse, LosesPatienceWithSlowHeaders) {
  http::server_options options;
  options.header_timeout = milliseconds{300};
  open(options);
  raw_client never{server_->port()};
  never.send("POST / HTT");
  raw_client dripping{server_->port()};
  std::jthread drip{[&](const std::stop_token& enough) {
    dripping.send("GET / HTTP/1.1\r\n");
    while (!enough.stop_requested() && dripping.send("A: b\r\n")) std::this_thread::yield();
  }};
  EXPECT_EQ(status_of(never.rest()), 408);
  // It either sends more fields than are taken or takes too long for them.
  const auto answer = dripping.answer();
  EXPECT_TRUE(status_of(answer) == 408 || status_of(answer) == 431) << answer;
  expect_well();
}

TEST_F(HttpAbuse, GivesASlowBodyItsTimeAndNoMore) {
  http::server_options options;
  options.header_timeout = milliseconds{100};
  options.idle_timeout = milliseconds{1'500};
  open(options);
  raw_client client{server_->port()};
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n");
  client.send("01234");
  EXPECT_EQ(client.rest(), "");
  raw_client silent{server_->port()};
  EXPECT_EQ(silent.rest(), "");
  expect_well();
}

TEST_F(HttpAbuse, SurvivesAClientThatLeavesAtEveryByte) {
  open();
  const auto whole = post("/", "0123456789", "X-Some: thing\r\n");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    raw_client client{server_->port()};
    client.send(std::string_view{whole}.substr(0, length));
    if (length % 2 == 0) {
      client.end_sending();
      EXPECT_EQ(client.rest(), "");
    } else {
      client.reset();
    }
  }
  EXPECT_EQ(server_->counters().requests, 0U);
  expect_well();
}

TEST_F(HttpAbuse, PutsARequestTogetherThatComesByteByByte) {
  open();
  raw_client client{server_->port()};
  const auto whole = post("/", "0123456789") + post("/", "next");
  for (const char byte : whole) client.send({&byte, 1});
  EXPECT_EQ(body_of(client.answer()), "0123456789");
  EXPECT_EQ(body_of(client.answer()), "next");
}

TEST_F(HttpAbuse, TellsOneConnectionTooManyAndTakesTheNextWhenOneHasGone) {
  http::server_options options;
  options.connections = 20;
  open(options);
  std::vector<raw_client> clients;
  for (int i = 0; i < 20; ++i) {
    clients.emplace_back(server_->port());
    clients.back().send(post("/", "in"));
    EXPECT_EQ(body_of(clients.back().answer()), "in");
  }
  for (int i = 0; i < 50; ++i) {
    const auto answer = told(get("/"));
    EXPECT_EQ(status_of(answer), 503);
    EXPECT_NE(answer.find("urn:greenroom:connections-full"), std::string::npos);
  }
  clients.pop_back();
  while (server_->counters().connections >= 20) std::this_thread::yield();
  expect_well();
}

TEST_F(HttpAbuse, RefusesUploadsThatTogetherAreTooLarge) {
  http::server_options options;
  options.unfinished_bytes = 1 << 20;
  options.request_bytes = 1 << 20;
  options.connections = 64;
  open(options);
  std::vector<raw_client> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back(server_->port());
    clients.back().send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 600000\r\n\r\n");
    clients.back().send(std::string(500'000, 'x'));
  }
  std::size_t refused = 0;
  while (refused < 2) refused = server_->counters().refused;
  expect_well();
  clients.clear();
  while (server_->counters().connections > 0) std::this_thread::yield();
  raw_client again{server_->port()};
  again.send(post("/", std::string(600'000, 'x')));
  EXPECT_EQ(body_of(again.answer()).size(), 600'000U);
}

TEST_F(HttpAbuse, CutsAStreamThatNobodyReads) {
  on_.start();
  http::server_options options;
  options.stream_bytes = 64 * 1024;
  std::atomic<bool> cut{false};
  std::atomic<std::uint64_t> written{0};
  std::jthread writer;
  auto made =
      http::server::start(on_, options, [&](http::request& asked, const http::responder& reply) {
        if (asked.path() == "/well") return reply.answer(200, "", "");
        reply.begin(200, "text/plain");
        writer = std::jthread{[&, reply] {
          const std::string piece(4096, 'x');
          while (reply.write(piece)) written += piece.size();
          cut = true;
        }};
      });
  server_ = *std::move(made);
  raw_client client{server_->port(), 4096};
  client.send(get("/"));
  while (!cut) std::this_thread::yield();
  // What the kernel takes is not the server's; a few megabytes at most.
  EXPECT_LT(written.load(), 32U << 20);
  EXPECT_EQ(server_->counters().streams_cut, 1U);
  EXPECT_EQ(client.rest().find("0\r\n\r\n"), std::string::npos);
}

TEST_F(HttpAbuse, CutsOffWhoDoesNotReadWhenOthersNeedTheRoom) {
  http::server_options options;
  options.unsent_bytes = std::size_t{20} << 20;
  open(options, [](http::request& asked, const http::responder& reply) {
    reply.answer(200, "", asked.path() == "/large" ? std::string(std::size_t{16} << 20, 'x') : "");
  });
  // Who asks for more than there is room for hears so behind what he has.
  {
    raw_client greedy{server_->port(), 4096};
    greedy.send(get("/large") + get("/large"));
    while (server_->counters().requests < 2) std::this_thread::yield();
    EXPECT_EQ(status_of(greedy.answer()), 200);
    const auto refused = greedy.answer();
    EXPECT_EQ(status_of(refused), 503);
    EXPECT_NE(refused.find("urn:greenroom:answers-full"), std::string::npos) << refused;
  }
  raw_client slow{server_->port(), 4096};
  slow.send(get("/large"));
  ASSERT_NE(slow.until("Content-Length: 16777216"), "");
  // Small answers need no room.
  raw_client small{server_->port()};
  small.send(get("/"));
  EXPECT_EQ(status_of(small.answer()), 200);
  std::string answer;
  for (int i = 0; i < 1000 && status_of(answer) != 200; ++i) {
    raw_client later{server_->port()};
    later.send(get("/large"));
    answer = later.answer();
    std::this_thread::sleep_for(milliseconds{20});
  }
  EXPECT_EQ(body_of(answer).size(), std::size_t{16} << 20);
  EXPECT_EQ(server_->counters().streams_cut, 1U);
}

TEST_F(HttpAbuse, AcceptsAgainAfterThereWasNoFileDescriptorLeft) {
  open();
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  // Two sockets for each connection are in this process: a few fit, then accepting fails.
  std::size_t used = 0;
  auto* const listing = ::opendir("/proc/self/fd");
  while (::readdir(listing) != nullptr) ++used;
  ::closedir(listing);
  auto tight = before;
  tight.rlim_cur = used + 21;
  std::vector<raw_client> clients;
  ::setrlimit(RLIMIT_NOFILE, &tight);
  for (int i = 0; i < 60; ++i) {
    raw_client client{server_->port()};
    if (!client.ok()) break;
    clients.push_back(std::move(client));
  }
  EXPECT_FALSE(clients.empty());
  // The last ones wait in the kernel, since no descriptor is left for their other side.
  ::setrlimit(RLIMIT_NOFILE, &before);
  // A client that the server could still accept by its spare descriptor was refused at once.
  std::size_t refused = 0;
  for (auto& client : clients) {
    client.send(post("/", "there"));
    const auto answer = client.answer();
    if (answer.find("connections-full") != std::string::npos)
      ++refused;
    else
      EXPECT_EQ(body_of(answer), "there");
  }
  EXPECT_LT(refused, clients.size());
  raw_client later{server_->port()};
  later.send(post("/", "there"));
  EXPECT_EQ(body_of(later.answer()), "there");
  expect_well();
}

TEST_F(HttpAbuse, SurvivesMutilatedRequests) {
  http::server_options options;
  options.request_bytes = 4096;
  open(options);
  const std::vector<std::string> seeds{
      post("/v1/tasks", R"({"specialist":"x","input":[1,2,3]})", "Expect: 100-continue\r\n"),
      get("/v1/events?after=3") + get("/x"),
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: "
      "x\r\n\r\n",
      "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
      "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
  };
  constexpr std::uint32_t seed = 20261121;
  std::mt19937 random{seed};
  const auto below = [&](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>{0, limit - 1}(random);
  };
  for (int round = 0; round < 1500; ++round) {
    auto bytes = seeds[below(seeds.size())];
    for (auto changes = 1 + below(6); changes > 0; --changes) {
      const auto at = below(bytes.size());
      switch (below(4)) {
        case 0: bytes[at] = static_cast<char>(below(256)); break;
        case 1: bytes.erase(at, 1 + below(8)); break;
        case 2: bytes.insert(at, bytes.substr(below(bytes.size()), below(40))); break;
        default: bytes.insert(at, 1 + below(3), "\r\n :0\xff"[below(6)]); break;
      }
      if (bytes.empty()) bytes = "G";
    }
    raw_client client{server_->port()};
    client.send(bytes);
    if (below(2) == 0) {
      client.end_sending();
      client.rest();
    } else if (below(2) == 0) {
      client.reset();
    }
  }
  expect_well();
  while (server_->counters().connections > 1) std::this_thread::yield();
}

}  // namespace
}  // namespace greenroom::tests
