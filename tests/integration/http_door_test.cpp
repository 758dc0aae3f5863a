// The HTTP routes beside those of tasks: names, workflows, specialists, health, events, OpenAI.
#include "tests/integration/http_door_fixture.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

namespace greenroom::tests {
namespace {

class HttpDoor : public http_door_fixture {};

std::string delete_request(const std::string& path) {
  return "DELETE " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
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
      response_to(post("/v1/chat/completions", R"({"messages":[{}],"model":")" + model + "\"}"));
  EXPECT_EQ(status_of(answer), 404) << answer.substr(0, 300);
  EXPECT_LT(answer.size(), 1000U);
}

TEST_F(HttpDoor, RefusesAnImpossibleShareOrReason) {
  const auto route = [&](const std::string& share) {
    const auto body = "{\"percentage\":" + share + "}";
    return status_of(response_to("PUT /v1/routing HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
                                 + std::to_string(body.size()) + "\r\n\r\n" + body));
  };
  EXPECT_EQ(route("101"), 400);
  EXPECT_EQ(route("-1"), 400);
  const auto reason = std::string(100'000, 'x');
  EXPECT_EQ(status_of(response_to(post("/v1/rollback", R"({"reason":")" + reason + "\"}"))), 400);
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

TEST_F(HttpDoor, RunsAWorkflow) {
  const auto answer = response_to(post("/v1/workflows/AGAIN", R"({"input":1})"));
  ASSERT_EQ(status_of(answer), 200) << answer;
  EXPECT_EQ(read(answer)["output"], json::parse("[[1,1],[1,1]]"));
  EXPECT_EQ(read(answer)["steps"].size(), 2U);
  const auto broken = response_to(post("/v1/workflows/BROKEN", ""));
  EXPECT_GE(status_of(broken), 400) << broken;
  EXPECT_EQ(read(broken)["steps"].size(), 2U);
  EXPECT_EQ(status_of(response_to(post("/v1/workflows/NONE", "{}"))), 404);
  EXPECT_EQ(status_of(response_to(post("/v1/workflows/AGAIN", R"({"idempotency_key":"k"})"))), 200);
  const auto other =
      response_to(post("/v1/workflows/AGAIN", R"({"input":2,"idempotency_key":"k"})"));
  EXPECT_EQ(status_of(other), 409) << other;
  EXPECT_FALSE(read(other).contains("task")) << "there is none";
}

TEST_F(HttpDoor, ShowsAndMovesSpecialists) {
  const auto all = read(response_to(get("/v1/specialists")));
  ASSERT_EQ(all["items"].size(), 4U);
  EXPECT_EQ(status_of(response_to(post("/v1/specialists/twice/warm", ""))), 200);
  json one;
  do {
    one = read(response_to(get("/v1/specialists/twice")));
  } while (one["state"] != "warm");
  EXPECT_EQ(status_of(response_to(post("/v1/specialists/twice/cool", ""))), 200);
  do {
    one = read(response_to(get("/v1/specialists/twice")));
  } while (one["state"] != "cold");
  EXPECT_EQ(status_of(response_to(get("/v1/specialists/none"))), 404);
}

TEST_F(HttpDoor, ReportsAHealthyNode) {
  ASSERT_EQ(status_of(task(R"({"specialist":"echo","input":1})")), 200);
  EXPECT_EQ(status_of(response_to(get("/health/live"))), 200);
  EXPECT_EQ(status_of(response_to(get("/health/ready"))), 200);
  const auto health = read(response_to(get("/health/intelligent-pooling")));
  EXPECT_EQ(health["specialists"]["total"], 4);
  for (const auto* name : {"averageResponseTime", "warmHitRate", "queueDepth"})
    EXPECT_TRUE(health["performance"][name].is_number()) << name;
  EXPECT_EQ(health["performance"]["queueDepth"], 0);
  for (const auto* name : {"current", "saved", "efficiency"})
    EXPECT_TRUE(health["memory"][name].is_number()) << name;
  EXPECT_TRUE(health["lastCheck"].is_string());
  const auto metrics = response_to(get("/metrics"));
  for (const auto* sample :
       {R"(greenroom_tasks_total{specialist="echo",department="WORDS",outcome="completed"} 1)",
        "greenroom_tasks_accepted_total 1", "greenroom_tasks_lost 0"})
    EXPECT_NE(metrics.find('\n' + std::string{sample} + '\n'), std::string::npos) << sample;
  EXPECT_EQ(read(response_to(get("/v1/alerts")))["items"], json::array());
  EXPECT_TRUE(read(response_to(get("/v1/predictions")))["items"].is_array());
  EXPECT_TRUE(read(response_to(get("/")))["routes"].is_array());
}

TEST_F(HttpDoor, MakesOneBackupAtATime) {
  const auto made = response_to(post("/v1/backups", ""));
  ASSERT_EQ(status_of(made), 200) << made;
  const auto id = read(made)["id"].get<std::string>();
  const auto second = response_to(post("/v1/backups", ""));
  EXPECT_EQ(status_of(second), 409) << second;
  EXPECT_EQ(read(second)["type"], "urn:greenroom:backup-under-way");
  EXPECT_NE(read(second)["detail"].get<std::string>().find(id), std::string::npos) << second;
  EXPECT_NE(second.find("\r\nRetry-After: "), std::string::npos) << second;
  EXPECT_EQ(status_of(response_to(get("/v1/backups/" + id + "/0"))), 200);
  EXPECT_EQ(status_of(response_to(delete_request("/v1/backups/" + id))), 200);
  EXPECT_EQ(status_of(response_to(post("/v1/backups", ""))), 200) << "the first was removed";
}

TEST_F(HttpDoor, HasNoBackupOfAnUnknownIdOrAnUnknownFile) {
  const auto expect_none = [](const std::string& answer) {
    EXPECT_EQ(status_of(answer), 404) << answer;
    EXPECT_EQ(read(answer)["type"], "urn:greenroom:no-such-backup");
  };
  const std::string unknown = "/v1/backups/00000000000000000000000000000001";
  expect_none(response_to(get(unknown + "/0")));
  expect_none(response_to(delete_request(unknown)));
  const auto made = response_to(post("/v1/backups", ""));
  ASSERT_EQ(status_of(made), 200) << made;
  const auto known = "/v1/backups/" + read(made)["id"].get<std::string>();
  expect_none(response_to(get(unknown + "/0")));
  expect_none(response_to(delete_request(unknown)));
  expect_none(response_to(get(known + "/99")));
  EXPECT_EQ(status_of(response_to(get(known + "/x"))), 400);
  EXPECT_EQ(status_of(response_to(get(known + "/0?offset=x"))), 400);
  EXPECT_EQ(status_of(response_to(get(known + "/0"))), 200) << "it is still there";
  EXPECT_EQ(status_of(response_to(delete_request(known))), 200);
  expect_none(response_to(get(known + "/0")));
}

TEST_F(HttpDoor, ShowsTheSettingsAndTheTrafficForTuning) {
  const auto tuning = read(response_to(get("/v1/tuning")));
  EXPECT_EQ(tuning["specialists"], 4);
  EXPECT_EQ(tuning["min_residency_s"], 0);
  EXPECT_EQ(tuning["cooldown_s"], 45);
  EXPECT_NEAR(tuning["warm_threshold"].get<double>(), 0.3, 1e-9);
  EXPECT_EQ(tuning["adaptive"], true);
  EXPECT_EQ(status_of(task(R"({"specialist":"echo","input":1,"case":"one"})")), 200);
  EXPECT_EQ(status_of(task(R"({"specialist":"twice","input":1})")), 200);
  std::string recorded;
  const auto lines = [&] { return std::ranges::count(recorded, '\n'); };
  while (lines() < 3) recorded = std::string{body_of(response_to(get("/v1/recording")))};
  EXPECT_TRUE(recorded.starts_with("timestamp_s,specialist,duration_ms,case\n")) << recorded;
  EXPECT_NE(recorded.find(",echo,0,"), std::string::npos) << recorded;
  EXPECT_NE(recorded.find(",twice,0,\n"), std::string::npos) << recorded;
  // Only now it is certain that no prewarm came before the first read.
  EXPECT_GE(read(response_to(get("/v1/tuning"))).value("load_s", -1.0), 0.0) << "two were started";
}

TEST_F(HttpDoor, SaysWhetherPredictionIsOn) {
  const auto state = read(response_to(get("/v1/predictions")))["prediction"];
  EXPECT_EQ(state["on"], true);
  EXPECT_TRUE(state["keep_alive_s"].is_number());
  EXPECT_EQ(state["wastes"], 0);
  EXPECT_NE(response_to(get("/metrics")).find("\ngreenroom_prediction_on 1\n"), std::string::npos);
}

TEST_F(HttpDoor, NamesTheNearestRoutesAndAllowedMethods) {
  const auto lost = response_to(get("/v1/task"));
  EXPECT_EQ(status_of(lost), 404);
  EXPECT_EQ(read(lost)["nearest"][0], "/v1/tasks");
  const auto wrong =
      response_to("PUT /v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(status_of(wrong), 405);
  EXPECT_NE(wrong.find("Allow: OPTIONS, GET, HEAD, POST\r\n"), std::string::npos) << wrong;
  raw_client client{door_->port()};
  client.send("OPTIONS /v1/tasks HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(status_of(client.answer()), 204);
  client.send("HEAD /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(status_of(client.answer(true)), 200);
  EXPECT_EQ(status_of(response_to(get("/v1/rollout"))), 200);
  EXPECT_EQ(status_of(response_to(post("/v1/rollback", "{}"))), 400);
}

TEST_F(HttpDoor, StreamsEventsAndReplaysThemFromAnyNumber) {
  raw_client listener{door_->port()};
  listener.send(get("/v1/events"));
  EXPECT_NE(listener.until("\r\n\r\n").find("text/event-stream"), std::string::npos);
  ASSERT_FALSE(listener.until("retry: 2000\n\n").empty());
  EXPECT_EQ(status_of(response_to(post("/v1/specialists/twice/cool", ""))), 200);
  const auto first = listener.until("}\n\n");
  const auto at = first.find("id: ");
  ASSERT_NE(at, std::string::npos) << first;
  const auto number = std::strtoull(first.c_str() + at + 4, nullptr, 10);
  raw_client again{door_->port()};
  again.send("GET /v1/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: "
             + std::to_string(number - 1) + "\r\n\r\n");
  const auto resumed = again.until("}\n\n");
  EXPECT_NE(resumed.find("id: " + std::to_string(number) + "\n"), std::string::npos) << resumed;
  EXPECT_EQ(status_of(response_to(
                "GET /v1/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: x\r\n\r\n")),
            400);
  door_->stop_accepting();
  EXPECT_NE(again.rest().find("0\r\n\r\n"), std::string::npos);
}

TEST_F(HttpDoor, SpeaksOpenAisInterface) {
  const auto answer =
      response_to(post("/v1/chat/completions", R"({"model":"echo","messages":[]})"));
  ASSERT_EQ(status_of(answer), 200) << answer;
  EXPECT_EQ(
      json::parse(read(answer)["choices"][0]["message"]["content"].get<std::string>())["model"],
      "echo");
  raw_client client{door_->port()};
  client.send(post("/v1/chat/completions", R"({"model":"echo","messages":[],"stream":true})"));
  const auto stream = client.until("0\r\n\r\n");
  EXPECT_NE(stream.find("text/event-stream"), std::string::npos);
  EXPECT_NE(stream.find("data: [DONE]\n\n"), std::string::npos);
  const auto none = response_to(post("/v1/chat/completions", R"({"model":"ecko","messages":[]})"));
  EXPECT_EQ(status_of(none), 404);
  EXPECT_EQ(read(none)["error"]["code"], "model_not_found");
  EXPECT_EQ(read(response_to(get("/v1/models")))["data"].size(), 4U);
}

}  // namespace
}  // namespace greenroom::tests
