// The scanner looks at many letters at a time; what it finds must not depend on where they stand.
#include "protocols/json_text.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace greenroom::protocols {
namespace {

TEST(JsonStringScan, FindsTheSameWhereverALetterStands) {
  using namespace std::string_view_literals;
  constexpr std::string_view pieces[] = {
      "\x1f"sv, "\""sv,       "\\"sv,       "\\n"sv, "\\\""sv, "\\u0041"sv, "\x7f"sv, " "sv,
      "\x80"sv, "\xc3\xa9"sv, "\xe2\x82"sv, "\0"sv,  "\xff"sv, "\\ud800"sv, "a"sv};
  for (std::size_t length = 0; length <= 40; ++length)
    for (std::size_t at = 0; at <= length; ++at)
      for (const auto piece : pieces) {
        std::string text(length, 'x');
        text.insert(at, piece);
        const auto value = '"' + text + '"';
        EXPECT_EQ(is_json(value), nlohmann::json::accept(value))
            << "length " << length << " at " << at << ": " << value;
      }
}

}  // namespace
}  // namespace greenroom::protocols
