// What a server offers: read from its answers, stored, and read again.
#include "protocols/mcp/offer.hpp"
#include "tests/unit/mcp/value_of.hpp"

#include <gtest/gtest.h>

#include <string>

namespace greenroom::protocols::mcp {
namespace {

mcp_offer full_offer() {
  mcp_offer offer;
  offer.era = base::mcp_era::modern;
  take_greeting(offer,
                R"({"protocolVersion":"2025-11-25","capabilities":{"tools":{},"completions":{}},)"
                R"("serverInfo":{"name":"s","version":"1"},"instructions":"Use it\nwell."})");
  EXPECT_TRUE(add_page(offer, mcp_list::tools,
                       R"({"tools":[{"name":"b","x":[1, 2]},{"name":"a","_meta":{"k":null}}]})"));
  EXPECT_TRUE(add_page(offer, mcp_list::prompts, R"({"prompts":[{"name":"p"}]})"));
  EXPECT_TRUE(add_page(offer, mcp_list::resources, R"({"resources":[{"uri":"t://a"}]})"));
  EXPECT_TRUE(
      add_page(offer, mcp_list::templates, R"({"resourceTemplates":[{"uriTemplate":"t://{x}"}]})"));
  return offer;
}

TEST(McpOffer, KeepsItemsAsTheyAreInTheOrderOfTheServer) {
  const auto offer = full_offer();
  ASSERT_EQ(offer[mcp_list::tools].size(), 2U);
  EXPECT_EQ(offer[mcp_list::tools][0], (mcp_item{"b", R"({"name":"b","x":[1, 2]})"}));
  EXPECT_EQ(offer[mcp_list::tools][1].json, R"({"name":"a","_meta":{"k":null}})");
  EXPECT_EQ(offer[mcp_list::resources][0].key, "t://a");
  EXPECT_EQ(offer[mcp_list::templates][0].key, "t://{x}");
  EXPECT_EQ(offer.version, "2025-11-25");
  EXPECT_EQ(offer.instructions, "Use it\nwell.");
  EXPECT_TRUE(has_capability(offer, "completions"));
  EXPECT_FALSE(has_capability(offer, "prompts"));
}

TEST(McpOffer, FollowsCursorsAndTakesAnEmptyOneForOne) {
  mcp_offer offer;
  const auto cursor = [&](std::string_view result) {
    return value_of(add_page(offer, mcp_list::tools, result)).cursor;
  };
  EXPECT_EQ(cursor(R"({"tools":[],"nextCursor":"a\"b"})"), R"("a\"b")");
  EXPECT_EQ(cursor(R"({"tools":[],"nextCursor":""})"), R"("")");
  EXPECT_EQ(cursor(R"({"tools":[],"nextCursor":null})"), "");
  EXPECT_EQ(cursor(R"({"tools":[]})"), "");
}

TEST(McpOffer, LeavesOutWhatIsNoItemOrThereAlready) {
  mcp_offer offer;
  const auto page = add_page(
      offer, mcp_list::tools,
      R"({"tools":[{"name":"a"},{"name":"a","again":1},{"title":"x"},{"name":""},{"name":7},3]})");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->taken, 1U);
  EXPECT_EQ(page->left_out, 5U);
  const auto next =
      value_of(add_page(offer, mcp_list::tools, R"({"tools":[{"name":"a"},{"name":"b"}]})"));
  EXPECT_EQ(next.taken, 1U);
  EXPECT_EQ(offer[mcp_list::tools].size(), 2U);
}

TEST(McpOffer, SaysWhenAnAnswerHasNoList) {
  mcp_offer offer;
  for (const std::string bad : {"{}", "[]", "null", R"({"tools":{}})", R"({"prompts":[]})"}) {
    const auto page = add_page(offer, mcp_list::tools, bad);
    ASSERT_FALSE(page) << bad;
    EXPECT_EQ(page.error().code, "no-list");
  }
}

TEST(McpOffer, HasItsBounds) {
  offer_limits limits;
  limits.items = 2;
  limits.item_bytes = 13;
  limits.bytes = 26;
  mcp_offer offer;
  const auto left_out = [&](std::string_view result) {
    return value_of(add_page(offer, mcp_list::tools, result, limits)).left_out;
  };
  EXPECT_EQ(left_out(R"({"tools":[{"name":"ab"},{"name":"abc"}]})"), 1U);
  EXPECT_EQ(left_out(R"({"tools":[{"name":"b"},{"name":"c"}]})"), 1U);
  offer = {};
  limits.bytes = 25;
  EXPECT_EQ(left_out(R"({"tools":[{"name":"ab"},{"name":"cd"}]})"), 1U);
  limits.instruction_bytes = 3;
  take_greeting(offer, "{\"instructions\":\"a\xc3\xb6\xc3\xb6\"}", limits);
  EXPECT_EQ(offer.instructions, "a\xc3\xb6");
}

TEST(McpOffer, FindsTheServersNameInBothEras) {
  mcp_offer offer;
  take_greeting(offer, R"({"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"m"}}})");
  EXPECT_EQ(offer.server_info, R"({"name":"m"})");
  EXPECT_EQ(offer.version, "");
}

TEST(McpOffer, ComesBackFromItsStoredForm) {
  const auto offer = full_offer();
  const auto text = to_stored(offer, 77);
  EXPECT_EQ(value_of(from_stored(text, 77)), offer);
  EXPECT_EQ(value_of(from_stored(to_stored({}, 1), 1)), mcp_offer{});
}

TEST(McpOffer, IsNotTakenFromAnotherConfigurationOrFromDamagedText) {
  const auto text = to_stored(full_offer(), 77);
  const auto other = from_stored(text, 78);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, "other-configuration");
  for (std::size_t i = 0; i + 1 < text.size(); i += 7) {
    auto bad = text;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_FALSE(from_stored(bad, 77)) << i;
    EXPECT_FALSE(from_stored(text.substr(0, i), 77)) << i;
  }
  EXPECT_FALSE(from_stored("", 77));
  offer_limits limits;
  limits.items = 1;
  EXPECT_FALSE(from_stored(text, 77, limits));
}

TEST(McpOffer, HasAFingerprintThatTellsNamesFromValues) {
  using parts = std::vector<std::pair<std::string_view, std::string_view>>;
  const auto of = [](const parts& all) { return fingerprint_of(all); };
  EXPECT_EQ(of({{"command", "a"}}), of({{"command", "a"}}));
  EXPECT_NE(of({{"ab", "c"}}), of({{"a", "bc"}}));
  EXPECT_NE(of({{"a", "b"}, {"c", "d"}}), of({{"c", "d"}, {"a", "b"}}));
  EXPECT_NE(of({}), of({{"", ""}}));
}

}  // namespace
}  // namespace greenroom::protocols::mcp
