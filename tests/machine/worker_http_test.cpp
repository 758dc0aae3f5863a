// Workers that are HTTP servers: the examples, and a server of the test's own that is told what to
// answer.
#include "runtime/machine/http/http_call.hpp"
#include "runtime/machine/http/retry_after.hpp"
#include "tests/machine/journal_scratch.hpp"
#include "tests/machine/puppet_server.hpp"
#include "tests/machine/worker_world.hpp"

#include <gmock/gmock.h>

#include <boost/asio/ip/tcp.hpp>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <future>
#include <thread>

namespace greenroom::machine::testing {
namespace {

using protocols::failure;
using ::testing::HasSubstr;
namespace asio = boost::asio;
using asio::ip::tcp;

TEST(HttpWorker, StartsThePythonExampleAndWaitsForItsHealth) {
  const auto port = a_free_port();
  stage world{serves(port, {"python3", in_tree("apps/workers/examples/python_http.py"), port})};
  ASSERT_TRUE(world.seen->ready()) << world.seen->how().why;
  EXPECT_GT(world.work->pid(), 0);
  EXPECT_EQ(world.run(R"({"a":[1,2]})").output, R"({"echo": {"a": [1, 2]}})");
  world.work->ping();
  EXPECT_TRUE(world.seen->pong());
  world.work->stop(std::chrono::seconds{10});
  ASSERT_TRUE(world.seen->gone());
  EXPECT_TRUE(world.seen->how().asked);
}

TEST(HttpWorker, KeepsTheStreamOfTheNodeExample) {
  if (std::system("node --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "node is not installed";
  const auto port = a_free_port();
  stage world{serves(port, {"node", in_tree("apps/workers/examples/node_http.js"), port})};
  ASSERT_TRUE(world.seen->ready()) << world.seen->how().why;
  auto job = world.task(R"({"stream":true,"text":"to be or"})");
  job->streaming = true;
  world.work->run(job);
  ASSERT_TRUE(world.seen->ended());
  EXPECT_GE(world.seen->chunks().size(), 3U);
  EXPECT_EQ(world.seen->chunks().front(), "data: \"to\"\n\n");
  EXPECT_THAT(world.seen->result().output, HasSubstr(R"(data: [DONE]\n\n)"));
}

TEST(HttpWorker, TellsRefusalsFromFailures) {
  std::atomic<int> status{200};
  puppet_server server{[&](const std::string& head, const std::string& body) {
    return asks_health(head) ? plain(200, "") : plain(status, body);
  }};
  stage world{serves(server.port())};
  ASSERT_TRUE(world.seen->ready()) << world.seen->how().why;
  EXPECT_EQ(world.work->pid(), 0);
  EXPECT_EQ(world.run("{\"a\":\n1}").output, R"({"a": 1})");
  EXPECT_EQ(world.run("\"not JSON\"").why, failure::none);
  for (const int refused : {400, 404, 422}) {
    status = refused;
    const auto answer = world.run("1");
    EXPECT_EQ(answer.why, failure::refused);
    EXPECT_FALSE(answer.retryable);
    EXPECT_THAT(answer.output, HasSubstr(std::to_string(refused)));
  }
  for (const int failed : {429, 500, 502, 503, 504}) {
    status = failed;
    const auto answer = world.run("1");
    EXPECT_EQ(answer.why, failure::worker_failed);
    EXPECT_TRUE(answer.retryable);
    EXPECT_EQ(answer.answered, failed != 502 && failed != 504) << "a gateway does not know";
  }
  // All of it over the connection that the health check had opened.
  EXPECT_EQ(server.connections, 1);
}

TEST(HttpWorker, TellsForHowLongItWasAskedToPause) {
  std::atomic<int> status{429};
  std::string field = "7";
  puppet_server server{[&](const std::string& head, const std::string&) {
    if (asks_health(head)) return plain(200, "");
    return "HTTP/1.1 " + std::to_string(status)
           + " X\r\nDate: Sun, 06 Nov 1994 08:49:30 GMT\r\nRetry-After: " + field
           + "\r\nContent-Length: 0\r\n\r\n";
  }};
  stage world{serves(server.port())};
  ASSERT_TRUE(world.seen->ready()) << world.seen->how().why;
  EXPECT_EQ(world.run("1").retry_after_ms, 7000);
  status = 503;
  field = "Sun, 06 Nov 1994 08:49:37 GMT";
  EXPECT_EQ(world.run("1").retry_after_ms, 7000) << "by the server's own clock";
  for (const auto* none : {"0", "-7", "soon", "7s", "Sun, 06 Nov 1994 08:49:37"}) {
    field = none;
    EXPECT_EQ(world.run("1").retry_after_ms, 0) << none;
  }
  status = 404;
  field = "7";
  EXPECT_EQ(world.run("1").retry_after_ms, 0) << "it is not tried again";
}

TEST(HttpWorker, ReadsThePauseOfAnAnswerWithoutADate) {
  EXPECT_EQ(retry_after_ms("Sun, 06 Nov 1994 08:49:37 GMT", "", 784'111'770), 7000);
  EXPECT_EQ(retry_after_ms("Sun, 06 Nov 1994 08:49:37 GMT", "yesterday", 784'111'770), 7000);
  EXPECT_EQ(retry_after_ms("Sun, 06 Nov 1994 08:49:37 GMT", "", 784'111'778), 0) << "it is over";
  EXPECT_EQ(retry_after_ms("99999999999999999999", "", 0), 1'000'000'000'000) << "for ever";
  EXPECT_EQ(retry_after_ms("", "", 0), 0);
}

TEST(HttpWorker, MakesTextAndNothingToJson) {
  puppet_server server{[&](const std::string& head, const std::string& body) {
    if (asks_health(head)) return plain(204, "");
    return body == "1" ? plain(200, "plain \"text\"\n") : plain(200, "");
  }};
  stage world{serves(server.port())};
  ASSERT_TRUE(world.seen->ready());
  EXPECT_EQ(world.run("1").output, R"("plain \"text\"\n")");
  EXPECT_EQ(world.run("2").output, "null");
}

TEST(HttpWorker, WaitsUntilTheHealthIsGood) {
  std::atomic<int> asked{0};
  puppet_server server{[&](const std::string& head, const std::string&) {
    return asks_health(head) && ++asked < 5 ? plain(503, "loading") : plain(200, "{}");
  }};
  stage world{serves(server.port())};
  ASSERT_TRUE(world.seen->ready());
  EXPECT_EQ(asked, 5);
}

TEST(HttpWorker, GivesUpWhenTheHealthStaysBad) {
  puppet_server server{
      [&](const std::string&, const std::string&) { return plain(503, "loading"); }};
  auto who = serves(server.port());
  who.backend.start_timeout = std::chrono::milliseconds{200};
  stage world{std::move(who)};
  ASSERT_TRUE(world.seen->gone());
  EXPECT_EQ(world.seen->times_ready(), 0);
  EXPECT_THAT(world.seen->how().why, AllOf(HasSubstr("not ready within 200ms: GET "),
                                           HasSubstr(", last answer: HTTP 503")));
}

TEST(HttpWorker, TriesAgainWhenAnIdleConnectionWasClosed) {
  std::atomic<int> posts{0};
  puppet_server server{[&](const std::string& head, const std::string&) {
    if (asks_health(head)) return plain(200, "");
    return ++posts == 2 ? std::string{} : plain(200, "1");
  }};
  stage world{serves(server.port())};
  ASSERT_TRUE(world.seen->ready());
  EXPECT_EQ(world.run("1").output, "1");
  EXPECT_EQ(world.run("1").output, "1");
  EXPECT_EQ(posts, 3);
}

TEST(HttpWorker, DoesNotSendAnUnsafeTaskTwice) {
  std::atomic<int> posts{0};
  puppet_server server{[&](const std::string& head, const std::string&) {
    return asks_health(head) ? plain(200, "") : (++posts, std::string{});
  }};
  stage world{serves(server.port())};
  ASSERT_TRUE(world.seen->ready());
  auto job = world.task("1");
  job->effects = protocols::side_effects::unsafe;
  world.work->run(job);
  ASSERT_TRUE(world.seen->ended());
  EXPECT_EQ(world.seen->result().why, failure::worker_failed);
  EXPECT_EQ(posts, 1);
}

TEST(HttpWorker, FailsTasksOnHalfHugeAndBrokenAnswers) {
  std::atomic<int> turn{0};
  puppet_server server{[&](const std::string& head, const std::string&) -> std::string {
    if (asks_health(head)) return plain(200, "");
    switch (turn++) {
      case 0:
        return "HTTP/1.1 200 X\r\nContent-Length: 5000000\r\n\r\n" + std::string(5000000, '1');
      case 1: return "who are you?\r\n\r\n\r\n";
      default: return "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\nzz\r\n";
    }
  }};
  worker_surroundings where;
  where.output_bytes_max = 1 << 20;
  stage world{serves(server.port()), where};
  ASSERT_TRUE(world.seen->ready());
  for (int i = 0; i < 3; ++i) {
    const auto answer = world.run("1");
    EXPECT_EQ(answer.why, failure::worker_failed) << i;
    EXPECT_EQ(answer.retryable, i > 0) << "what is too long once is too long again";
    if (i == 0) {
      EXPECT_THAT(answer.output, HasSubstr("5000000 bytes; limits.output_bytes allows 1048576"));
    }
  }
}

TEST(HttpWorker, HangsUpOnACancelledTask) {
  std::promise<void> arrived, release;
  auto released = release.get_future().share();
  puppet_server server{[&](const std::string& head, const std::string& body) {
    if (asks_health(head) || body == "2") return plain(200, "2");
    arrived.set_value();
    released.wait();
    return plain(200, "1");
  }};
  stage world{serves(server.port())};
  ASSERT_TRUE(world.seen->ready());
  const auto job = world.task("1");
  world.work->run(job);
  arrived.get_future().wait();
  world.work->cancel(job);
  ASSERT_TRUE(world.seen->ended());
  EXPECT_EQ(world.seen->result().why, failure::cancelled);
  EXPECT_EQ(world.run("2").output, "2");
  EXPECT_EQ(world.seen->endings(), 2U);
  release.set_value();
  world.work->stop(std::chrono::seconds{1});
  ASSERT_TRUE(world.seen->gone());
}

TEST(HttpWorker, GivesAnAttemptUpThatHearsNothingAndGoesOn) {
  std::promise<void> release;
  auto released = release.get_future().share();
  puppet_server server{[&](const std::string& head, const std::string& body) {
    if (!asks_health(head) && body == "1") released.wait();
    return plain(200, "2");
  }};
  auto who = serves(server.port());
  who.backend.attempt_timeout = std::chrono::milliseconds{100};
  stage world{std::move(who)};
  ASSERT_TRUE(world.seen->ready());
  const auto answer = world.run("1");
  EXPECT_EQ(answer.why, failure::worker_failed);
  EXPECT_TRUE(answer.retryable);
  EXPECT_THAT(answer.output, HasSubstr("no answer within 100ms"));
  release.set_value();
  EXPECT_EQ(world.run("2").output, "2");
  EXPECT_EQ(world.seen->endings(), 2U) << "the late answer is nobody's";
}

TEST(HttpWorker, IsGoneWithItsProcess) {
  const auto port = a_free_port();
  stage world{serves(port, {"python3", "-S", in_tree("tests/workers/odd.py"), "exit-at-start"})};
  ASSERT_TRUE(world.seen->gone());
  EXPECT_THAT(world.seen->how().why, HasSubstr("exited with status 3"));
}

TEST(HttpWorker, SendsTheHeadersItWasGiven) {
  std::atomic<int> with{0};
  puppet_server server{[&](const std::string& head, const std::string&) {
    if (head.find("Authorization: Bearer abc\r\n") != std::string::npos) ++with;
    return asks_health(head) ? plain(200, "") : plain(200, "1");
  }};
  auto who = serves(server.port());
  who.backend.headers = {{"Authorization", "Bearer abc"}};
  stage world{who};
  ASSERT_TRUE(world.seen->ready()) << world.seen->how().why;
  EXPECT_EQ(world.run("1").output, "1");
  EXPECT_GE(with, 2);
}

/// A certificate for `names` that nobody but its holder vouches for, and its key, in one file; the
/// certificate alone is in FILE.crt.
std::string own_certificate(const std::string& file, const std::string& names) {
  const auto made =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
      "-subj /CN=test -addext subjectAltName="
      + names + " -keyout " + file + " -out " + file + ".crt 2>/dev/null && cat " + file
      + ".crt >> " + file;
  EXPECT_EQ(std::system(made.c_str()), 0);
  return file;
}

TEST(HttpWorker, TrustsOnlyCertificatesThatAreGoodForTheName) {
  if (std::system("openssl version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no openssl program";
  const scratch_directory good, stranger;
  const auto file = own_certificate(good.file("both.pem"), "DNS:localhost");
  // OpenSSL reads it when the first safe connection is made.
  ::setenv("SSL_CERT_FILE", (file + ".crt").c_str(), 1);
  const auto talk_to = [](const std::string& host, const std::string& certificate) {
    const auto port = a_free_port();
    auto who =
        serves(port, {"python3", "-S", in_tree("tests/workers/tls_echo.py"), port, certificate});
    who.backend.url = "https://" + host + ":" + port;
    who.backend.start_timeout = std::chrono::seconds{host == "localhost" ? 20 : 2};
    return who;
  };
  {
    stage world{talk_to("localhost", file)};
    ASSERT_TRUE(world.seen->ready()) << world.seen->how().why;
    for (int i = 0; i < 3; ++i) EXPECT_EQ(world.run(R"({"a":1})").output, R"({"a":1})");
  }
  {
    stage world{talk_to("127.0.0.1", file)};
    ASSERT_TRUE(world.seen->gone()) << "the certificate is for another name";
    EXPECT_THAT(world.seen->how().why, HasSubstr("ready"));
  }
  {
    auto who = talk_to("localhost", own_certificate(stranger.file("both.pem"), "DNS:localhost"));
    who.backend.start_timeout = std::chrono::seconds{2};
    stage world{who};
    ASSERT_TRUE(world.seen->gone()) << "nobody vouches for it";
  }
}

TEST(HttpWorker, UnderstandsOnlyHttpUrls) {
  auto who = serves("1");
  for (const auto* const url : {"https://", "http://", "http://a:b", "ftp://x"}) {
    who.backend.url = url;
    stage world{who};
    ASSERT_TRUE(world.seen->gone());
    EXPECT_THAT(world.seen->how().why, HasSubstr("has a url that "));
  }
}

}  // namespace
}  // namespace greenroom::machine::testing
