// Nodes in front of model servers: the server's answers arrive unchanged, and the node's own errors
// have the form that the path's clients expect.
#include "tests/integration/support/live_node.hpp"
#include "tests/machine/http/raw_client.hpp"

#include <gtest/gtest.h>

namespace greenroom::tests {
namespace {

class ModelServer : public testing::Test {
protected:
  void begin(const std::string& more = {}) {
    const auto script =
        std::filesystem::path{GREENROOM_SOURCE_DIR} / "tests/integration/openai/model_server.py";
    node.write_configuration(
        "version: 1\njournal: { fsync: false }\nretry: { base: 10ms, max: 50ms }\n"
        "breaker: { failures: 1000 }\n"
        + more
        + "departments:\n  - name: MODELS\n    specialists:\n      - name: qwen\n"
          "        aliases: [Qwen/Qwen2.5-7B]\n"
          "        backend: { kind: http, url: \"http://127.0.0.1:${PORT}/v1\", path: "
          "/chat/completions, command: ["
        + live_node::python() + ", -S, -E, " + script.string()
        + ", \"${PORT}\"], start_timeout: 30s, concurrency: 4 }\n");
    ASSERT_TRUE(node.start()) << node.errors();
  }
  static json saying(const std::string& words, bool stream = false) {
    return {{"model", "Qwen/Qwen2.5-7B"},
            {"stream", stream},
            {"messages", json::array({{{"role", "user"}, {"content", words}}})}};
  }
  [[nodiscard]] answer chat(const std::string& words, bool stream = false) const {
    return node.ask("POST", "/v1/chat/completions", saying(words, stream).dump());
  }
  live_node node{"", {}};
};

TEST_F(ModelServer, KeepsItsStatusAndErrorObject) {
  begin();
  for (const int status : {400, 401, 403, 404, 409, 413, 422, 429, 500, 503}) {
    for (const bool stream : {false, true}) {
      const auto got = chat("status " + std::to_string(status), stream);
      EXPECT_EQ(got.status, status) << got.body;
      EXPECT_EQ(got.body["error"]["message"], "told " + std::to_string(status)) << got.body;
      EXPECT_EQ(got.body["error"]["type"], "theirs") << got.body;
      if (status == 429) {
        EXPECT_EQ(got.header("Retry-After"), "60");
      }
    }
    const auto task = node.task("qwen", saying("status " + std::to_string(status)));
    EXPECT_EQ(task.status, status == 429 || status >= 500 ? 502 : 422) << task.body;
    EXPECT_EQ(task.body["upstream_status"], status) << task.body;
    EXPECT_EQ(task.body["upstream"]["error"]["code"], "c") << task.body;
  }
  const auto masked = node.task("qwen", saying("masked"));
  EXPECT_EQ(masked.status, 422) << masked.body;
  EXPECT_EQ(masked.body["upstream_status"], 200);
}

TEST_F(ModelServer, IsReachedUnderANameWithASlash) {
  begin();
  for (const std::string name : {"Qwen/Qwen2.5-7B", "Qwen%2FQwen2.5-7B", "qwen"}) {
    const auto got = node.get("/v1/models/" + name);
    EXPECT_EQ(got.status, 200) << got.body;
    EXPECT_EQ(got.body["id"], name == "qwen" ? "qwen" : "Qwen/Qwen2.5-7B");
  }
  EXPECT_EQ(node.get("/v1/specialists/Qwen%2FQwen2.5-7B").status, 200);
  EXPECT_EQ(node.get("/v1/models/none/such").body["error"]["code"], "model_not_found");
  EXPECT_EQ(chat("hello").body["choices"][0]["message"]["content"], "hello");
}

TEST_F(ModelServer, HasOpenAisErrorFormUnderItsPaths) {
  begin("limits: { request_bytes: 10000 }\n");
  const auto expect = [&](const answer& got, int status) {
    EXPECT_EQ(got.status, status) << got.body;
    EXPECT_TRUE(got.body["error"]["message"].is_string()) << got.body;
    EXPECT_TRUE(got.body["error"].contains("type")) << got.body;
  };
  expect(node.ask("POST", "/v1/embeddings", "{}"), 404);
  expect(node.ask("POST", "/v1/completions", "{}"), 404);
  expect(node.ask("DELETE", "/v1/models/qwen"), 405);
  expect(node.ask("POST", "/v1/chat/completions", "{"), 400);
  expect(node.ask("POST", "/v1/chat/completions", "\"" + std::string(20'000, 'x') + "\""), 413);
  EXPECT_EQ(node.ask("POST", "/v1/nothing", "{}").type(), "urn:greenroom:no-such-route");
  EXPECT_EQ(node.ask("POST", "/v1/tasks", "\"" + std::string(20'000, 'x') + "\"").type(),
            "urn:greenroom:too-large");
}

TEST_F(ModelServer, StreamsEventsHoweverTheyAreWrittenAndEndsWithTheirError) {
  begin();
  const auto stream = [&](const std::string& words) {
    raw_client client{node.port()};
    client.send(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        "Content-Length: "
        + std::to_string(saying(words, true).dump().size()) + "\r\n\r\n"
        + saying(words, true).dump());
    return client.rest();
  };
  const auto whole = stream("events");
  EXPECT_NE(whole.find("data: {\"id\":\"own\""), std::string::npos) << whole;
  EXPECT_EQ(whole.find("\xef\xbb\xbf"), std::string::npos) << whole;
  EXPECT_NE(whole.find("data: [DONE]\n\n"), std::string::npos) << whole;
  const auto late = stream("late");
  EXPECT_NE(late.find(R"(data: {"error":{"message":"out of memory","type":"theirs"}})"),
            std::string::npos)
      << late;
  EXPECT_EQ(late.find("[DONE]"), std::string::npos) << late;
  EXPECT_EQ(chat("packed").body["choices"][0]["message"]["content"], "hello");
  EXPECT_EQ(chat("lines").body["choices"][0]["message"]["content"], "by line");
}

TEST_F(ModelServer, AnswersAClientThatHasEndedItsSendingSide) {
  begin();
  const auto body =
      json{{"specialist", "qwen"}, {"input", saying("hello")}, {"durable", true}}.dump();
  raw_client client{node.port()};
  client.send("POST /v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
              + std::to_string(body.size()) + "\r\n\r\n" + body);
  client.end_sending();
  const auto got = client.rest();
  EXPECT_EQ(status_of(got), 200) << got;
  EXPECT_NE(got.find("\"state\":\"completed\""), std::string::npos) << got;
}

}  // namespace
}  // namespace greenroom::tests
