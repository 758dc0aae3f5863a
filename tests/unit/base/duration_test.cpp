// Durations and sizes: what is written is what is meant, or nothing.
#include "protocols/base/duration.hpp"

#include <gtest/gtest.h>

#include <random>
#include <regex>
#include <string>

namespace greenroom::base {
namespace {

using std::chrono::milliseconds;

TEST(Duration, HasAUnit) {
  EXPECT_EQ(parse_duration("250ms"), milliseconds{250});
  EXPECT_EQ(parse_duration("30s"), milliseconds{30'000});
  EXPECT_EQ(parse_duration("5m"), milliseconds{300'000});
  EXPECT_EQ(parse_duration("24h"), milliseconds{86'400'000});
  EXPECT_EQ(parse_duration("0s"), milliseconds{0});
  EXPECT_EQ(parse_duration("1.5s"), milliseconds{1'500});
  EXPECT_EQ(parse_duration("0.25h"), milliseconds{900'000});
  EXPECT_EQ(parse_duration("0030s"), milliseconds{30'000});
}

TEST(Duration, IsNothingElse) {
  for (const char* wrong : {"",
                            "30",
                            "s",
                            "-5s",
                            "+5s",
                            " 5s",
                            "5s ",
                            "5 s",
                            "5S",
                            "5sec",
                            "5d",
                            ".5s",
                            "5.s",
                            "1e3s",
                            "0x10s",
                            "1.2345s",
                            "0.5ms",
                            "1..5s",
                            "99999999999999999999h",
                            "999999999999h",
                            "5\xc2\xb5s",
                            "NaNs",
                            "infs"}) {
    EXPECT_FALSE(parse_duration(wrong).has_value()) << wrong;
  }
}

TEST(Duration, MayHaveSeveralUnitsThatGetSmaller) {
  EXPECT_EQ(parse_duration("1h30m"), milliseconds{5'400'000});
  EXPECT_EQ(parse_duration("1m30s"), milliseconds{90'000});
  EXPECT_EQ(parse_duration("1h2m3s4ms"), milliseconds{3'723'004});
  EXPECT_EQ(parse_duration("1m0.5s"), milliseconds{60'500});
  EXPECT_EQ(parse_duration("0"), milliseconds{0});
  for (const char* wrong : {"30m1h", "1m1m", "1h30", "1.5h30m", "1h 30m", "1h-30m", "h30m", "00"})
    EXPECT_FALSE(parse_duration(wrong).has_value()) << wrong;
}

TEST(Duration, KnowsWhatIsOnlyTooLong) {
  EXPECT_TRUE(is_too_long("99999999999999999999h"));
  EXPECT_TRUE(is_too_long("87840h1ms"));
  for (const char* wrong : {"", "h", "5d", "five", "1h30", "-1h"}) EXPECT_FALSE(is_too_long(wrong));
}

TEST(Duration, HasALongest) {
  EXPECT_TRUE(parse_duration("87840h").has_value());
  EXPECT_FALSE(parse_duration("87841h").has_value());
  EXPECT_FALSE(parse_duration("316224000001ms").has_value());
}

TEST(Duration, IsTheSameAfterBeingWrittenAndReadAgain) {
  std::mt19937_64 seeded{20};
  for (int round = 0; round < 20'000; ++round) {
    const auto bits = std::uniform_int_distribution<int>{0, 38}(seeded);
    const auto limit = std::int64_t{1} << bits;
    const milliseconds any{std::uniform_int_distribution<std::int64_t>{0, limit}(seeded)};
    EXPECT_EQ(parse_duration(format_duration(any)), any) << any.count();
  }
}

TEST(Duration, NeverMistakesRandomText) {
  // An oracle of its own: digits, then a unit, and nothing else.
  std::mt19937_64 seeded{21};
  const std::string letters = "0123456789.smh -";
  for (int round = 0; round < 50'000; ++round) {
    std::string text;
    const auto length = std::uniform_int_distribution<int>{0, 6}(seeded);
    for (int at = 0; at < length; ++at) {
      text += letters[std::uniform_int_distribution<std::size_t>{0, letters.size() - 1}(seeded)];
    }
    const auto parsed = parse_duration(text);
    if (!parsed) continue;
    if (text == "0") continue;
    std::smatch parts;
    static const std::regex shape{
        R"((?:([0-9.]+)h)?(?:([0-9.]+)m(?!s))?(?:([0-9.]+)s)?(?:([0-9.]+)ms)?)"};
    ASSERT_TRUE(std::regex_match(text, parts, shape)) << text;
    double sum_ms = 0;
    const double factors[] = {3.6e6, 6e4, 1e3, 1};
    for (std::size_t at = 0; at < 4; ++at)
      if (parts[at + 1].matched) sum_ms += std::stod(parts[at + 1].str()) * factors[at];
    EXPECT_NEAR(static_cast<double>(parsed->count()), sum_ms, 0.5) << text;
  }
}

TEST(Duration, IsWrittenShort) {
  EXPECT_EQ(format_duration(milliseconds{0}), "0s");
  EXPECT_EQ(format_duration(milliseconds{1'500}), "1500ms");
  EXPECT_EQ(format_duration(milliseconds{120'000}), "2m");
  EXPECT_EQ(format_duration(milliseconds{90'000}), "90s");
}

TEST(Seconds, OfAModelMayAlsoBeDaysAndFractionsAndAPlainNumber) {
  EXPECT_EQ(parse_seconds("1h30m"), 5400);
  EXPECT_EQ(parse_seconds("1d0.5h"), 88'200);
  EXPECT_EQ(parse_seconds("22"), 22);
  EXPECT_EQ(parse_seconds("1e3s"), 1000);
  EXPECT_EQ(parse_seconds("5ms"), 0.005);
  for (const char* const text :
       {"", "30m1h", "1h30", "1m1m", "-1", "-1s", "nan", "inf", "infs", "1e999", "5 s", "5S", "s"})
    EXPECT_FALSE(parse_seconds(text).has_value()) << text;
}

TEST(Size, HasABinaryOrADecimalUnit) {
  EXPECT_EQ(parse_size("512"), 512u);
  EXPECT_EQ(parse_size("16MiB"), std::uint64_t{16} << 20);
  EXPECT_EQ(parse_size("1.5KiB"), 1'536u);
  EXPECT_EQ(parse_size("2MB"), 2'000'000u);
  for (const char* wrong : {"", "MiB", "16 MiB", "16M", "-1", "0.5B", "9999999999999GiB"}) {
    EXPECT_FALSE(parse_size(wrong).has_value()) << wrong;
  }
  for (const std::uint64_t bytes : {0ull, 1ull, 1'023ull, 1'024ull, 1ull << 30, 1'500'000ull}) {
    EXPECT_EQ(parse_size(format_size(bytes)), bytes);
  }
}

}  // namespace
}  // namespace greenroom::base
