// Signs what clients bring back, with HMAC-SHA-256 (RFC 2104, FIPS 180-4).
#pragma once

#include "protocols/base/expected.hpp"
#include "protocols/mcp/input_state.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace greenroom::machine {

class hmac_signer final : public protocols::mcp::state_signer {
public:
  static constexpr std::size_t key_bytes_min = 32;

  /// With a key that is kept. Nodes that answer for each other have the same one. A problem when
  /// the key has less than `key_bytes_min` bytes: signatures by a short key can be made up.
  [[nodiscard]] static base::expected<hmac_signer> with_key(std::string key);
  /// With a random key: signatures are good as long as this object lives.
  hmac_signer();

  /// 32 bytes.
  [[nodiscard]] std::string sign(std::string_view text) const override;

private:
  explicit hmac_signer(std::string key) : key_{std::move(key)} {}

  std::string key_;
};

}  // namespace greenroom::machine
