// Durations and sizes: what is written is what is meant, or nothing.
#include "config/loader.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace greenroom::config {
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
                            "1m30s",
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
    EXPECT_GE(parsed->count(), 0) << text;
    const auto unit = text.find_first_not_of("0123456789.");
    ASSERT_NE(unit, std::string::npos) << text;
    const auto suffix = text.substr(unit);
    const double factor = suffix == "ms" ? 1 : suffix == "s" ? 1e3 : suffix == "m" ? 6e4 : 3.6e6;
    EXPECT_TRUE(suffix == "ms" || suffix == "s" || suffix == "m" || suffix == "h") << text;
    EXPECT_NEAR(static_cast<double>(parsed->count()), std::stod(text) * factor, 0.5) << text;
  }
}

TEST(Duration, IsWrittenShort) {
  EXPECT_EQ(format_duration(milliseconds{0}), "0s");
  EXPECT_EQ(format_duration(milliseconds{1'500}), "1500ms");
  EXPECT_EQ(format_duration(milliseconds{120'000}), "2m");
  EXPECT_EQ(format_duration(milliseconds{90'000}), "90s");
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
}  // namespace greenroom::config
