// Bodies of POST /v1/tasks, whole, broken and cut off, and tasks as JSON.
#include "protocols/http_task.hpp"
#include "protocols/base/json_text.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <random>
#include <string>

namespace greenroom::protocols {
namespace {

using json = nlohmann::json;

base::expected<http_task, bad_body> parsed(std::string_view body, int depth = 64) {
  return parse_http_task(body, depth);
}
std::string fault(std::string_view body, int depth = 64) {
  const auto result = parsed(body, depth);
  return result ? std::string{} : result.error().detail;
}

constexpr std::string_view everything = R"( { "specialist" : "api-architect",
  "input" : {"a":[1,-2.5e3,true,false,null,"\u00e9\ud83d\ude00\\\""],"b":{}}, "priority":"high",
  "timeout_ms":1500,"mode":"async","durable":true,"idempotency_key":"k-1","case":"s 1"} )";

TEST(HttpTask, ReadsEveryField) {
  const auto result = parsed(everything);
  ASSERT_TRUE(result);
  const auto& task = result->request;
  EXPECT_EQ(task.specialist, "api-architect");
  EXPECT_EQ(task.input, R"({"a":[1,-2.5e3,true,false,null,"\u00e9\ud83d\ude00\\\""],"b":{}})");
  EXPECT_EQ(task.urgency, priority::high);
  EXPECT_EQ(task.timeout, std::chrono::milliseconds{1500});
  EXPECT_TRUE(result->async);
  EXPECT_TRUE(task.durable);
  EXPECT_EQ(task.idempotency_key, "k-1");
  EXPECT_EQ(task.case_id, "s 1");
}

TEST(HttpTask, HasDefaultsForWhatIsNotSaid) {
  const auto result = parsed("{}");
  ASSERT_TRUE(result);
  const auto& task = result->request;
  EXPECT_EQ(task.input, "null");
  EXPECT_EQ(task.urgency, priority::normal);
  EXPECT_FALSE(task.timeout);
  EXPECT_FALSE(result->async);
}

TEST(HttpTask, MakesAnAsynchronousOrKeyedTaskDurable) {
  const auto is_durable = [](std::string_view body) {
    const auto result = parsed(body);
    return result && result->request.durable;
  };
  EXPECT_FALSE(is_durable(R"({"specialist":"a"})"));
  EXPECT_FALSE(is_durable(R"({"specialist":"a","mode":"sync","durable":false})"));
  EXPECT_TRUE(is_durable(R"({"specialist":"a","durable":true})"));
  EXPECT_TRUE(is_durable(R"({"specialist":"a","mode":"async"})"));
  EXPECT_TRUE(is_durable(R"({"specialist":"a","mode":"async","durable":false})"));
  EXPECT_TRUE(is_durable(R"({"specialist":"a","idempotency_key":"k"})"));
}

TEST(HttpTask, RefusesEveryTruncation) {
  const auto end = everything.find_last_of('}');
  for (std::size_t length = 0; length <= end; ++length)
    EXPECT_FALSE(fault(everything.substr(0, length)).empty()) << everything.substr(0, length);
  EXPECT_TRUE(fault(everything.substr(0, end + 1)).empty());
}

TEST(HttpTask, TakesExactlyWhatAnotherParserTakesAsInput) {
  constexpr std::uint32_t seed = 7;
  std::mt19937 random{seed};
  const auto below = [&](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>{0, limit - 1}(random);
  };
  constexpr std::string_view letters = "{}[]:,\"\\u0019e+-.tfn \n\x80\xc3\xa9\xed\xa0\xe2\x82\xac/";
  std::size_t valid = 0;
  for (int round = 0; round < 30'000; ++round) {
    std::string value = R"({"a":[1,-2.5e3,true,null,"\u00e9\ud83d\ude00\\\""],"b":{}})";
    for (auto changes = below(4); changes > 0; --changes) {
      const auto at = below(value.size());
      if (below(2) == 0) {
        value[at] = letters[below(letters.size())];
      } else {
        value.erase(at, 1 + below(5));
      }
      if (value.empty()) value = "0";
    }
    // A changed bracket may end the value early; only what the whole body is counts.
    const auto body = "{\"input\":" + value + "}";
    const auto ours = fault(body).empty();
    auto theirs = json::parse(body, nullptr, false);
    // Half a surrogate pair is read as U+FFFD, which theirs does not do.
    if (ours && theirs.is_discarded()) {
      auto mended = body;
      base::mend_halves(mended);
      theirs = json::parse(mended, nullptr, false);
    }
    // Theirs takes repeated and unknown fields.
    if (theirs.is_object() && (theirs.size() != 1 || !theirs.contains("input"))) continue;
    const auto repeated = body.find("\"input\"", 9) != std::string::npos;
    if (repeated) continue;
    EXPECT_EQ(ours, !theirs.is_discarded()) << body << "\n" << fault(body);
    valid += ours ? 1 : 0;
  }
  EXPECT_GT(valid, 1000U);
}

TEST(HttpTask, SaysWhichFieldIsWrongAndWhere) {
  EXPECT_EQ(fault(""), "The body is empty; send a JSON object");
  EXPECT_EQ(fault("[]"), "The body must be a JSON object at line 1, column 1.");
  EXPECT_EQ(fault("{\n  \"specalist\": \"x\"}"),
            "Unknown field \"specalist\" (did you mean \"specialist\"?) at line 2, column 3.");
  EXPECT_EQ(fault(R"({"zzzzzzzzzzzz":1})"), "Unknown field \"zzzzzzzzzzzz\" at line 1, column 2.");
  EXPECT_EQ(fault(R"({"input":1,"input":2})"),
            "The field \"input\" is there twice, at line 1, column 12.");
  EXPECT_EQ(fault(R"({"\u0069nput":1,"input":2})"),
            "The field \"input\" is there twice, at line 1, column 17.");
  EXPECT_NE(fault(R"({"priority":"urgent"})").find("\"high\", \"normal\" or \"low\""),
            std::string::npos);
  EXPECT_NE(fault(R"({"mode":1})").find("\"sync\" or \"async\""), std::string::npos);
  for (const auto* bad : {"0", "-1", "1.5", "1e3", "\"5\"", "99999999999999999999", "true"})
    EXPECT_NE(fault(std::string{"{\"timeout_ms\":"} + bad + "}").find("timeout_ms"),
              std::string::npos)
        << bad;
  EXPECT_NE(fault(R"({"specialist":7})").find("must be a string"), std::string::npos);
  EXPECT_NE(fault(R"({"specialist":""})").find("must not be empty"), std::string::npos);
  EXPECT_NE(fault("{\"case\":\"" + std::string(257, 'x') + "\"}").find("longer than 256"),
            std::string::npos);
  EXPECT_NE(fault("{\"input\":tru}").find("not valid JSON"), std::string::npos);
  EXPECT_NE(fault("{\"input\":\"\xff\"}").find("not valid JSON"), std::string::npos);
  EXPECT_NE(fault("{} x").find("nothing after"), std::string::npos);
  EXPECT_NE(fault("{\"input\":1 \"case\":\"x\"}").find("comma"), std::string::npos);
}

TEST(HttpTask, TakesAKeyFromAFieldWithAndWithoutQuotationMarks) {
  const auto key = [](std::string_view field) {
    const auto result = idempotency_key_in(field);
    return result ? *result : std::string{"nothing"};
  };
  EXPECT_EQ(key("8e03978e-40d5"), "8e03978e-40d5");
  EXPECT_EQ(key("\t \"8e03978e-40d5\" "), "8e03978e-40d5");
  EXPECT_EQ(key(R"("a \"b\" \\ c")"), R"(a "b" \ c)");
  EXPECT_EQ(key(std::string(256, 'x')), std::string(256, 'x'));
  for (const std::string bad :
       {"", "  ", "\"\"", "\"open", "\"a\"b", "\"a\\", "\"a\\b\"", "\"a\";p=1", "\xc3\xa4", "a\tb"})
    EXPECT_EQ(key(bad), "nothing") << bad;
  EXPECT_EQ(key(std::string(257, 'x')), "nothing");
}

TEST(HttpTask, CountsNestingFromTheBodyItself) {
  const auto nested = [](int levels) {
    return "{\"input\":" + std::string(static_cast<std::size_t>(levels), '[')
           + std::string(static_cast<std::size_t>(levels), ']') + "}";
  };
  EXPECT_TRUE(fault(nested(63)).empty());
  EXPECT_NE(fault(nested(64)).find("nested deeper than 64 levels"), std::string::npos);
  EXPECT_NE(fault(nested(1'000'000)).find("nested deeper"), std::string::npos);
  EXPECT_NE(fault(R"({"input":["]]]]"},1])", 3).find("not valid JSON"), std::string::npos);
}

TEST(HttpTask, WritesATaskThatIsJson) {
  task_view view;
  view.id = {0x0123456789abcdef, 0xfedcba9876543210};
  view.state = task_state::completed;
  view.specialist = "we\"ird";
  view.department = "D\xff";
  view.output = R"({"x":[1]})";
  view.attempts = 2;
  view.cold_start = true;
  view.queue_ms = 0.0125;
  view.start_ms = 350;
  view.run_ms = 1.5;
  view.total_ms = 351.512;
  std::string text;
  append_json(text, view);
  const auto read = json::parse(text);
  EXPECT_EQ(read["id"], "0123456789abcdeffedcba9876543210");
  EXPECT_EQ(read["id"], to_string(view.id));
  EXPECT_EQ(read["state"], "completed");
  EXPECT_EQ(read["specialist"], "we\"ird");
  EXPECT_EQ(read["output"]["x"][0], 1);
  EXPECT_EQ(read["attempts"], 2);
  EXPECT_EQ(read["cold_start"], true);
  EXPECT_EQ(read["timings"]["queue_ms"], 0.013);
  EXPECT_EQ(read["timings"]["start_ms"], 350);
  EXPECT_FALSE(read.contains("error"));
  EXPECT_FALSE(read.contains("accepted_at"));

  // A long output need not be in the view.
  view.output.clear();
  std::string apart;
  append_json(apart, view, R"({"x":[1]})");
  EXPECT_EQ(apart, text);

  view.state = task_state::failed;
  view.why = failure::worker_failed;
  view.output = "line\nbreak \xff";
  view.accepted_unix_ms = 1'763'694'605'123;
  text.clear();
  append_json(text, view);
  const auto failed = json::parse(text);
  EXPECT_FALSE(failed.contains("output"));
  EXPECT_EQ(failed["error"]["type"], "urn:greenroom:worker-failed");
  EXPECT_EQ(failed["accepted_at"], "2025-11-21T03:10:05.123Z");

  std::string headers;
  append_timing_headers(headers, view);
  EXPECT_EQ(headers,
            "Server-Timing: queue;dur=0.013, start;dur=350, run;dur=1.5\r\n"
            "X-Greenroom-Cold-Start: true\r\n");
}

TEST(HttpTask, WritesMillisecondsShort) {
  const auto text = [](double ms) {
    std::string to;
    append_ms(to, ms);
    return to;
  };
  EXPECT_EQ(text(0), "0");
  EXPECT_EQ(text(-1), "0");
  EXPECT_EQ(text(std::numeric_limits<double>::quiet_NaN()), "0");
  EXPECT_EQ(text(0.0004), "0");
  EXPECT_EQ(text(0.001), "0.001");
  EXPECT_EQ(text(0.05), "0.05");
  EXPECT_EQ(text(12.34), "12.34");
  EXPECT_EQ(text(100), "100");
  EXPECT_EQ(text(std::numeric_limits<double>::infinity()), "1000000000000000");
}

}  // namespace
}  // namespace greenroom::protocols
