// The HTTP routes of tasks: submission, repetition, cancellation, lists and refusals.
#include "tests/integration/http_door_fixture.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

namespace greenroom::tests {
namespace {

class HttpDoorTasks : public http_door_fixture {};

TEST_F(HttpDoorTasks, AnswersATaskWithItsOutputAndItsTimes) {
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

TEST_F(HttpDoorTasks, FindsTheSpecialistOfADepartmentAndOfACommand) {
  EXPECT_EQ(read(task(R"({"command":"say","input":1})"))["specialist"], "echo");
  EXPECT_EQ(status_of(task(R"({"command":"sya","input":1})")), 404);
  EXPECT_EQ(status_of(task(R"({"department":"NOBODY","input":1})")), 404);
  EXPECT_EQ(status_of(task(R"({"input":1})")), 400);
  EXPECT_EQ(status_of(task(R"({"specialist":"echo","command":"say"})")), 400);
}

TEST_F(HttpDoorTasks, AnswersAWorkersFailureAsAProblem) {
  const auto answer = task(R"({"specialist":"fails"})");
  const auto status = status_of(answer);
  EXPECT_TRUE(status == 422 || status == 502) << answer;
  EXPECT_EQ(read(answer)["status"], status);
  EXPECT_NE(answer.find("Server-Timing: "), std::string::npos);
}

TEST_F(HttpDoorTasks, GivesATimeOutAsA504) {
  const auto answer = task(R"({"specialist":"slow","timeout_ms":150})");
  EXPECT_EQ(status_of(answer), 504) << answer;
  EXPECT_EQ(read(answer)["type"], "urn:greenroom:out-of-time");
}

TEST_F(HttpDoorTasks, KeepsAnAsyncTaskForALaterRequest) {
  const auto answer = task(R"({"specialist":"slow","input":"kept","mode":"async"})");
  ASSERT_EQ(status_of(answer), 202) << answer;
  const auto id = read(answer)["id"].get<std::string>();
  EXPECT_NE(answer.find("Location: /v1/tasks/" + id + "\r\n"), std::string::npos);
  ASSERT_TRUE(latch_.someone_waits());
  latch_.open();
  json seen;
  do {
    seen = read(response_to(get("/v1/tasks/" + id)));
  } while (seen["state"] == "queued" || seen["state"] == "running");
  EXPECT_EQ(seen["state"], "completed");
  EXPECT_EQ(seen["output"], "kept");
  const auto listed = read(response_to(get("/v1/tasks?state=completed&specialist=slow&limit=5")));
  ASSERT_TRUE(listed["items"].is_array());
  EXPECT_EQ(listed["items"][0]["id"], id);
  EXPECT_EQ(status_of(response_to(get("/v1/tasks?state=silly"))), 400);
  EXPECT_EQ(status_of(response_to(get("/v1/tasks?limit=0"))), 400);
  EXPECT_EQ(status_of(response_to(get("/v1/tasks/12"))), 404);
  EXPECT_EQ(status_of(response_to(get("/v1/tasks/" + std::string(32, '0')))), 404);
}

TEST_F(HttpDoorTasks, AnswersAnIdempotencyKeyOnce) {
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

TEST_F(HttpDoorTasks, TakesAnIdempotencyKeyFromTheHeader) {
  const auto ask = [&](std::string_view body, std::string_view headers) {
    return response_to(post("/v1/tasks", body, headers));
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
  EXPECT_EQ(status_of(response_to(post("/v1/workflows/AGAIN", "", "Idempotency-Key: \"\r\n"))),
            400);
}

TEST_F(HttpDoorTasks, SaysWhyAnEndedTaskIsNotKept) {
  const auto done = task(R"({"specialist":"echo","input":1})");
  ASSERT_EQ(status_of(done), 200) << done;
  const auto answer = response_to(get("/v1/tasks/" + read(done)["id"].get<std::string>()));
  EXPECT_EQ(status_of(answer), 404) << answer;
  EXPECT_NE(read(answer)["detail"].get<std::string>().find("durable"), std::string::npos);
}

TEST_F(HttpDoorTasks, AnswersARepeatedAsyncTaskWithTheWholeEnd) {
  constexpr auto body = R"({"specialist":"twice","input":1,"idempotency_key":"k","mode":"async"})";
  const auto id = read(task(body))["id"].get<std::string>();
  json ended;
  do {
    ended = read(response_to(get("/v1/tasks/" + id)));
  } while (ended["state"] == "queued" || ended["state"] == "running");
  const auto again = task(body);
  EXPECT_EQ(status_of(again), 202) << again;
  EXPECT_NE(again.find("Location: /v1/tasks/" + id + "\r\n"), std::string::npos);
  EXPECT_EQ(read(again)["state"], "completed");
  EXPECT_EQ(read(again)["output"], ended["output"]);
  EXPECT_EQ(read(again)["attempts"], 1);
}

TEST_F(HttpDoorTasks, CancelsATask) {
  const auto id = read(task(R"({"specialist":"slow","mode":"async"})"))["id"].get<std::string>();
  ASSERT_TRUE(latch_.someone_waits());
  const auto answer =
      response_to("DELETE /v1/tasks/" + id + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(status_of(answer), 200);
  // The answer waits for the end, which reaches the journal a moment later.
  EXPECT_EQ(read(answer)["state"], "cancelled");
  EXPECT_EQ(read(response_to(get("/v1/tasks/" + id)))["state"], "cancelled");
}

TEST_F(HttpDoorTasks, PagesThroughLiveAndJournaledTasks) {
  const auto kept = read(task(R"({"specialist":"echo","input":1,"durable":true})"));
  ASSERT_EQ(kept["state"], "completed");
  std::vector<raw_client> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.emplace_back(door_->port());
    waiting.back().send(post("/v1/tasks", R"({"specialist":"slow"})"));
  }
  while (read(response_to(get("/v1/tasks")))["items"].size() < 4) std::this_thread::yield();
  for (const auto* limit : {"1", "2", "3", "4"}) {
    std::vector<std::string> seen;
    std::string cursor;
    do {
      const auto page =
          read(response_to(get("/v1/tasks?limit=" + std::string{limit} + "&cursor=" + cursor)));
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
  EXPECT_EQ(status_of(response_to(get("/v1/tasks?cursor=live-x"))), 400);
}

TEST_F(HttpDoorTasks, FindsTasksByAnAliasToo) {
  const auto id = read(task(R"({"specialist":"parrot","input":1,"durable":true})"))["id"];
  const auto listed = read(response_to(get("/v1/tasks?specialist=parrot")));
  ASSERT_EQ(listed["items"].size(), 1U) << listed;
  EXPECT_EQ(listed["items"][0]["id"], id);
}

TEST_F(HttpDoorTasks, RefusesAFilterThatItCannotRead) {
  for (const auto* path :
       {"/v1/tasks?specialist=%zz", "/v1/tasks?limit=%", "/v1/specialists?state=%2",
        "/v1/specialists?state=lukewarm", "/v1/specialists?state=WARM"}) {
    const auto answer = response_to(get(path));
    EXPECT_EQ(status_of(answer), 400) << path;
    EXPECT_EQ(read(answer)["type"], "urn:greenroom:malformed") << path;
  }
  for (const std::string state : {"cold", "warming", "warm", "busy", "cooling", "failed"})
    EXPECT_EQ(status_of(response_to(get("/v1/specialists?state=" + state))), 200) << state;
  EXPECT_EQ(read(response_to(get("/v1/specialists?state=&department=")))["items"].size(), 4U);
}

TEST_F(HttpDoorTasks, RefusesCodedBodies) {
  const auto coded = response_to(post("/v1/tasks", "\x1f\x8b\x08", "Content-Encoding: gzip\r\n"));
  EXPECT_EQ(status_of(coded), 415) << coded;
  EXPECT_NE(coded.find("Accept-Encoding: identity\r\n"), std::string::npos) << coded;
  EXPECT_EQ(status_of(response_to(post("/v1/rollback", "\x1f", "Content-Encoding: br\r\n"))), 415);
  EXPECT_EQ(status_of(response_to(post("/v1/tasks", "\x1f", "Content-Encoding: identity\r\n"))),
            400);
}

TEST_F(HttpDoorTasks, CancelsTheTaskOfAClientThatHangsUp) {
  {
    raw_client client{door_->port()};
    client.send(post("/v1/tasks", R"({"specialist":"slow"})"));
    ASSERT_TRUE(latch_.someone_waits());
  }
  while (node_->status().cancelled == 0) std::this_thread::yield();
  EXPECT_EQ(node_->status().cancelled, 1U);
}

TEST_F(HttpDoorTasks, RefusesAFullQueueWithATimeToComeBack) {
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
