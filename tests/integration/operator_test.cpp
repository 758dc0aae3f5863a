// What operators do with a running node beside its tasks: terminals, pipes, logs, reload, stop, and
// the service manager.
#include "tests/integration/cli_fixture.hpp"
#include "tests/integration/support/live_node.hpp"
#include "tests/integration/support/terminal_program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <string>

namespace greenroom::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Operator : public cli_fixture {
protected:
  /// One specialist of an awkwardly long name whose worker repeats its input on stderr and fails
  /// with it, and one that answers as an MCP tool that failed.
  std::string awkward_cast() {
    const auto loud = file("loud.py",
                           "import json, sys\n"
                           "print(json.dumps({'type': 'ready'}), flush=True)\n"
                           "for line in sys.stdin:\n"
                           "    m = json.loads(line)\n"
                           "    if m['type'] == 'ping': print(json.dumps({'type': 'pong'}), "
                           "flush=True)\n"
                           "    if m['type'] == 'task':\n"
                           "        print(m['input'], file=sys.stderr, flush=True)\n"
                           "        print(json.dumps({'type': 'error', 'id': m['id'], 'message': "
                           "m['input'], 'retryable': False}), flush=True)\n");
    const auto tool = file(
        "tool.py", worker("{'type': 'result', 'output': {'content': [], 'isError': m['input']}}"));
    return "version: 1\n"
           "health_interval: 100ms\n"
           "pool: { max_warm: 3, min_residency: 0s }\n"
           "departments:\n"
           "  - name: A_DEPARTMENT_WITH_QUITE_A_LONG_NAME\n"
           "    specialists:\n"
           "      - name: a-specialist-whose-name-is-longer-than-most-people-would-choose\n"
           "        aliases: [loud]\n"
           "        backend: { command: [python3, -S, " + loud + "] }\n"
           "      - name: tool\n"
           "        backend: { command: [python3, -S, " + tool + "] }\n";
  }
};

TEST_F(Operator, TablesFitTheTerminal) {
  served_node node{{"--config", file("cast.yaml", awkward_cast())}};
  ASSERT_FALSE(node.address().empty()) << node.err();
  static_cast<void>(node.ask({"submit", "loud", "hello"}));
  const auto where = node.address();
  for (const auto columns : {std::uint16_t{80}, std::uint16_t{60}})
    for (const std::vector<std::string>& verb : {std::vector<std::string>{"specialists"},
                                                 {"tasks"},
                                                 {"status"},
                                                 {"alerts", "--all"},
                                                 {"metrics", "--last", "1m"},
                                                 {"workflows"}}) {
      auto words = verb;
      words.insert(words.end(), {"--node", where});
      const auto result = run_on_terminal(words, columns);
      EXPECT_EQ(result.code, 0) << verb[0] << result.text;
      for (const auto& line : result.lines())
        EXPECT_LE(columns_of(line), columns) << verb[0] << ": " << line;
    }
  // Without a terminal nothing is left out or cut.
  EXPECT_THAT(node.ask({"specialists"}).out,
              HasSubstr("a-specialist-whose-name-is-longer-than-most-people-would-choose  "
                        "A_DEPARTMENT_WITH_QUITE_A_LONG_NAME"));
}

TEST_F(Operator, HelpFitsEightyColumns) {
  const auto all = run_program({"--help"});
  std::vector<std::vector<std::string>> calls{{"--help"}};
  for (std::size_t at = 0; at < all.out.size();) {
    const auto end = std::min(all.out.find('\n', at), all.out.size());
    const auto line = all.out.substr(at, end - at);
    at = end + 1;
    // "  verb      what it does"
    if (line.starts_with("  ") && line.size() > 2 && line[2] >= 'a' && line[2] <= 'z')
      calls.push_back({line.substr(2, line.find(' ', 2) - 2), "--help"});
  }
  EXPECT_GT(calls.size(), 20u);
  calls.push_back({"rollout", "abort", "--help"});
  for (const auto& call : calls) {
    const auto help = run_program(call);
    EXPECT_EQ(help.code, 0) << call[0];
    EXPECT_NE(help.out.find("\nUsage: "), std::string::npos)
        << call[0] << ": not a line of its own";
    std::size_t at = 0;
    while (at < help.out.size()) {
      const auto end = std::min(help.out.find('\n', at), help.out.size());
      EXPECT_LE(columns_of(help.out.substr(at, end - at)), 80u)
          << call[0] << ": " << help.out.substr(at, end - at);
      at = end + 1;
    }
  }
}

TEST_F(Operator, ControlCharactersReachNeitherLogNorTerminal) {
  served_node node{{"--config", file("cast.yaml", awkward_cast())}};
  ASSERT_FALSE(node.address().empty()) << node.err();
  const std::string nasty =
      "\x1b[2Jx\r\x07\xc2\x9b"
      "31m\x7f";
  const auto where = node.address();
  const auto refused = run_on_terminal({"submit", "loud", nasty, "--node", where}, 80);
  EXPECT_EQ(refused.code, 1);
  static_cast<void>(node.ask({"rollback", "--reason", nasty}));
  ASSERT_TRUE(eventually([&] { return node.err().find("worker.stderr") != std::string::npos; }));
  const auto plain = [](const std::string& text) {
    return text.find('\x07') == std::string::npos && text.find("\x1b[2J") == std::string::npos
           && text.find("\xc2\x9b") == std::string::npos && text.find('\x7f') == std::string::npos;
  };
  EXPECT_TRUE(plain(node.err())) << node.err();
  EXPECT_THAT(node.err(), HasSubstr("\\u001b[2Jx"));
  EXPECT_TRUE(plain(refused.text)) << refused.text;
  for (const std::vector<std::string>& verb : {std::vector<std::string>{"events"},
                                               {"rollback", "status"},
                                               {"logs", "loud"},
                                               {"alerts"},
                                               {"specialists", "loud"},
                                               {"tasks"},
                                               {"report"},
                                               {"diagnose", "errors"},
                                               {"export"}}) {
    auto words = verb;
    words.insert(words.end(), {"--node", where});
    const auto result = run_on_terminal(words, 200);
    EXPECT_TRUE(plain(result.text)) << verb[0] << ": " << result.text;
  }
  // Markdown is stored in files and may be shown on a terminal later.
  EXPECT_TRUE(plain(node.ask({"report"}).out));
  EXPECT_THAT(run_on_terminal({"logs", "loud", "--node", where}, 200).text,
              HasSubstr("\\u001b[2Jx"));
}

TEST_F(Operator, WatchEndsWhenNobodyReadsAnyMore) {
  served_node node{{"--config", file("cast.yaml", small_cast())}};
  ASSERT_FALSE(node.address().empty()) << node.err();
  const auto binary = program().string();
  for (const char* words : {"status --watch --interval 60 --json", "status --watch --interval 60",
                            "specialists --watch --interval 60", "metrics --watch --interval 60"}) {
    const auto line = "timeout 20 " + binary + " " + words + " --node " + node.address()
                      + " | head -1 >/dev/null; test ${PIPESTATUS[0]} -ne 124";
    EXPECT_EQ(std::system(("bash -c '" + line + "'").c_str()), 0) << words;
  }
}

TEST_F(Operator, AFullDiskUnderTheOutputIsAFailure) {
  served_node node{{"--config", file("cast.yaml", small_cast())}};
  ASSERT_FALSE(node.address().empty()) << node.err();
  const auto binary = program().string();
  for (const char* words : {"status", "export", "specialists --json", "submit echo 1", "--help",
                            "version", "config keys"}) {
    const auto line = binary + " " + words + " >/dev/full 2>" + path("err");
    const auto code = std::system(("GREENROOM_NODE=" + node.address() + " " + line).c_str());
    EXPECT_EQ(WEXITSTATUS(code), 1) << words;
    EXPECT_THAT(read_file(path("err")), HasSubstr("cannot be written")) << words;
  }
}

TEST_F(Operator, SubmitFailsWhenTheToolReportsAnError) {
  served_node node{{"--config", file("cast.yaml", awkward_cast())}};
  ASSERT_FALSE(node.address().empty()) << node.err();
  const auto bad = node.ask({"submit", "tool", "true"});
  EXPECT_EQ(bad.code, 1);
  EXPECT_THAT(bad.out, HasSubstr("\"isError\":true"));
  EXPECT_EQ(node.ask({"submit", "tool", "true", "--json"}).code, 1);
  EXPECT_EQ(node.ask({"submit", "tool", "false"}).code, 0);
}

TEST_F(Operator, LogsShowWhatAWorkerWroteToStandardError) {
  served_node node{{"--config", file("cast.yaml", awkward_cast())}};
  ASSERT_FALSE(node.address().empty()) << node.err();
  EXPECT_THAT(node.ask({"logs", "loud"}).out, HasSubstr("has written nothing"));
  for (int i = 0; i < 3; ++i)
    static_cast<void>(node.ask({"submit", "loud", "\"line " + std::to_string(i) + "\""}));
  ASSERT_TRUE(eventually([&] {
    return node.ask({"logs", "loud"}).out.find("line 2") != std::string::npos;
  }));
  const auto last = json::parse(node.ask({"logs", "loud", "--lines", "2", "--json"}).out);
  ASSERT_EQ(last.at("items").size(), 2u);
  EXPECT_EQ(last["items"][0]["line"], "line 1");
  EXPECT_EQ(last["items"][1]["line"], "line 2");
  EXPECT_EQ(node.ask({"logs", "nobody"}).code, 1);
  EXPECT_THAT(node.ask({"logs", "lod"}).err, HasSubstr("loud"));
}

TEST_F(Operator, ReloadAppliesAllOrNothingAndSaysWhich) {
  const auto where = file("cast.yaml", small_cast());
  served_node node{{"--config", where}};
  ASSERT_FALSE(node.address().empty()) << node.err();
  auto text = small_cast();
  text.replace(text.find("max_warm: 2"), 11, "max_warm: 1");
  write_file(where, text);
  const auto good = node.ask({"reload"});
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_EQ(json::parse(node.ask({"export", "--json"}).out).is_object(), true);
  text.replace(text.find("max_warm: 1"), 11, "max_warm: x");
  write_file(where, text);
  const auto bad = node.ask({"reload"});
  EXPECT_EQ(bad.code, 1);
  EXPECT_THAT(bad.err, HasSubstr("max_warm"));
  EXPECT_THAT(bad.err, ::testing::StartsWith("greenroom: Nothing was changed: "));
  EXPECT_EQ(bad.err.find("othing was changed"), bad.err.rfind("othing was changed")) << bad.err;
  EXPECT_EQ(node.ask({"submit", "echo", "1"}).code, 0);
}

TEST_F(Operator, StopDrainsTheNodeAndWaitsForItsEnd) {
  served_node node{{"--config", file("cast.yaml", small_cast())}};
  ASSERT_FALSE(node.address().empty()) << node.err();
  const auto result = node.ask({"stop"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("stopped"));
  EXPECT_EQ(node.wait(), 0);
}

TEST_F(Operator, StopNowEndsTheNodeAtOnce) {
  served_node node{{"--config", file("cast.yaml", small_cast())}};
  ASSERT_FALSE(node.address().empty()) << node.err();
  EXPECT_EQ(node.ask({"stop", "--now"}).code, 0);
  EXPECT_EQ(node.wait(), 0);  // For a service manager this is no failure.
}

/// Receives the node's messages to the service manager.
class notifications {
public:
  explicit notifications(const std::string& path) {
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    bound_ = ::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~notifications() { ::close(socket_); }
  notifications(const notifications&) = delete;
  notifications& operator=(const notifications&) = delete;
  [[nodiscard]] bool bound() const { return bound_; }
  /// The next message; nothing when none comes in time.
  std::string next(int within_ms) const {
    pollfd where{socket_, POLLIN, 0};
    if (::poll(&where, 1, within_ms) <= 0) return {};
    std::array<char, 4096> piece{};
    const auto count = ::recv(socket_, piece.data(), piece.size(), 0);
    return count > 0 ? std::string{piece.data(), static_cast<std::size_t>(count)} : std::string{};
  }
  /// The next message with this beginning.
  std::string next_of(const std::string& begin) const {
    for (auto text = next(20'000); !text.empty(); text = next(20'000))
      if (text.starts_with(begin)) return text;
    return {};
  }

private:
  int socket_ = -1;
  bool bound_ = false;
};

TEST_F(Operator, TellsTheServiceManagerWhatItAsksFor) {
  const notifications manager{path("notify")};
  ASSERT_TRUE(manager.bound());
  live_node node{"pool: { max_warm: 1 }", {{.name = "one"}}};
  node.set_environment("NOTIFY_SOCKET", path("notify"));
  node.set_environment("WATCHDOG_USEC", "400000");
  node.set_environment("INVOCATION_ID", "0123");
  node.set_environment("CREDENTIALS_DIRECTORY", "/run/credentials/x");
  node.set_environment("GREENROOM_PROFILE", "core");
  node.set_environment("GREENROOM_POOL_COOLDOWN", "44s");
  ASSERT_TRUE(node.start()) << node.errors();
  EXPECT_THAT(manager.next_of("READY=1"), HasSubstr("STATUS="));
  EXPECT_EQ(manager.next_of("WATCHDOG=1"), "WATCHDOG=1");
  EXPECT_EQ(manager.next_of("WATCHDOG=1"), "WATCHDOG=1");
  // A worker does not get the service manager's socket.
  ASSERT_EQ(node.task("one", 1).status, 200);
  const auto pid = node.get("/v1/specialists/one").body.value("pid", 0);
  const auto environment = read_file("/proc/" + std::to_string(pid) + "/environ");
  EXPECT_THAT(environment, Not(HasSubstr("NOTIFY_SOCKET")));
  EXPECT_THAT(environment, Not(HasSubstr("WATCHDOG_USEC")));
  // A worker does not get the node's variables, but its own three.
  for (const auto* name :
       {"INVOCATION_ID", "CREDENTIALS_DIRECTORY", "GREENROOM_PROFILE", "COOLDOWN"})
    EXPECT_THAT(environment, Not(HasSubstr(name)));
  EXPECT_THAT(environment, HasSubstr("GREENROOM_SPECIALIST=one"));
  node.signal(SIGHUP);
  const auto reloading = manager.next_of("RELOADING=1");
  EXPECT_THAT(reloading, ::testing::MatchesRegex("RELOADING=1\nMONOTONIC_USEC=[0-9]+"));
  EXPECT_THAT(manager.next_of("READY=1"), HasSubstr("listening"));
  // A node that does not run sends no keep-alive message.
  node.signal(SIGSTOP);
  while (!manager.next(1000).empty()) {
  }
  EXPECT_EQ(manager.next(1000), "");
  node.signal(SIGCONT);
  EXPECT_EQ(manager.next_of("WATCHDOG=1"), "WATCHDOG=1");
  node.signal(SIGTERM);
  EXPECT_THAT(manager.next_of("STOPPING=1"), HasSubstr("EXTEND_TIMEOUT_USEC="));
  EXPECT_EQ(node.wait(), 0);
}

TEST_F(Operator, AlertsNameFailedSpecialistsAndOpenCircuits) {
  live_node node{
      "health_interval: 100ms\nbreaker: { failures: 1, open: 20s }\nretry: { max_attempts: 1 }",
      {{.name = "one"},
       {.name = "broken", .backend = "side_effects: none", .more = "fallback: one"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  ASSERT_NE(node.task("broken", {{"do", "die"}}).status, 0);
  const auto fires = [&](const std::string& name) {
    for (const auto& one : node.get("/v1/alerts").body.value("items", json::array()))
      if (one.value("name", "") == name && one.value("state", "") == "firing"
          && one.value("text", "").find("broken") != std::string::npos)
        return true;
    return false;
  };
  EXPECT_TRUE(eventually([&] { return fires("circuit-open"); })) << node.get("/v1/alerts").body;
  EXPECT_TRUE(eventually([&] { return fires("fallback-route"); }));
}

TEST_F(Operator, HistoryAnswersForAPeriod) {
  live_node node{"health_interval: 50ms", {{.name = "one"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  ASSERT_EQ(node.task("one", 1).status, 200);
  ASSERT_TRUE(eventually([&] {
    const auto past = node.get("/v1/history?last=1m&points=5").body;
    return past.value("items", json::array()).size() >= 2
           && past.value("summary", json::object()).value("warm", json::object()).value("max", 0.0)
                  == 1.0;
  }));
  const auto past = node.get("/v1/history?last=1m&points=5").body;
  EXPECT_LE(past["items"].size(), 5u);
  EXPECT_EQ(past["summary"]["warm"]["max"], 1.0);
  EXPECT_EQ(node.get("/v1/history?last=never").status, 400);
}

}  // namespace
}  // namespace greenroom::tests
