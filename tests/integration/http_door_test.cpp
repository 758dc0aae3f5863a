// A whole node with C++ callables behind its HTTP door, over real sockets.
#include "actors/doors/http_door.hpp"
#include "actors/node/node.hpp"
#include "actors/node/parts.hpp"

#include "tests/machine/http/raw_client.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

namespace greenroom::tests {
namespace {

using json = nlohmann::json;

/// Blocks callables until it is opened.
class latch {
public:
  void wait() {
    std::unique_lock lock{guard_};
    ++waiting_;
    changed_.notify_all();
    changed_.wait_for(lock, std::chrono::seconds{20}, [&] { return open_; });
  }
  void open() {
    const std::lock_guard lock{guard_};
    open_ = true;
    changed_.notify_all();
  }
  bool someone_waits() {
    std::unique_lock lock{guard_};
    return changed_.wait_for(lock, std::chrono::seconds{20}, [&] { return waiting_ > 0; });
  }

private:
  std::mutex guard_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

config::specialist member(const std::string& name) {
  config::specialist one;
  one.name = name;
  one.backend.kind = config::backend_kind::function;
  return one;
}

class HttpDoor : public testing::Test {
protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path()
              / ("http-door-" + std::to_string(::getpid()) + "-"
                 + testing::UnitTest::GetInstance()->current_test_info()->name());
    config::node configuration;
    configuration.data_dir = folder_.string();
    configuration.pool.min_residency = std::chrono::milliseconds{0};
    config::department words;
    words.name = "WORDS";
    words.specialists = {member("echo"), member("twice"), member("fails"), member("slow")};
    words.specialists[0].aliases = {"parrot"};
    configuration.departments = {words};
    configuration.workflows = {{"AGAIN", {"twice", "twice"}}, {"BROKEN", {"twice", "fails"}}};
    configuration.commands["say"] = {{}, "echo"};
    auto started = node::start(
        configuration,
        {{"echo", [](const std::string& input) { return input; }, true},
         {"twice", [](const std::string& input) { return "[" + input + "," + input + "]"; }, true},
         {"fails",
          [](const std::string&) -> std::string { throw std::runtime_error{"it cannot"}; }},
         {"slow", [this](const std::string& input) {
            latch_.wait();
            return input;
          }}});
    ASSERT_TRUE(started) << started.error().text;
    node_ = *std::move(started);
    doors::http_door_options options;
    auto opened = doors::http_door::open(*node_, *node_->inside().engine, options);
    ASSERT_TRUE(opened) << opened.error().text;
    door_ = *std::move(opened);
  }
  void TearDown() override {
    latch_.open();
    door_.reset();
    node_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string told(const std::string& request) {
    raw_client client{door_->port()};
    client.send(request);
    return client.answer();
  }
  std::string task(std::string_view body) { return told(post("/v1/tasks", body)); }
  static json read(std::string_view answer) { return json::parse(body_of(answer), nullptr, false); }

  latch latch_;
  std::filesystem::path folder_;
  std::unique_ptr<node> node_;
  std::unique_ptr<doors::http_door> door_;
};

TEST_F(HttpDoor, AnswersATaskWithItsOutputAndItsTimes) {
  const auto answer =
      task(R"({"specialist":"parrot","input":{"a":[1,"\u00e9"]},"priority":"high"})");
  ASSERT_EQ(status_of(answer), 200) << answer;
  EXPECT_NE(answer.find("Content-Type: application/json\r\n"), std::string::npos);
  EXPECT_NE(answer.find("Server-Timing: queue;dur="), std::string::npos);
  EXPECT_NE(answer.find("X-Greenroom-Cold-Start: "), std::string::npos);
  const auto done = read(answer);
  EXPECT_EQ(done["state"], "completed");
  EXPECT_EQ(done["specialist"], "echo");
  EXPECT_EQ(done["department"], "WORDS");
  EXPECT_EQ(done["priority"], "high");
  EXPECT_EQ(done["output"], json::parse(R"({"a":[1,"é"]})"));
  EXPECT_EQ(done["attempts"], 1);
  EXPECT_EQ(done["id"].get<std::string>().size(), 32U);
  for (const auto* name : {"queue_ms", "start_ms", "run_ms", "total_ms"})
    EXPECT_TRUE(done["timings"][name].is_number()) << name;
}

TEST_F(HttpDoor, FindsTheSpecialistOfADepartmentAndOfACommand) {
  EXPECT_EQ(read(task(R"({"command":"say","input":1})"))["specialist"], "echo");
  EXPECT_EQ(status_of(task(R"({"command":"sya","input":1})")), 404);
  EXPECT_EQ(status_of(task(R"({"department":"NOBODY","input":1})")), 404);
  EXPECT_EQ(status_of(task(R"({"input":1})")), 400);
  EXPECT_EQ(status_of(task(R"({"specialist":"echo","command":"say"})")), 400);
}

TEST_F(HttpDoor, NamesTheNearestSpecialist) {
  const auto answer = task(R"({"specialist":"ecko"})");
  EXPECT_EQ(status_of(answer), 404);
  EXPECT_NE(answer.find("application/problem+json"), std::string::npos);
  EXPECT_EQ(read(answer)["type"], "urn:greenroom:no-such-specialist");
  EXPECT_EQ(read(answer)["nearest"][0], "echo");
}

TEST_F(HttpDoor, NamesExistingSpecialistsForAGuess) {
  const auto answer = read(task(R"({"specialist":"somebody-else","input":1})"));
  EXPECT_EQ(answer["nearest"].size(), 3U) << answer;
  EXPECT_EQ(answer["detail"], "there is no specialist named somebody-else");
}

TEST_F(HttpDoor, DoesNotCompareANameThatIsTooLong) {
  const auto model = std::string(2'000'000, 'x');
  const auto answer =
      told(post("/v1/chat/completions", R"({"messages":[{}],"model":")" + model + "\"}"));
  EXPECT_EQ(status_of(answer), 404) << answer.substr(0, 300);
  EXPECT_LT(answer.size(), 1000U);
}

TEST_F(HttpDoor, RefusesAnImpossibleShareOrReason) {
  const auto route = [&](const std::string& share) {
    const auto body = "{\"percentage\":" + share + "}";
    return status_of(told("PUT /v1/routing HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
                          + std::to_string(body.size()) + "\r\n\r\n" + body));
  };
  EXPECT_EQ(route("101"), 400);
  EXPECT_EQ(route("-1"), 400);
  const auto reason = std::string(100'000, 'x');
  EXPECT_EQ(status_of(told(post("/v1/rollback", R"({"reason":")" + reason + "\"}"))), 400);
}

TEST_F(HttpDoor, NamesTheNearestDepartmentAndCommandToo) {
  const auto department = task(R"({"department":"WORSD","input":1})");
  EXPECT_EQ(status_of(department), 404) << department;
  EXPECT_EQ(read(department)["nearest"][0], "WORDS");
  const auto command = task(R"({"command":"sya","input":1})");
  EXPECT_EQ(status_of(command), 404) << command;
  EXPECT_EQ(read(command)["nearest"][0], "say");
  EXPECT_NE(read(command)["detail"].get<std::string>().find("did you mean say?"),
            std::string::npos);
}

TEST_F(HttpDoor, AnswersAWorkersFailureAsAProblem) {
  const auto answer = task(R"({"specialist":"fails"})");
  const auto status = status_of(answer);
  EXPECT_TRUE(status == 422 || status == 502) << answer;
  EXPECT_EQ(read(answer)["status"], status);
  EXPECT_NE(answer.find("Server-Timing: "), std::string::npos);
}

TEST_F(HttpDoor, GivesATimeOutAsA504) {
  const auto answer = task(R"({"specialist":"slow","timeout_ms":150})");
  EXPECT_EQ(status_of(answer), 504) << answer;
  EXPECT_EQ(read(answer)["type"], "urn:greenroom:out-of-time");
}

TEST_F(HttpDoor, KeepsAnAsyncTaskForALaterRequest) {
  const auto answer = task(R"({"specialist":"slow","input":"kept","mode":"async"})");
  ASSERT_EQ(status_of(answer), 202) << answer;
  const auto id = read(answer)["id"].get<std::string>();
  EXPECT_NE(answer.find("Location: /v1/tasks/" + id + "\r\n"), std::string::npos);
  ASSERT_TRUE(latch_.someone_waits());
  latch_.open();
  json seen;
  do {
    seen = read(told(get("/v1/tasks/" + id)));
  } while (seen["state"] == "queued" || seen["state"] == "running");
  EXPECT_EQ(seen["state"], "completed");
  EXPECT_EQ(seen["output"], "kept");
  const auto listed = read(told(get("/v1/tasks?state=completed&specialist=slow&limit=5")));
  ASSERT_TRUE(listed["items"].is_array());
  EXPECT_EQ(listed["items"][0]["id"], id);
  EXPECT_EQ(status_of(told(get("/v1/tasks?state=silly"))), 400);
  EXPECT_EQ(status_of(told(get("/v1/tasks?limit=0"))), 400);
  EXPECT_EQ(status_of(told(get("/v1/tasks/12"))), 404);
  EXPECT_EQ(status_of(told(get("/v1/tasks/" + std::string(32, '0')))), 404);
}

TEST_F(HttpDoor, AnswersAnIdempotencyKeyOnce) {
  const auto first = task(R"({"specialist":"twice","input":1,"idempotency_key":"k"})");
  const auto again = task(R"({"specialist":"twice","input":1,"idempotency_key":"k"})");
  ASSERT_EQ(status_of(first), 200) << first;
  ASSERT_EQ(status_of(again), 200) << again;
  EXPECT_EQ(read(first)["id"], read(again)["id"]);
  const auto other = task(R"({"specialist":"twice","input":2,"idempotency_key":"k"})");
  EXPECT_EQ(status_of(other), 409);
  // The refusal names the task with this key, and does not count as a failure of the specialist.
  EXPECT_NE(read(other)["detail"].get<std::string>().find(read(first)["id"].get<std::string>()),
            std::string::npos)
      << other;
  EXPECT_FALSE(read(other).contains("task"));
  // Only the first request counts as a task.
  const auto& ends = node_->inside().state->ends;
  EXPECT_EQ(ends.refused(protocols::pool_kind::intelligent), 0U);
  EXPECT_EQ(node_->inside().state->gauge.withdrawn.load(), 2U);
}

TEST_F(HttpDoor, TakesAnIdempotencyKeyFromTheHeader) {
  const auto ask = [&](std::string_view body, std::string_view headers) {
    return told(post("/v1/tasks", body, headers));
  };
  constexpr auto plain = R"({"specialist":"twice","input":1})";
  const auto first = ask(plain, "Idempotency-Key: \"k\"\r\n");
  ASSERT_EQ(status_of(first), 200) << first;
  EXPECT_EQ(read(ask(plain, "idempotency-key: k\r\n"))["id"], read(first)["id"]);
  constexpr auto keyed = R"({"specialist":"twice","input":1,"idempotency_key":"k"})";
  EXPECT_EQ(read(ask(keyed, "Idempotency-Key: k\r\n"))["id"], read(first)["id"]);
  EXPECT_EQ(status_of(ask(R"({"specialist":"twice","input":2})", "Idempotency-Key: k\r\n")), 409);
  const auto both = ask(keyed, "Idempotency-Key: other\r\n");
  EXPECT_EQ(status_of(both), 400) << both;
  EXPECT_NE(read(both)["detail"].get<std::string>().find("Idempotency-Key"), std::string::npos);
  EXPECT_EQ(status_of(ask(plain, "Idempotency-Key:\r\n")), 400);
  EXPECT_EQ(status_of(told(post("/v1/workflows/AGAIN", "", "Idempotency-Key: \"\r\n"))), 400);
}

TEST_F(HttpDoor, SaysWhyAnEndedTaskIsNotKept) {
  const auto done = task(R"({"specialist":"echo","input":1})");
  ASSERT_EQ(status_of(done), 200) << done;
  const auto answer = told(get("/v1/tasks/" + read(done)["id"].get<std::string>()));
  EXPECT_EQ(status_of(answer), 404) << answer;
  EXPECT_NE(read(answer)["detail"].get<std::string>().find("durable"), std::string::npos);
}

TEST_F(HttpDoor, AnswersARepeatedAsyncTaskWithTheWholeEnd) {
  constexpr auto body = R"({"specialist":"twice","input":1,"idempotency_key":"k","mode":"async"})";
  const auto id = read(task(body))["id"].get<std::string>();
  json ended;
  do {
    ended = read(told(get("/v1/tasks/" + id)));
  } while (ended["state"] == "queued" || ended["state"] == "running");
  const auto again = task(body);
  EXPECT_EQ(status_of(again), 202) << again;
  EXPECT_NE(again.find("Location: /v1/tasks/" + id + "\r\n"), std::string::npos);
  EXPECT_EQ(read(again)["state"], "completed");
  EXPECT_EQ(read(again)["output"], ended["output"]);
  EXPECT_EQ(read(again)["attempts"], 1);
}

TEST_F(HttpDoor, CancelsATask) {
  const auto id = read(task(R"({"specialist":"slow","mode":"async"})"))["id"].get<std::string>();
  ASSERT_TRUE(latch_.someone_waits());
  const auto answer = told("DELETE /v1/tasks/" + id + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(status_of(answer), 200);
  // The answer waits for the end, which reaches the journal a moment later.
  EXPECT_EQ(read(answer)["state"], "cancelled");
  EXPECT_EQ(read(told(get("/v1/tasks/" + id)))["state"], "cancelled");
}

TEST_F(HttpDoor, PagesThroughLiveAndJournaledTasks) {
  const auto kept = read(task(R"({"specialist":"echo","input":1,"durable":true})"));
  ASSERT_EQ(kept["state"], "completed");
  std::vector<raw_client> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.emplace_back(door_->port());
    waiting.back().send(post("/v1/tasks", R"({"specialist":"slow"})"));
  }
  while (read(told(get("/v1/tasks")))["items"].size() < 4) std::this_thread::yield();
  for (const auto* limit : {"1", "2", "3", "4"}) {
    std::vector<std::string> seen;
    std::string cursor;
    do {
      const auto page =
          read(told(get("/v1/tasks?limit=" + std::string{limit} + "&cursor=" + cursor)));
      ASSERT_TRUE(page["items"].is_array()) << page;
      EXPECT_LE(page["items"].size(), std::stoul(limit));
      for (const auto& one : page["items"]) seen.push_back(one["id"]);
      cursor = page["next"].is_null() ? "" : page["next"].get<std::string>();
      ASSERT_LT(seen.size(), 10U);
    } while (!cursor.empty());
    ASSERT_EQ(seen.size(), 4U) << limit;
    EXPECT_EQ(seen.back(), kept["id"]);
    std::ranges::sort(seen);
    EXPECT_EQ(std::ranges::unique(seen).size(), 0U) << limit;
  }
  EXPECT_EQ(status_of(told(get("/v1/tasks?cursor=live-x"))), 400);
}

TEST_F(HttpDoor, FindsTasksByAnAliasToo) {
  const auto id = read(task(R"({"specialist":"parrot","input":1,"durable":true})"))["id"];
  const auto listed = read(told(get("/v1/tasks?specialist=parrot")));
  ASSERT_EQ(listed["items"].size(), 1U) << listed;
  EXPECT_EQ(listed["items"][0]["id"], id);
}

TEST_F(HttpDoor, RefusesAFilterThatItCannotRead) {
  for (const auto* path :
       {"/v1/tasks?specialist=%zz", "/v1/tasks?limit=%", "/v1/specialists?state=%2",
        "/v1/specialists?state=lukewarm", "/v1/specialists?state=WARM"}) {
    const auto answer = told(get(path));
    EXPECT_EQ(status_of(answer), 400) << path;
    EXPECT_EQ(read(answer)["type"], "urn:greenroom:malformed") << path;
  }
  for (const std::string state : {"cold", "warming", "warm", "busy", "cooling", "failed"})
    EXPECT_EQ(status_of(told(get("/v1/specialists?state=" + state))), 200) << state;
  EXPECT_EQ(read(told(get("/v1/specialists?state=&department=")))["items"].size(), 4U);
}

TEST_F(HttpDoor, RefusesCodedBodies) {
  const auto coded = told(post("/v1/tasks", "\x1f\x8b\x08", "Content-Encoding: gzip\r\n"));
  EXPECT_EQ(status_of(coded), 415) << coded;
  EXPECT_NE(coded.find("Accept-Encoding: identity\r\n"), std::string::npos) << coded;
  EXPECT_EQ(status_of(told(post("/v1/rollback", "\x1f", "Content-Encoding: br\r\n"))), 415);
  EXPECT_EQ(status_of(told(post("/v1/tasks", "\x1f", "Content-Encoding: identity\r\n"))), 400);
}

TEST_F(HttpDoor, CancelsTheTaskOfAClientThatHangsUp) {
  {
    raw_client client{door_->port()};
    client.send(post("/v1/tasks", R"({"specialist":"slow"})"));
    ASSERT_TRUE(latch_.someone_waits());
  }
  while (node_->status().cancelled == 0) std::this_thread::yield();
  EXPECT_EQ(node_->status().cancelled, 1U);
}

TEST_F(HttpDoor, RunsAWorkflow) {
  const auto answer = told(post("/v1/workflows/AGAIN", R"({"input":1})"));
  ASSERT_EQ(status_of(answer), 200) << answer;
  EXPECT_EQ(read(answer)["output"], json::parse("[[1,1],[1,1]]"));
  EXPECT_EQ(read(answer)["steps"].size(), 2U);
  const auto broken = told(post("/v1/workflows/BROKEN", ""));
  EXPECT_GE(status_of(broken), 400) << broken;
  EXPECT_EQ(read(broken)["steps"].size(), 2U);
  EXPECT_EQ(status_of(told(post("/v1/workflows/NONE", "{}"))), 404);
  EXPECT_EQ(status_of(told(post("/v1/workflows/AGAIN", R"({"idempotency_key":"k"})"))), 200);
  const auto other = told(post("/v1/workflows/AGAIN", R"({"input":2,"idempotency_key":"k"})"));
  EXPECT_EQ(status_of(other), 409) << other;
  EXPECT_FALSE(read(other).contains("task")) << "there is none";
}

TEST_F(HttpDoor, ShowsAndMovesSpecialists) {
  const auto all = read(told(get("/v1/specialists")));
  ASSERT_EQ(all["items"].size(), 4U);
  EXPECT_EQ(status_of(told(post("/v1/specialists/twice/warm", ""))), 200);
  json one;
  do {
    one = read(told(get("/v1/specialists/twice")));
  } while (one["state"] != "warm");
  EXPECT_EQ(status_of(told(post("/v1/specialists/twice/cool", ""))), 200);
  do {
    one = read(told(get("/v1/specialists/twice")));
  } while (one["state"] != "cold");
  EXPECT_EQ(status_of(told(get("/v1/specialists/none"))), 404);
}

TEST_F(HttpDoor, ReportsAHealthyNode) {
  ASSERT_EQ(status_of(task(R"({"specialist":"echo","input":1})")), 200);
  EXPECT_EQ(status_of(told(get("/health/live"))), 200);
  EXPECT_EQ(status_of(told(get("/health/ready"))), 200);
  const auto health = read(told(get("/health/intelligent-pooling")));
  EXPECT_EQ(health["specialists"]["total"], 4);
  for (const auto* name : {"averageResponseTime", "warmHitRate", "queueDepth"})
    EXPECT_TRUE(health["performance"][name].is_number()) << name;
  EXPECT_EQ(health["performance"]["queueDepth"], 0);
  for (const auto* name : {"current", "saved", "efficiency"})
    EXPECT_TRUE(health["memory"][name].is_number()) << name;
  EXPECT_TRUE(health["lastCheck"].is_string());
  const auto metrics = told(get("/metrics"));
  for (const auto* sample :
       {R"(greenroom_tasks_total{specialist="echo",department="WORDS",outcome="completed"} 1)",
        "greenroom_tasks_accepted_total 1", "greenroom_tasks_lost 0"})
    EXPECT_NE(metrics.find('\n' + std::string{sample} + '\n'), std::string::npos) << sample;
  EXPECT_EQ(read(told(get("/v1/alerts")))["items"], json::array());
  EXPECT_TRUE(read(told(get("/v1/predictions")))["items"].is_array());
  EXPECT_TRUE(read(told(get("/")))["routes"].is_array());
}

TEST_F(HttpDoor, ShowsTheSettingsAndTheTrafficForTuning) {
  const auto tuning = read(told(get("/v1/tuning")));
  EXPECT_EQ(tuning["specialists"], 4);
  EXPECT_EQ(tuning["min_residency_s"], 0);
  EXPECT_EQ(tuning["cooldown_s"], 45);
  EXPECT_NEAR(tuning["warm_threshold"].get<double>(), 0.3, 1e-9);
  EXPECT_EQ(tuning["adaptive"], true);
  EXPECT_EQ(status_of(task(R"({"specialist":"echo","input":1,"case":"one"})")), 200);
  EXPECT_EQ(status_of(task(R"({"specialist":"twice","input":1})")), 200);
  std::string recorded;
  const auto lines = [&] { return std::ranges::count(recorded, '\n'); };
  while (lines() < 3) recorded = std::string{body_of(told(get("/v1/recording")))};
  EXPECT_TRUE(recorded.starts_with("timestamp_s,specialist,duration_ms,case\n")) << recorded;
  EXPECT_NE(recorded.find(",echo,0,"), std::string::npos) << recorded;
  EXPECT_NE(recorded.find(",twice,0,\n"), std::string::npos) << recorded;
  // Only now it is certain that no prewarm came before the first read.
  EXPECT_GE(read(told(get("/v1/tuning"))).value("load_s", -1.0), 0.0) << "two were started";
}

TEST_F(HttpDoor, SaysWhetherPredictionIsOn) {
  const auto state = read(told(get("/v1/predictions")))["prediction"];
  EXPECT_EQ(state["on"], true);
  EXPECT_TRUE(state["keep_alive_s"].is_number());
  EXPECT_EQ(state["wastes"], 0);
  EXPECT_NE(told(get("/metrics")).find("\ngreenroom_prediction_on 1\n"), std::string::npos);
}

TEST_F(HttpDoor, NamesTheNearestRoutesAndAllowedMethods) {
  const auto lost = told(get("/v1/task"));
  EXPECT_EQ(status_of(lost), 404);
  EXPECT_EQ(read(lost)["nearest"][0], "/v1/tasks");
  const auto wrong = told("PUT /v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(status_of(wrong), 405);
  EXPECT_NE(wrong.find("Allow: OPTIONS, GET, HEAD, POST\r\n"), std::string::npos) << wrong;
  raw_client client{door_->port()};
  client.send("OPTIONS /v1/tasks HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(status_of(client.answer()), 204);
  client.send("HEAD /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(status_of(client.answer(true)), 200);
  EXPECT_EQ(status_of(told(get("/v1/rollout"))), 200);
  EXPECT_EQ(status_of(told(post("/v1/rollback", "{}"))), 400);
}

TEST_F(HttpDoor, StreamsEventsAndReplaysThemFromAnyNumber) {
  raw_client listener{door_->port()};
  listener.send(get("/v1/events"));
  EXPECT_NE(listener.until("\r\n\r\n").find("text/event-stream"), std::string::npos);
  ASSERT_FALSE(listener.until("retry: 2000\n\n").empty());
  EXPECT_EQ(status_of(told(post("/v1/specialists/twice/cool", ""))), 200);
  const auto first = listener.until("}\n\n");
  const auto at = first.find("id: ");
  ASSERT_NE(at, std::string::npos) << first;
  const auto number = std::strtoull(first.c_str() + at + 4, nullptr, 10);
  raw_client again{door_->port()};
  again.send("GET /v1/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: "
             + std::to_string(number - 1) + "\r\n\r\n");
  const auto resumed = again.until("}\n\n");
  EXPECT_NE(resumed.find("id: " + std::to_string(number) + "\n"), std::string::npos) << resumed;
  EXPECT_EQ(
      status_of(told("GET /v1/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: x\r\n\r\n")),
      400);
  door_->stop_accepting();
  EXPECT_NE(again.rest().find("0\r\n\r\n"), std::string::npos);
}

TEST_F(HttpDoor, SpeaksOpenAisInterface) {
  const auto answer = told(post("/v1/chat/completions", R"({"model":"echo","messages":[]})"));
  ASSERT_EQ(status_of(answer), 200) << answer;
  EXPECT_EQ(
      json::parse(read(answer)["choices"][0]["message"]["content"].get<std::string>())["model"],
      "echo");
  raw_client client{door_->port()};
  client.send(post("/v1/chat/completions", R"({"model":"echo","messages":[],"stream":true})"));
  const auto stream = client.until("0\r\n\r\n");
  EXPECT_NE(stream.find("text/event-stream"), std::string::npos);
  EXPECT_NE(stream.find("data: [DONE]\n\n"), std::string::npos);
  const auto none = told(post("/v1/chat/completions", R"({"model":"ecko","messages":[]})"));
  EXPECT_EQ(status_of(none), 404);
  EXPECT_EQ(read(none)["error"]["code"], "model_not_found");
  EXPECT_EQ(read(told(get("/v1/models")))["data"].size(), 4U);
}

TEST_F(HttpDoor, RefusesAFullQueueWithATimeToComeBack) {
  std::vector<raw_client> clients;
  // One task runs and 64 wait, which fills the specialist's queue; more are refused.
  for (int i = 0; i < 80; ++i) {
    clients.emplace_back(door_->port());
    clients.back().send(post("/v1/tasks", R"({"specialist":"slow","timeout_ms":60000})"));
  }
  auto& last = clients.back();
  const auto answer = last.answer();
  EXPECT_EQ(status_of(answer), 503) << answer;
  EXPECT_EQ(read(answer)["type"], "urn:greenroom:queue-full");
  // Another specialist is still served.
  EXPECT_EQ(status_of(task(R"({"specialist":"echo"})")), 200);
}

}  // namespace
}  // namespace greenroom::tests
