// The access rules: every route but the liveness probe refuses foreign hosts and origins.
#include "tests/integration/cli_fixture.hpp"
#include "tests/integration/cli_program.hpp"
#include "tests/integration/support/live_node.hpp"
#include "tests/machine/http/raw_client.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace greenroom::tests {
namespace {

class AccessCheck : public testing::Test {
protected:
  void SetUp() override { ASSERT_TRUE(node_.start()); }

  std::string told(const std::string& head, std::string_view body = {}) {
    raw_client client{node_.port()};
    client.send(head
                + (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n")
                + "Connection: close\r\n\r\n" + std::string{body});
    return client.rest();
  }
  std::string own() const { return "127.0.0.1:" + std::to_string(node_.port()); }
  std::string post_task(const std::string& headers) {
    return told("POST /v1/tasks HTTP/1.1\r\n" + headers, R"({"specialist":"s","input":1})");
  }
  /// Every route of the index, with a value for each placeholder.
  std::vector<std::pair<std::string, std::string>> routes() {
    std::vector<std::pair<std::string, std::string>> result;
    const auto index = node_.ask("GET", "/");
    for (const auto& one : index.body["routes"]) {
      auto text = one.get<std::string>();
      for (auto at = text.find('{'); at != std::string::npos; at = text.find('{'))
        text.replace(at, text.find('}') - at + 1, "s");
      result.emplace_back(text.substr(0, text.find(' ')), text.substr(text.find(' ') + 1));
    }
    return result;
  }

  live_node node_{"access: { hosts: [green.example], origins: ['https://app.example'] }\n",
                  {{.name = "s"}}};
};

TEST_F(AccessCheck, RefusesForeignRequestsOnEveryRouteButTheLivenessProbe) {
  const auto all = routes();
  ASSERT_GT(all.size(), 30U);
  for (const auto& strange :
       {std::string{"Host: evil.example\r\n"}, "Host: " + own() + "\r\nOrigin: http://evil\r\n",
        "Host: " + own() + "\r\nSec-Fetch-Site: cross-site\r\n"})
    for (const auto& [method, path] : all) {
      const auto answer = told(method + " " + path + " HTTP/1.1\r\n" + strange);
      const auto want = path == "/health/live" ? 200 : 403;
      EXPECT_EQ(status_of(answer), want) << method << " " << path << " " << strange << answer;
      if (want == 200) continue;
      // The answer says what to do, in the form that the clients of this path read.
      const auto said = json::parse(body_of(answer), nullptr, false);
      ASSERT_FALSE(said.is_discarded()) << answer;
      const bool openai = path.starts_with("/v1/chat") || path.starts_with("/v1/models");
      const auto detail = openai ? said["error"]["message"] : said["detail"];
      EXPECT_NE(detail.get<std::string>().find("access."), std::string::npos) << answer;
      if (!openai) {
        EXPECT_EQ(said["status"], 403) << answer;
      }
    }
  EXPECT_EQ(status_of(told("GET /no/such/route HTTP/1.1\r\nHost: evil.example\r\n")), 403);
  EXPECT_EQ(status_of(told("OPTIONS * HTTP/1.1\r\nHost: evil.example\r\n")), 403);
  EXPECT_EQ(node_.count("run"), 0U);
}

TEST_F(AccessCheck, AdmitsRequestsByEveryNameOfTheNode) {
  for (const auto& host : {own(), std::string{"localhost"}, std::string{"LOCALHOST.:1"},
                           std::string{"[::1]:9"}, std::string{"Green.Example:443"}})
    EXPECT_EQ(status_of(post_task("Host: " + host + "\r\n")), 200) << host;
  // The target's host goes before the field (RFC 9112, section 3.2.2).
  EXPECT_EQ(status_of(told("GET http://" + own() + "/v1/specialists HTTP/1.1\r\nHost: evil\r\n")),
            200);
  EXPECT_EQ(status_of(told("GET http://evil/v1/specialists HTTP/1.1\r\nHost: " + own() + "\r\n")),
            403);
  EXPECT_EQ(status_of(told("GET /v1/specialists HTTP/1.1\r\nHost: a b\r\n")), 400);
  EXPECT_EQ(status_of(told("GET /v1/specialists HTTP/1.1\r\n")), 400);
  EXPECT_EQ(status_of(told("GET /v1/specialists HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n")),
            400);
  EXPECT_EQ(status_of(told("GET /v1/specialists HTTP/1.0\r\n")), 200);
}

TEST_F(AccessCheck, RequiresJsonFromPages) {
  const auto page = "Host: " + own() + "\r\nOrigin: http://" + own() + "\r\n";
  EXPECT_EQ(status_of(post_task(page + "Content-Type: application/json\r\n")), 200);
  for (const auto* type : {"Content-Type: text/plain\r\n", "",
                           "Content-Type: application/x-www-form-urlencoded\r\n"}) {
    const auto answer = post_task(page + type);
    EXPECT_EQ(status_of(answer), 403) << type;
    EXPECT_NE(answer.find("application/json"), std::string::npos) << answer;
  }
  // Without an Origin field (a script) any content type is allowed.
  EXPECT_EQ(status_of(post_task("Host: " + own() + "\r\nContent-Type: text/plain\r\n")), 200);
}

TEST_F(AccessCheck, LetsListedPagesReadAnswers) {
  const auto page = "Host: " + own() + "\r\nOrigin: https://app.example\r\n";
  const auto asks = told("OPTIONS /v1/tasks HTTP/1.1\r\n" + page
                         + "Sec-Fetch-Site: cross-site\r\nAccess-Control-Request-Method: POST\r\n"
                           "Access-Control-Request-Headers: content-type,idempotency-key\r\n");
  EXPECT_EQ(status_of(asks), 204) << asks;
  EXPECT_NE(asks.find("Access-Control-Allow-Origin: https://app.example\r\n"), std::string::npos);
  EXPECT_NE(asks.find("Access-Control-Allow-Headers: content-type,idempotency-key\r\n"),
            std::string::npos);
  for (const auto& answer :
       {post_task(page + "Sec-Fetch-Site: cross-site\r\nContent-Type: application/json\r\n"),
        told("GET /v1/tasks/x HTTP/1.1\r\n" + page), told("GET /metrics HTTP/1.1\r\n" + page)})
    EXPECT_NE(answer.find("Access-Control-Allow-Origin: https://app.example\r\n"),
              std::string::npos)
        << answer;
  EXPECT_EQ(post_task("Host: " + own() + "\r\n").find("Access-Control"), std::string::npos);
  // Streams are allowed, too.
  raw_client events{node_.port()};
  events.send("GET /v1/events HTTP/1.1\r\n" + page + "\r\n");
  EXPECT_NE(events.until("\r\n\r\n").find("Access-Control-Allow-Origin: https://app.example\r\n"),
            std::string::npos);
}

TEST_F(AccessCheck, FollowsAReload) {
  EXPECT_EQ(status_of(told("GET /v1/specialists HTTP/1.1\r\nHost: blue.example\r\n")), 403);
  node_.configure("access: { hosts: [blue.example] }\n", {{.name = "s"}});
  node_.signal(SIGHUP);
  EXPECT_TRUE(eventually([&] {
    return status_of(told("GET /v1/specialists HTTP/1.1\r\nHost: blue.example\r\n")) == 200;
  }));
  EXPECT_EQ(status_of(told("GET /v1/specialists HTTP/1.1\r\nHost: green.example\r\n")), 403);
}

class OpenListener : public cli_fixture {};

TEST_F(OpenListener, NeedsSomebodysWordForIt) {
  const auto cast = file("node.yaml", small_cast());
  for (const auto* where : {"0.0.0.0:0", "[::]:0", "192.0.2.1:7117", "[2001:db8::1]:0"}) {
    const auto refused = run_program(
        {"serve", "--config", cast, "--listen", where, "--data", (folder() / "data").string()});
    EXPECT_EQ(refused.code, 2) << where;
    EXPECT_NE(refused.err.find("not a loopback address"), std::string::npos) << refused.err;
    EXPECT_NE(refused.err.find("--insecure"), std::string::npos) << refused.err;
  }
  const served_node open{{"--config", cast, "--insecure", "--listen", "0.0.0.0:0"}};
  ASSERT_FALSE(open.address().empty()) << open.err();
  EXPECT_NE(open.err().find("--insecure"), std::string::npos) << open.err();
  const served_node shut{{"--config", cast, "--insecure"}};
  ASSERT_FALSE(shut.address().empty()) << shut.err();
  EXPECT_EQ(shut.err().find("--insecure"), std::string::npos) << shut.err();
}

}  // namespace
}  // namespace greenroom::tests
