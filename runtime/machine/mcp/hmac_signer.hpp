// Signs what clients bring back, with HMAC-SHA-256 (RFC 2104, FIPS 180-4).
#pragma once

#include "protocols/mcp/input_state.hpp"

#include <string>
#include <string_view>

namespace greenroom::machine {

class hmac_signer final : public protocols::mcp::state_signer {
public:
  /// A key of at least 32 bytes. Nodes that answer for each other have the same one.
  explicit hmac_signer(std::string key);
  /// With a random key: signatures are good as long as this object lives.
  hmac_signer();

  /// 32 bytes.
  [[nodiscard]] std::string sign(std::string_view text) const override;

private:
  std::string key_;
};

}  // namespace greenroom::machine
