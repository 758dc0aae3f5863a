// What the node gives clients to bring back: cursors, states of interrupted calls, event ids.
#include "protocols/base/base64.hpp"
#include "protocols/base/hash.hpp"
#include "protocols/base/hex.hpp"
#include "protocols/mcp/cursor.hpp"
#include "protocols/mcp/events.hpp"
#include "protocols/mcp/input_state.hpp"
#include "tests/unit/mcp/value_of.hpp"

#include <gtest/gtest.h>

#include <string>

namespace greenroom::protocols::mcp {
namespace {

using base::mcp_list;

std::string with_cursor(const std::string& cursor) { return R"({"cursor":")" + cursor + R"("})"; }

TEST(McpCursor, LeadsBackToItsPosition) {
  const list_position there{mcp_list::resources, 0xfeedbeefdeadULL, "a server/ö", 4095};
  const auto found = position_in(with_cursor(to_cursor(there)), there.list, there.scope);
  EXPECT_EQ(value_of(found), there);
  EXPECT_EQ(
      to_cursor(there).find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                         "0123456789-_"),
      std::string::npos);
}

TEST(McpCursor, MayBeAbsentOrEmpty) {
  const list_position first{mcp_list::tools, 7, "", 0};
  for (const std::string params : {"", "{}", R"({"cursor":""})"}) {
    const auto found = position_in(params, mcp_list::tools, 7);
    EXPECT_EQ(value_of(found), first) << params;
  }
}

TEST(McpCursor, IsGoodForOneListOfOneEndpointOnly) {
  const auto text = with_cursor(to_cursor({mcp_list::tools, 7, "x", 1}));
  EXPECT_TRUE(position_in(text, mcp_list::tools, 7));
  EXPECT_FALSE(position_in(text, mcp_list::prompts, 7));
  EXPECT_FALSE(position_in(text, mcp_list::tools, 8));
}

TEST(McpCursor, IsRefusedWhenAnyLetterOfItChanges) {
  const auto good = to_cursor({mcp_list::tools, 7, "x", 1});
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto bad = good;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(position_in(with_cursor(bad), mcp_list::tools, 7)) << bad;
  }
  for (const std::string params : {R"({"cursor":7})", R"({"cursor":null})", R"({"cursor":"x"})"}) {
    const auto found = position_in(params, mcp_list::tools, 7);
    ASSERT_FALSE(found) << params;
    EXPECT_EQ(found.error().code, error_code::invalid_params);
    EXPECT_EQ(found.error().status, 200);
  }
  EXPECT_FALSE(position_in(with_cursor(std::string(2000, 'A')), mcp_list::tools, 7));
}

/// Signs with a key that is a number: good enough for tests.
class number_signer final : public state_signer {
public:
  explicit number_signer(std::uint64_t key) : key_{key} {}
  [[nodiscard]] std::string sign(std::string_view text) const override {
    const auto hash = base::mixed(key_, base::stable_hash(text));
    return base::to_hex(hash);
  }

private:
  std::uint64_t key_;
};

const input_state waits{"alice", 42, 1000, "call-7", "inner \"state\""};
constexpr state_check right{"alice", 42, 999};

TEST(McpInputState, ComesBackWhole) {
  const number_signer signer{1};
  EXPECT_EQ(value_of(opened(value_of(sealed(waits, signer)), right, signer)), waits);
}

TEST(McpInputState, IsNotWrittenLongerThanItIsRead) {
  const number_signer signer{1};
  const auto sealed_with = [&](std::size_t inner_bytes) {
    auto state = waits;
    state.inner = std::string(inner_bytes, 'x');
    return sealed(state, signer);
  };
  // Base64 makes four letters of three bytes.
  std::size_t most = state_bytes_max / 4 * 3;
  while (!sealed_with(most)) --most;
  const auto text = value_of(sealed_with(most));
  EXPECT_LE(text.size(), state_bytes_max);
  EXPECT_GT(text.size(), state_bytes_max - 4);
  EXPECT_EQ(value_of(opened(text, right, signer)).inner.size(), most);
  const auto refused = sealed_with(most + 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, error_code::internal_error);
  EXPECT_EQ(refused.error().status, 200);
  EXPECT_NE(refused.error().message.find(std::to_string(state_bytes_max)), std::string::npos);
}

TEST(McpInputState, IsTakenFromItsOwnerForItsRequestBeforeItExpires) {
  const number_signer signer{1};
  const auto text = value_of(sealed(waits, signer));
  EXPECT_TRUE(opened(text, {"alice", 42, 999}, signer));
  EXPECT_FALSE(opened(text, {"alice", 42, 1000}, signer));
  EXPECT_FALSE(opened(text, {"bob", 42, 999}, signer));
  EXPECT_FALSE(opened(text, {"alice", 43, 999}, signer));
  EXPECT_FALSE(opened(text, {"alice", 42, 999}, number_signer{2}));
}

TEST(McpInputState, IsRefusedWhenAnyLetterOfItChanges) {
  const number_signer signer{1};
  const auto good = value_of(sealed(waits, signer));
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto bad = good;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(opened(bad, right, signer)) << i;
  }
  for (const auto& bad : {std::string{}, std::string{"."}, good + "-TAMPERED", good + ".",
                          std::string(state_bytes_max + 1, 'A')}) {
    const auto back = opened(bad, right, signer);
    ASSERT_FALSE(back);
    EXPECT_EQ(back.error().code, error_code::invalid_params);
  }
}

TEST(McpInputState, BelongsToAllThatTheRepeatedRequestMustSay) {
  const auto digest = digest_of("tools/call", R"({"name":"a","arguments":{"x":1}})");
  EXPECT_EQ(digest,
            digest_of("tools/call", R"({"name":"a","inputResponses":{"k":{}},"requestState":"s",)"
                                    R"("arguments":{"x":1},"_meta":{"progressToken":1}})"));
  EXPECT_NE(digest, digest_of("tools/call", R"({"name":"b","arguments":{"x":1}})"));
  EXPECT_NE(digest, digest_of("tools/call", R"({"name":"a","arguments":{"x":2}})"));
  EXPECT_NE(digest, digest_of("prompts/get", R"({"name":"a","arguments":{"x":1}})"));
}

TEST(McpEvents, NameTheirStream) {
  EXPECT_EQ(to_text(event_id{12, 3}), "s12-3");
  EXPECT_EQ(parse_event_id("s12-3"), (event_id{12, 3}));
  EXPECT_EQ(parse_event_id("s0-0"), (event_id{0, 0}));
  for (const auto* bad : {"", "s", "12-3", "s12", "s12-", "s-3", "s012-3", "s1-2-3", "s1-+2",
                          "s1--2", "s99999999999999999999-1", "s1-2 "})
    EXPECT_EQ(parse_event_id(bad), std::nullopt) << bad;
}

TEST(McpEvents, AreWrittenWithAndWithoutAnId) {
  EXPECT_EQ(message_event("{}"), "data: {}\n\n");
  EXPECT_EQ(message_event("{}", event_id{1, 2}), "id: s1-2\ndata: {}\n\n");
  EXPECT_EQ(priming_event(event_id{1, 0}, std::chrono::milliseconds{500}),
            "id: s1-0\nretry: 500\ndata: \n\n");
  EXPECT_EQ(keep_alive_event(), ":\n\n");
}

}  // namespace
}  // namespace greenroom::protocols::mcp
