#include "runtime/rollout/shadow_comparison.hpp"
#include "protocols/base/json_text.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <array>
#include <random>

#include "runtime/rollout/json_fields.hpp"

using namespace greenroom::runtime::rollout;

namespace {

shadow_reply said(std::string output, double took_ms = 10) {
  return {reply_kind::answered, std::move(output), took_ms};
}

shadow_task task(std::string base, std::string here, std::optional<std::string> again = {}) {
  shadow_task out;
  out.specialist = "api-architect";
  out.baseline = said(std::move(base));
  out.intelligent = said(std::move(here), 15);
  if (again) out.again = said(std::move(*again));
  return out;
}

}  // namespace

TEST(JsonFields, FlattensEveryLeafInOrder) {
  const auto found =
      json_fields(R"( {"b":[1.0,{"c":"x\u00e9\ud83d\ude00"}],"a":{},"d":[],"e":null} )");
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 5u);
  EXPECT_EQ((*found)[0].path, "a");
  EXPECT_EQ((*found)[0].value, "{}");
  EXPECT_EQ((*found)[1].path, "b[0]");
  EXPECT_EQ((*found)[1].value, "1");
  EXPECT_EQ((*found)[2].path, "b[1].c");
  EXPECT_EQ((*found)[2].value, "\"x\u00e9\U0001F600\"");
  EXPECT_EQ((*found)[4].value, "null");
}

TEST(JsonFields, RefusesWhatIsNotOneWholeJsonValue) {
  for (const char* text :
       {"",         "{",     "{\"a\":}", "[1,]", "[1 2]",      "01",      "1.",      ".5",
        "+1",       "1e",    "inf",      "nan",  "tru",        "\"open",  "\"\\x\"", "\"\\u12\"",
        "\"a\nb\"", "{a:1}", "[1]x",     "-",    "{\"a\":1,}", "\"\xff\""}) {
    EXPECT_FALSE(json_fields(text)) << text;
  }
  for (const char* text : {"0", "-0.5e+3", "true", "\"\"", "[]", "{}", " [ ] ", "\"\\/\\b\""}) {
    EXPECT_TRUE(json_fields(text)) << text;
  }
}

TEST(JsonFields, StopsAtItsBounds) {
  EXPECT_TRUE(json_fields(std::string(64, '[') + std::string(64, ']')));
  EXPECT_FALSE(json_fields(std::string(66, '[') + std::string(66, ']')));
  EXPECT_FALSE(json_fields(std::string(100000, '[')));
  EXPECT_TRUE(json_fields("[1,2,3]", 3));
  EXPECT_FALSE(json_fields("[1,2,3]", 2));
}

TEST(JsonFields, TakesTheLastOfEqualKeys) {
  const auto found = json_fields(R"({"a":{"b":1,"c":2},"ab":7,"a":{"b":3}})");
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0].value, "3");
}

// Whole values with a few bytes changed, so that about as many are JSON as are not. Only ASCII, and
// no surrogates: of bytes and escapes that are no Unicode the two think differently.
TEST(JsonFields, TakesExactlyWhatAnotherParserTakes) {
  const std::string alphabet = "{}[]\",:\\u0123456789abcdefntrul.eE+- ";
  const std::array<std::string, 4> whole{
      R"({"a":[1,-2.5e+3,{"b":"\u00e4\n"}],"c":{}})", R"([true,false,null,"x\"y",[[]],0])",
      R"({"a":{"a":{"a":1}},"b.c":"d","e":-0.5})", R"("\u20ac and more")"};
  std::size_t taken = 0, refused = 0;
  for (std::uint64_t seed = 1; seed <= 6000; ++seed) {
    std::mt19937_64 engine{seed};
    auto text = whole[engine() % whole.size()];
    for (auto i = engine() % 4; i > 0; --i) {
      const auto at = engine() % text.size();
      if (engine() % 2 == 0)
        text.erase(at, 1);
      else
        text.insert(at, 1, alphabet[engine() % alphabet.size()]);
    }
    if (text.find("\\ud") != std::string::npos) continue;
    const bool is_json = nlohmann::json::accept(text);
    ++(is_json ? taken : refused);
    ASSERT_EQ(json_fields(text).has_value(), is_json) << text;
  }
  EXPECT_GT(taken, 1500u);
  EXPECT_GT(refused, 1500u);
}

TEST(JsonFields, WritesWhatItReadsAsJsonWhateverTheBytes) {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    std::mt19937_64 engine{seed};
    std::string bytes;
    for (auto i = engine() % 40; i > 0; --i) bytes += static_cast<char>(engine() % 256);
    // The bytes themselves are hardly ever JSON; in quotes and with escapes they always are.
    static_cast<void>(json_fields(bytes));
    const auto found = json_fields(greenroom::base::json_string(bytes));
    ASSERT_TRUE(found) << seed;
    ASSERT_EQ(found->size(), 1u) << seed;
    ASSERT_TRUE(nlohmann::json::accept(greenroom::base::json_string(bytes))) << seed;
  }
}

TEST(JsonFields, ReadsStringsBackThatWereWritten) {
  const std::string odd = "quote\" back\\ line\n tab\t nul\x01 \u00e9 \U0001F600";
  const auto back = json_fields(greenroom::base::json_string(odd));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->at(0).value, '"' + odd + '"');
}

TEST(ShadowComparison, ComparesJsonByMeaningAndTextByBytes) {
  EXPECT_TRUE(compare_outputs(R"({"a":1,"b":2})", R"({ "b": 2.0, "a": 1 })").empty());
  EXPECT_EQ(compare_outputs("hello", "hello ").size(), 1u);
  const auto found =
      compare_outputs(R"({"i":[{"x":1},{"x":2}],"only":1})", R"({"i":[{"x":3},{"x":4}],"new":1})");
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].field, "i[].x") << "a list is one field";
  EXPECT_EQ(found[1].field, "new");
  EXPECT_EQ(found[1].left, "(absent)");
  EXPECT_EQ(found[2].field, "only");
}

TEST(ShadowComparison, DoesNotHoldTheBaselinesNoiseAgainstTheOtherPool) {
  shadow_comparison compared;
  for (int i = 0; i < 200; ++i) {
    const auto id = [i](int side) {
      return R"({"answer":42,"id":)" + std::to_string(10 * i + side) + "}";
    };
    ASSERT_TRUE(compared.admit(false));
    compared.record(task(id(1), id(2), i % 4 == 0 ? std::optional{id(3)} : std::nullopt));
  }
  const auto found = compared.differences();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].field, "id");
  EXPECT_EQ(found[0].differing, 200u);
  EXPECT_EQ(found[0].noise_differing, 50u);
  EXPECT_FALSE(found[0].certain);
  EXPECT_EQ(compared.commands_differing(), 0u);
  EXPECT_EQ(compared.commands_compared(), 200u);
}

TEST(ShadowComparison, FindsADifferenceThatHidesBehindANoisyField) {
  shadow_comparison compared;
  for (int i = 0; i < 200; ++i) {
    const auto out = [i](int side, int answer) {
      return R"({"answer":)" + std::to_string(answer) + R"(,"id":)" + std::to_string(10 * i + side)
             + "}";
    };
    ASSERT_TRUE(compared.admit(false));
    compared.record(task(out(1, 42), out(2, i < 3 ? 41 : 42), out(3, 42)));
  }
  const auto found = compared.differences();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].field, "answer");
  EXPECT_TRUE(found[0].certain) << "three of two hundred, of a field without any noise";
  EXPECT_FALSE(found[1].certain);
  EXPECT_EQ(compared.commands_differing(), 3u);
  ASSERT_EQ(compared.examples().size(), 6u) << "three of each field";
  EXPECT_EQ(compared.examples()[0].field, "answer");
  EXPECT_EQ(compared.examples()[0].baseline, "42");
  EXPECT_EQ(compared.examples()[0].intelligent, "41");
}

TEST(ShadowComparison, TakesALittleMoreThanTheNoiseForNoise) {
  shadow_comparison compared;
  for (int i = 0; i < 6000; ++i) {
    compared.admit(false);
    compared.record(task("1", i % 60 < 34 ? "2" : "1", i % 60 < 30 ? "3" : "1"));
  }
  ASSERT_EQ(compared.differences().size(), 1u);
  EXPECT_FALSE(compared.differences()[0].certain) << "57 % where the baseline has 50 %";
}

TEST(ShadowComparison, IsNotCertainBeforeTheNoiseIsKnown) {
  shadow_comparison compared;
  compared.admit(false);
  compared.record(task("a", "b"));
  EXPECT_FALSE(compared.differences().at(0).certain);
  EXPECT_TRUE(compared.wants_noise("api-architect", 1));
}

TEST(ShadowComparison, CountsARefusalByOneSideAndNoFailures) {
  shadow_comparison compared;
  auto refused = task("ok", "");
  refused.intelligent.kind = reply_kind::refused;
  auto failed = task("ok", "");
  failed.intelligent.kind = reply_kind::failed;
  compared.admit(false);
  compared.admit(false);
  compared.record(refused);
  compared.record(failed);
  const auto all = compared.summary();
  EXPECT_EQ(all.refused_by_one, 1u);
  EXPECT_EQ(all.really_differing, 1u);
  EXPECT_EQ(all.compared, 1u);
  EXPECT_EQ(all.intelligent.errors, 1u);
  EXPECT_DOUBLE_EQ(all.error_difference.value(), 0.5);
}

TEST(ShadowComparison, BoundsItsMirrorsAndCountsEveryDropByItsReason) {
  shadow_settings settings;
  settings.copies_max = 2;
  shadow_comparison compared{settings};
  EXPECT_TRUE(compared.admit(false));
  EXPECT_TRUE(compared.admit(false));
  EXPECT_FALSE(compared.admit(false));
  EXPECT_FALSE(compared.admit(true));
  EXPECT_EQ(compared.dropped(shadow_drop::queue_full), 1u);
  EXPECT_EQ(compared.dropped(shadow_drop::unsafe), 1u);
  compared.drop(shadow_drop::intelligent_busy);
  EXPECT_EQ(compared.in_flight(), 1u);
  EXPECT_TRUE(compared.admit(false));
  EXPECT_EQ(compared.summary().dropped, 3u);
}

TEST(ShadowComparison, StaysWithinItsBoundsWhateverTheOutputs) {
  shadow_settings settings;
  settings.fields_max = 8;
  settings.examples_max = 4;
  settings.specialists_max = 3;
  settings.example_bytes = 10;
  shadow_comparison compared{settings};
  for (int i = 0; i < 300; ++i) {
    auto each = task("{\"k" + std::to_string(i) + "\":\"" + std::string(50, 'a') + "\"}", "{}");
    each.specialist = "s" + std::to_string(i % 10);
    compared.admit(false);
    compared.record(each);
  }
  EXPECT_LE(compared.differences().size(), 3u * 9);
  EXPECT_EQ(compared.examples().size(), 4u);
  for (const auto& each : compared.examples()) EXPECT_LE(each.baseline.size(), 13u);
}

TEST(ShadowComparison, AsksForNoiseOfTheFirstTasksAndThenOfAShare) {
  shadow_comparison compared;
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(compared.wants_noise("api-architect", 12345));
    compared.admit(false);
    compared.record(task("1", "1", "1"));
  }
  int wanted = 0;
  for (std::uint64_t key = 0; key < 10000; ++key) {
    wanted += compared.wants_noise("api-architect", key);
  }
  EXPECT_NEAR(wanted, 1000, 150);
}

namespace {

/// Answers of a worker that says who it is: `life` is the baseline's process.
shadow_task from_process(int number, std::uint64_t life, const std::string& base_pid,
                         const std::string& here_pid, const std::string& version = "1") {
  const auto text = [number](const std::string& pid, const std::string& with) {
    return R"({"sum":)" + std::to_string(number) + R"(,"version":)" + with + R"(,"server":{"pid":)"
           + pid + "}}";
  };
  auto out = task(text(base_pid, "1"), text(here_pid, version), text(base_pid, "1"));
  out.baseline_life = life;
  return out;
}

}  // namespace

TEST(ShadowComparison, FindsFieldsThatNameTheProcessWhenItIsStartedAgain) {
  shadow_comparison all;
  for (int i = 0; i < 30; ++i) all.record(from_process(i, 1, "4711", "815"));
  EXPECT_EQ(all.commands_differing(), 30u) << "both answers of the baseline were of one process";
  EXPECT_EQ(all.instance_suspects(), std::vector<std::string>{"api-architect"});
  for (int i = 0; i < 5; ++i) all.record(from_process(i, 2, "4800", "815"));
  EXPECT_EQ(all.commands_differing(), 0u);
  EXPECT_TRUE(all.instance_suspects().empty());
  EXPECT_TRUE(all.differences().front().names_instance);
}

TEST(ShadowComparison, LearnsNothingOfInstancesFromATaskOfAnUnknownProcess) {
  shadow_comparison all;
  for (int i = 0; i < 30; ++i) all.record(from_process(i, 1, "4711", "815"));
  // It came before the worker was replaced, and may have been answered after.
  all.record(from_process(30, shadow_task::unknown_life, "4800", "815"));
  EXPECT_EQ(all.instance_suspects().size(), 1u);
  for (int i = 0; i < 5; ++i) all.record(from_process(i, 2, "4800", "815"));
  EXPECT_TRUE(all.differences().front().names_instance);
  EXPECT_EQ(all.commands_differing(), 0u);
}

TEST(ShadowComparison, AsksForAnotherStartWhenALifeWasTooShortToKnow) {
  shadow_comparison all;
  for (int i = 0; i < 4; ++i) all.record(from_process(i, 1, "4711", "815"));
  for (int i = 0; i < 30; ++i) all.record(from_process(i, 2, "4800", "815"));
  EXPECT_EQ(all.instance_suspects().size(), 1u);
  all.record(from_process(30, 3, "4900", "815"));
  EXPECT_TRUE(all.differences().front().names_instance);
}

TEST(ShadowComparison, KeepsADifferenceThatStaysWhenTheProcessIsAnother) {
  shadow_comparison all;
  for (int i = 0; i < 30; ++i) all.record(from_process(i, 1, "7", "7", "2"));
  EXPECT_EQ(all.instance_suspects().size(), 1u);
  for (int i = 0; i < 30; ++i) all.record(from_process(i, 2, "7", "7", "2"));
  EXPECT_EQ(all.commands_differing(), 60u);
  EXPECT_TRUE(all.instance_suspects().empty()) << "it was tried";
}

TEST(ShadowComparison, IgnoresTheFieldsThatItIsToldToIgnore) {
  shadow_comparison all;
  all.ignore({"server.pid"});
  for (int i = 0; i < 30; ++i) all.record(from_process(i, 1, "4711", "815"));
  EXPECT_EQ(all.commands_differing(), 0u);
  EXPECT_TRUE(all.differences().empty());
  EXPECT_TRUE(ignored_field("server", "server.pid"));
  EXPECT_TRUE(ignored_field("items[].id", "items[].id"));
  EXPECT_TRUE(ignored_field("items[*].id", "items[].id"));
  EXPECT_TRUE(ignored_field("items", "items[].id.deep"));
  EXPECT_TRUE(ignored_field("*.pid", "server.pid"));
  EXPECT_TRUE(ignored_field("**.pid", "a[].b.pid"));
  EXPECT_TRUE(ignored_field("**.pid", "pid"));
  EXPECT_FALSE(ignored_field("server.pid", "server"));
  EXPECT_FALSE(ignored_field("server.pid", "server.pids"));
  EXPECT_FALSE(ignored_field("*.pid", "a.b.pid"));
  EXPECT_FALSE(ignored_field("items.id", "items[].id"));
}

// Tools of MCP answer in a text that is itself JSON.
TEST(ShadowComparison, LooksIntoJsonThatIsWrittenAsText) {
  const auto found =
      compare_outputs(R"({"content":[{"type":"text","text":"{\"pid\":1,\"sum\":5}"}]})",
                      R"({"content":[{"type":"text","text":"{\"pid\":2,\"sum\":5}"}]})");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].field, "content[].text.pid");
}
