// The JSON text reader, compared with another parser.
#include "protocols/base/json_text.hpp"
#include "protocols/msgpack_json.hpp"
#include "protocols/worker_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <functional>
#include <string>
#include <vector>

namespace greenroom::protocols {
namespace {

TEST(JsonText, AgreesWithAnotherParser) {
  for (const auto* const text : {"",
                                 " ",
                                 "1",
                                 "-",
                                 "-0",
                                 "01",
                                 "1.",
                                 ".5",
                                 "1e",
                                 "1e+",
                                 "1E-5",
                                 "tru",
                                 "true ",
                                 "nul",
                                 "\"",
                                 "\"\\\"",
                                 "\"\\x\"",
                                 "\"\\u12\"",
                                 "\"\\ud800\"",
                                 "\"\\ud800\\udc00\"",
                                 "\"\\udc00\"",
                                 "\"a\tb\"",
                                 "\"\x80\"",
                                 "\"\xc3\xa4\"",
                                 "\"\xc0\x80\"",
                                 "\"\xed\xa0\x80\"",
                                 "\"\xf4\x90\x80\x80\"",
                                 "\"\xf0\x9f\x98\x80\"",
                                 "[",
                                 "[]",
                                 "[1,]",
                                 "[,1]",
                                 "[1 2]",
                                 "{",
                                 "{}",
                                 "{\"a\"}",
                                 "{\"a\":}",
                                 "{\"a\":1,}",
                                 "{a:1}",
                                 "{\"a\":1 \"b\":2}",
                                 "[1] x",
                                 "\"abcdefgh\\nabcdefghabcdefg\x01\"",
                                 "\"0123456789012345678901234567890\""})
    EXPECT_EQ(base::is_json(text), nlohmann::json::accept(text)) << text;
}

TEST(JsonText, PutsAReplacementWhereAPairIsCutInHalf) {
  const auto made = [](std::string text) {
    EXPECT_TRUE(base::make_json(text)) << text;
    EXPECT_TRUE(nlohmann::json::accept(text)) << text;
    return text;
  };
  EXPECT_EQ(made(R"("\ud83d")"), R"("\ufffd")");
  EXPECT_EQ(made(R"("\uDE00x\ud83d\u0041\ud83d\ude00\\ud83d")"),
            R"("\ufffdx\ufffd\u0041\ud83d\ude00\\ud83d")");
  EXPECT_EQ(made(R"({"\ud83d\ud83d\ude00":"\ud83d\n"})"), R"({"\ufffd\ud83d\ude00":"\ufffd\n"})");
  std::string broken = R"("\ud83d\u12")";
  EXPECT_FALSE(base::make_json(broken));
  std::string room;
  EXPECT_EQ(base::unescape(R"(a\ud83d)", room), "a\xef\xbf\xbd");
  EXPECT_EQ(base::unescape(R"(\ude00\ud83dz)", room), "\xef\xbf\xbd\xef\xbf\xbdz");
}

TEST(JsonText, KnowsNumbersBeyondADouble) {
  for (const auto* const fits :
       {"0", "1e308", "1.7976931348623157e308", "1e-999", "-12345678901234567890"})
    EXPECT_FALSE(base::beyond_double(fits)) << fits;
  for (const auto* const not_finite : {"1e999", "-1e309", "1.8E308"})
    EXPECT_TRUE(base::beyond_double(not_finite)) << not_finite;
  EXPECT_TRUE(base::beyond_double(std::string(310, '9')));
}

TEST(QuotedBytes, ShowWhatWasPrintedWithoutDoingIt) {
  EXPECT_EQ(quoted_bytes("ä\x1b[2J\n\xff\xc2\x9b"), "«ä\\x1b[2J\\x0a\\xff\\xc2\\x9b»");
  EXPECT_EQ(quoted_bytes(std::string(99, 'x') + "ä", 100), "«" + std::string(99, 'x') + "…»");
  EXPECT_EQ(hex_bytes("hi", 1), "68 …");
}

TEST(JsonText, RefusesToGoTooDeep) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(base::is_json(nested(base::json_depth_max)));
  EXPECT_FALSE(base::is_json(nested(base::json_depth_max + 1)));
  EXPECT_FALSE(base::is_json(std::string(10'000'000, '[')));
  std::string packed;
  EXPECT_FALSE(append_json(packed, std::string(1000, '\x91') + "\x01"));
}

TEST(JsonText, ReadsEscapesAndWritesThem) {
  std::string room, out;
  const auto text = base::decode_string(R"("\u00e4\ud83d\ude00\/\\\"\b\f\n\r\tx")", room);
  ASSERT_TRUE(text);
  EXPECT_FALSE(base::decode_string("1", room));
  EXPECT_EQ(*text, "ä😀/\\\"\b\f\n\r\tx");
  EXPECT_TRUE(base::append_json_string(out, *text));
  EXPECT_EQ(out, R"("ä😀/\\\"\b\f\n\r\tx")");
  EXPECT_FALSE(base::append_json_string(out, "\xff"));
  EXPECT_EQ(base::json_string("a\xff\x01"), "\"a\xef\xbf\xbd\\u0001\"");
}

}  // namespace
}  // namespace greenroom::protocols
