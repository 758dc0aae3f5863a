// Doors with real workers: workflows, callers that hang up, streams, cancelled tasks.
#include "tests/integration/support/live_node.hpp"
#include "tests/machine/http/raw_client.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;

const std::string quick = R"(
journal: { fsync: false }
retry: { base: 10ms, max: 50ms }
pool: { max_warm: 4, min_residency: 0s }
)";

TEST(LiveHttpDoor, PassesTheOutputOfAStepToTheNextStep) {
  live_node node{quick, many(3),
                 "workflows:\n  - name: CHAIN\n    steps: [s0, s1, s2, s0]\n"
                 "  - name: BROKEN\n    steps: [s0, s1, s2]\n"};
  ASSERT_TRUE(node.start()) << node.errors();
  const auto got = node.ask("POST", "/v1/workflows/CHAIN", R"({"input":{"token":"w"}})");
  ASSERT_EQ(got.status, 200) << got.body;
  EXPECT_EQ(got.body["output"], json({{"token", "w"}}));
  EXPECT_EQ(got.body["steps"].size(), 4U);
  EXPECT_EQ(node.count("run", "", "", "w"), 4U);
  // The second step gets `say` of the first as its input, and executes it.
  const json bad{{"input", {{"say", {{"do", "error"}, {"retryable", false}}}}}};
  const auto broken = node.ask("POST", "/v1/workflows/BROKEN", bad.dump());
  EXPECT_EQ(broken.status, 422) << broken.body;
  EXPECT_NE(broken.detail().find("not like this"), std::string::npos) << broken.body;
  EXPECT_EQ(broken.body["steps"].size(), 2U);
  EXPECT_EQ(node.count("run", "s2"), 1U);  // From the first workflow.
  const auto none = node.ask("POST", "/v1/workflows/CHIAN", R"({"input":1})");
  EXPECT_EQ(none.status, 404);
  // A worker that dies costs its step a retry.
  const json shaky{{"input", {{"do", "die-once"}, {"file", "x"}, {"say", 5}}}};
  const auto mended = node.ask("POST", "/v1/workflows/CHAIN", shaky.dump());
  EXPECT_EQ(mended.status, 200) << mended.body;
  EXPECT_EQ(mended.body["output"], 5);
}

TEST(LiveHttpDoor, CancelsAWorkflowOnHangUpUnlessItHasAKey) {
  live_node node{quick, many(3), "workflows:\n  - name: CHAIN\n    steps: [s0, s1, s2]\n"};
  ASSERT_TRUE(node.start()) << node.errors();
  const auto run = [&](const char* file, json more) {
    more["input"] = {{"do", "hold"}, {"file", file}, {"say", {{"token", file}}}};
    raw_client client{node.port()};
    client.send(post("/v1/workflows/CHAIN", more.dump()));
    const auto before = node.count("run", "s0");
    EXPECT_TRUE(eventually([&] { return node.count("run", "s0") > before; }));
    client.reset();
  };
  run("gone", json::object());
  // The first step is cancelled with the workflow, and the second never starts.
  EXPECT_TRUE(
      eventually([&] { return node.get("/v1/specialists/s0").body.value("queue_depth", 1) == 0; }));
  run("kept", {{"idempotency_key", "k"}});
  node.release("kept");
  EXPECT_TRUE(eventually([&] { return node.count("run", "s2", "", "kept") == 1; }));
  EXPECT_EQ(node.count("run", "s1", "", "gone"), 0U);
}

TEST(LiveHttpDoor, CancelsTheTaskOnHangUpAndFreesItsWorker) {
  live_node node{quick, {{"one", "", "stop_timeout: 200ms"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  {
    raw_client client{node.port()};
    client.send(post("/v1/tasks", R"({"specialist":"one","input":{"do":"hang"}})"));
    ASSERT_TRUE(eventually([&] { return node.count("run", "one") == 1; }));
    raw_client second{node.port()};
    second.send(post("/v1/tasks", R"({"specialist":"one","input":{"do":"hang","token":"w"}})"));
    ASSERT_TRUE(eventually(
        [&] { return node.get("/v1/specialists/one").body.value("queue_depth", 0) >= 1; }));
  }
  // Both are cancelled: the worker is free for the next caller.
  EXPECT_EQ(node.task("one", 1).status, 200);
  EXPECT_EQ(node.count("run", "one", "", "w"), 0U);
  EXPECT_EQ(node.workers().size(), 1U);
}

TEST(LiveHttpDoor, DoesNotCancelAKeyedTaskOnHangUp) {
  live_node node{quick, {{"one"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  const json body{{"specialist", "one"},
                  {"idempotency_key", "k"},
                  {"input", {{"do", "hold"}, {"file", "go"}, {"say", 3}}}};
  {
    raw_client client{node.port()};
    client.send(post("/v1/tasks", body.dump()));
    ASSERT_TRUE(eventually([&] { return node.count("run", "one") == 1; }));
    client.reset();
  }
  auto again = node.begin(body);
  node.release("go");
  const auto got = again.get();
  EXPECT_EQ(got.status, 200) << got.body;
  EXPECT_EQ(got.body["output"], 3);
  EXPECT_EQ(node.count("run", "one"), 1U);
}

TEST(LiveHttpDoor, CancelsWaitingAndRunningTasks) {
  live_node node{quick, {{"one", "", "stop_timeout: 200ms"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  const json body{{"specialist", "one"}, {"mode", "async"}, {"input", {{"do", "hang"}}}};
  const auto running = node.task(body);
  ASSERT_TRUE(eventually([&] { return node.count("run", "one") == 1; }));
  const auto waiting = node.task(body);
  ASSERT_EQ(waiting.status, 202);
  for (const auto& id : {waiting.id(), running.id()}) {
    EXPECT_EQ(node.ask("DELETE", "/v1/tasks/" + id).status, 200);
    EXPECT_EQ(node.ended(id).state(), "cancelled");
  }
  EXPECT_EQ(node.task("one", 1).status, 200);
  EXPECT_EQ(node.count("run", "one"), 2U);
  node.kill();
  ASSERT_TRUE(node.start()) << node.errors();
  EXPECT_EQ(node.get("/v1/tasks/" + running.id()).state(), "cancelled");
}

// A server that streams words, one per release by the test, and reports what it saw.
constexpr const char* streaming_server = R"PY(
import http.server, os, sys, time
folder, port = sys.argv[1], int(sys.argv[2])
class Words(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *words): pass
    def do_GET(self):
        self.send_response(200 if os.path.exists(folder + "/healthy") else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(3):
            while not os.path.exists(folder + "/word%d" % number):
                time.sleep(0.005)
            text = ('data: {"choices":[{"index":0,"delta":{"content":"word%d "}}]}\n\n' % number).encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))
            self.wfile.flush()
        end = b"data: [DONE]\n\n"
        self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(end), end))
http.server.ThreadingHTTPServer(("127.0.0.1", port), Words).serve_forever()
)PY";

std::uint16_t free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(socket, reinterpret_cast<const sockaddr*>(&where), sizeof where);
  socklen_t size = sizeof where;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&where), &size);
  ::close(socket);
  return ntohs(where.sin_port);
}

TEST(LiveHttpDoor, KeepsTheStreamOfAnHttpWorker) {
  live_node node{quick, {{"calm"}}};
  const auto port = std::to_string(free_port());
  node.write_file("server.py", streaming_server);
  node.write_configuration(
      "version: 1\n" + quick + "departments:\n" + node.department("STAGE", {{"calm"}}) +
      "      - name: words\n        backend:\n          kind: http\n          url: http://127.0.0.1:" +
      port + "\n          path: /v1/chat/completions\n          health: /health\n          command: [" +
      live_node::python() + ", -S, -E, " + (node.folder() / "server.py").string() + ", " +
      node.folder().string() + ", \"" + port + "\"]\n");
  ASSERT_TRUE(node.start()) << node.errors();
  raw_client client{node.port()};
  client.send(
      post("/v1/chat/completions",
           R"({"model":"words","stream":true,"messages":[{"role":"user","content":"speak"}]})"));
  // The worker is not ready before its health check succeeds.
  ASSERT_TRUE(eventually([&] { return node.state_of("words") == "warming"; }))
      << node.get("/v1/specialists/words").body;
  node.release("healthy");
  // Each word arrives before the next is written: nothing buffers them.
  node.release("word0");
  EXPECT_NE(client.until("word0"), "");
  node.release("word1");
  EXPECT_NE(client.until("word1"), "");
  node.release("word2");
  EXPECT_NE(client.until("word2"), "");
  EXPECT_NE(client.until("[DONE]"), "");
}

TEST(LiveHttpDoor, AnswersProbesWhileEverythingIsBusy) {
  live_node node{quick, many(4)};
  ASSERT_TRUE(node.start()) << node.errors();
  std::vector<std::future<answer>> asked;
  for (int i = 0; i < 4; ++i)
    asked.push_back(node.begin("s" + std::to_string(i), {{"do", "hold"}, {"file", "go"}}));
  ASSERT_TRUE(eventually([&] { return node.count("run") == 4; }));
  EXPECT_EQ(node.get("/health/live").status, 200);
  EXPECT_EQ(node.get("/health/ready").status, 200);
  const auto health = node.get("/health/intelligent-pooling");
  EXPECT_EQ(health.body["specialists"]["warm"], 4);
  EXPECT_EQ(health.body["specialists"]["total"], 4);
  EXPECT_EQ(node.get("/metrics").status, 200);
  node.release("go");
  for (auto& one : asked) EXPECT_EQ(one.get().status, 200);
}

}  // namespace
}  // namespace greenroom::tests
