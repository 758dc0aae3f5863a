// The signatures of states that clients bring back.
#include "runtime/machine/mcp/hmac_signer.hpp"

#include "protocols/base/hex.hpp"

#include <gtest/gtest.h>

#include <span>
#include <string>

namespace greenroom::machine {
namespace {

namespace mcp = protocols::mcp;

TEST(HmacSigner, SignsAsTheStandardSays) {
  // RFC 4231, test case 6: a key longer than a block.
  const auto signer = hmac_signer::with_key(std::string(131, '\xaa'));
  ASSERT_TRUE(signer) << signer.error().text;
  const auto code = signer->sign("Test Using Larger Than Block-Size Key - Hash Key First");
  EXPECT_EQ(
      base::to_hex(std::span{reinterpret_cast<const unsigned char*>(code.data()), code.size()}),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacSigner, TakesNoKeyThatIsTooShort) {
  for (const std::size_t bytes : {0U, 31U}) {
    const auto signer = hmac_signer::with_key(std::string(bytes, 'k'));
    ASSERT_FALSE(signer) << bytes;
    EXPECT_EQ(signer.error().code, "short-key");
    EXPECT_NE(signer.error().text.find(std::to_string(bytes)), std::string::npos);
  }
  EXPECT_TRUE(hmac_signer::with_key(std::string(32, 'k')));
}

TEST(HmacSigner, HasAKeyOfItsOwnEachTime) {
  const hmac_signer one, other;
  EXPECT_EQ(one.sign("x"), one.sign("x"));
  EXPECT_NE(one.sign("x"), one.sign("y"));
  EXPECT_NE(one.sign("x"), other.sign("x"));
}

TEST(HmacSigner, KeepsStatesFromBeingChangedOrMadeUp) {
  const hmac_signer signer, other;
  const mcp::input_state state{"alice", 42, 1000, "call-7", "inner"};
  const auto written = mcp::sealed(state, signer);
  ASSERT_TRUE(written) << written.error().message;
  const auto& text = *written;
  const auto back = mcp::opened(text, {"alice", 42, 999}, signer);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, state);
  EXPECT_FALSE(mcp::opened(text, {"alice", 42, 999}, other));
  EXPECT_FALSE(mcp::opened(text + "A", {"alice", 42, 999}, signer));
  EXPECT_FALSE(mcp::opened(text.substr(0, text.size() - 1), {"alice", 42, 999}, signer));
}

}  // namespace
}  // namespace greenroom::machine
