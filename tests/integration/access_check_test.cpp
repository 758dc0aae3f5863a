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

  std::string response_to(const std::string& head, std::string_view body = {}) {
    raw_client client{node_.port()};
    client.send(head
                + (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n")
                + "Connection: close\r\n\r\n" + std::string{body});
    return client.rest();
  }
  std::string own_host() const { return "127.0.0.1:" + std::to_string(node_.port()); }
  std::string post_task(const std::string& headers) {
    return response_to("POST /v1/tasks HTTP/1.1\r\n" + headers, R"({"specialist":"s","input":1})");
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
  for (const auto& foreign_headers : {std::string{"Host: evil.example\r\n"},
                                      "Host: " + own_host() + "\r\nOrigin: http://evil\r\n",
                                      "Host: " + own_host() + "\r\nSec-Fetch-Site: cross-site\r\n"})
    for (const auto& [method, path] : all) {
      const auto answer = response_to(method + " " + path + " HTTP/1.1\r\n" + foreign_headers);
      const auto expected = path == "/health/live" ? 200 : 403;
      EXPECT_EQ(status_of(answer), expected)
          << method << " " << path << " " << foreign_headers << answer;
      if (expected == 200) continue;
      // The answer says what to do, in the form that the clients of this path read.
      const auto problem = json::parse(body_of(answer), nullptr, false);
      ASSERT_FALSE(problem.is_discarded()) << answer;
      const bool openai = path.starts_with("/v1/chat") || path.starts_with("/v1/models");
      const auto detail = openai ? problem["error"]["message"] : problem["detail"];
      EXPECT_NE(detail.get<std::string>().find("access."), std::string::npos) << answer;
      if (!openai) {
        EXPECT_EQ(problem["status"], 403) << answer;
      }
    }
  EXPECT_EQ(status_of(response_to("GET /no/such/route HTTP/1.1\r\nHost: evil.example\r\n")), 403);
  EXPECT_EQ(status_of(response_to("OPTIONS * HTTP/1.1\r\nHost: evil.example\r\n")), 403);
  EXPECT_EQ(node_.count("run"), 0U);
}

TEST_F(AccessCheck, AdmitsRequestsByEveryNameOfTheNode) {
  for (const auto& host : {own_host(), std::string{"localhost"}, std::string{"LOCALHOST.:1"},
                           std::string{"[::1]:9"}, std::string{"Green.Example:443"}})
    EXPECT_EQ(status_of(post_task("Host: " + host + "\r\n")), 200) << host;
  // The host in the request target overrides the Host header (RFC 9112, section 3.2.2).
  EXPECT_EQ(status_of(response_to("GET http://" + own_host()
                                  + "/v1/specialists HTTP/1.1\r\nHost: evil\r\n")),
            200);
  EXPECT_EQ(status_of(response_to("GET http://evil/v1/specialists HTTP/1.1\r\nHost: " + own_host()
                                  + "\r\n")),
            403);
  EXPECT_EQ(status_of(response_to("GET /v1/specialists HTTP/1.1\r\nHost: a b\r\n")), 400);
  EXPECT_EQ(status_of(response_to("GET /v1/specialists HTTP/1.1\r\n")), 400);
  EXPECT_EQ(
      status_of(response_to("GET /v1/specialists HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n")),
      400);
  EXPECT_EQ(status_of(response_to("GET /v1/specialists HTTP/1.0\r\n")), 200);
}

TEST_F(AccessCheck, RequiresJsonFromPages) {
  const auto page = "Host: " + own_host() + "\r\nOrigin: http://" + own_host() + "\r\n";
  EXPECT_EQ(status_of(post_task(page + "Content-Type: application/json\r\n")), 200);
  for (const auto* type : {"Content-Type: text/plain\r\n", "",
                           "Content-Type: application/x-www-form-urlencoded\r\n"}) {
    const auto answer = post_task(page + type);
    EXPECT_EQ(status_of(answer), 403) << type;
    EXPECT_NE(answer.find("application/json"), std::string::npos) << answer;
  }
  // Without an Origin field (a script) any content type is allowed.
  EXPECT_EQ(status_of(post_task("Host: " + own_host() + "\r\nContent-Type: text/plain\r\n")), 200);
}

TEST_F(AccessCheck, LetsListedPagesReadAnswers) {
  const auto page = "Host: " + own_host() + "\r\nOrigin: https://app.example\r\n";
  const auto preflight = response_to("OPTIONS /v1/tasks HTTP/1.1\r\n" + page
                         + "Sec-Fetch-Site: cross-site\r\nAccess-Control-Request-Method: POST\r\n"
                           "Access-Control-Request-Headers: content-type,idempotency-key\r\n");
  EXPECT_EQ(status_of(preflight), 204) << preflight;
  EXPECT_NE(preflight.find("Access-Control-Allow-Origin: https://app.example\r\n"),
            std::string::npos);
  EXPECT_NE(preflight.find("Access-Control-Allow-Headers: content-type,idempotency-key\r\n"),
            std::string::npos);
  for (const auto& answer :
       {post_task(page + "Sec-Fetch-Site: cross-site\r\nContent-Type: application/json\r\n"),
        response_to("GET /v1/tasks/x HTTP/1.1\r\n" + page),
        response_to("GET /metrics HTTP/1.1\r\n" + page)})
    EXPECT_NE(answer.find("Access-Control-Allow-Origin: https://app.example\r\n"),
              std::string::npos)
        << answer;
  EXPECT_EQ(post_task("Host: " + own_host() + "\r\n").find("Access-Control"), std::string::npos);
  // Streams are allowed, too.
  raw_client events{node_.port()};
  events.send("GET /v1/events HTTP/1.1\r\n" + page + "\r\n");
  EXPECT_NE(events.until("\r\n\r\n").find("Access-Control-Allow-Origin: https://app.example\r\n"),
            std::string::npos);
}

TEST_F(AccessCheck, UsesNewRulesAfterReload) {
  EXPECT_EQ(status_of(response_to("GET /v1/specialists HTTP/1.1\r\nHost: blue.example\r\n")), 403);
  node_.configure("access: { hosts: [blue.example] }\n", {{.name = "s"}});
  node_.signal(SIGHUP);
  EXPECT_TRUE(eventually([&] {
    return status_of(response_to("GET /v1/specialists HTTP/1.1\r\nHost: blue.example\r\n")) == 200;
  }));
  EXPECT_EQ(status_of(response_to("GET /v1/specialists HTTP/1.1\r\nHost: green.example\r\n")), 403);
}

class PublicListener : public cli_fixture {};

TEST_F(PublicListener, RequiresInsecureFlag) {
  const auto cast = file("node.yaml", small_cast());
  for (const auto* address : {"0.0.0.0:0", "[::]:0", "192.0.2.1:7117", "[2001:db8::1]:0"}) {
    const auto refused = run_program(
        {"serve", "--config", cast, "--listen", address, "--data", (folder() / "data").string()});
    EXPECT_EQ(refused.code, 2) << address;
    EXPECT_NE(refused.err.find("not a loopback address"), std::string::npos) << refused.err;
    EXPECT_NE(refused.err.find("--insecure"), std::string::npos) << refused.err;
  }
  const served_node public_node{{"--config", cast, "--insecure", "--listen", "0.0.0.0:0"}};
  ASSERT_FALSE(public_node.address().empty()) << public_node.err();
  EXPECT_NE(public_node.err().find("--insecure"), std::string::npos) << public_node.err();
  const served_node loopback_node{{"--config", cast, "--insecure"}};
  ASSERT_FALSE(loopback_node.address().empty()) << loopback_node.err();
  EXPECT_EQ(loopback_node.err().find("--insecure"), std::string::npos) << loopback_node.err();
}

}  // namespace
}  // namespace greenroom::tests
