#include "runtime/machine/mcp/hmac_signer.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <cstdlib>
#include <utility>

namespace greenroom::machine {
namespace {

std::string random_key() {
  std::array<unsigned char, hmac_signer::key_bytes_min> bytes{};
  // Without random bytes nothing that is signed could be trusted.
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) std::abort();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

base::expected<hmac_signer> hmac_signer::with_key(std::string key) {
  if (key.size() < key_bytes_min)
    return base::problem{"short-key", "the key has " + std::to_string(key.size())
                                          + " bytes, which is less than "
                                          + std::to_string(key_bytes_min)};
  return hmac_signer{std::move(key)};
}

hmac_signer::hmac_signer() : hmac_signer{random_key()} {}

std::string hmac_signer::sign(std::string_view text) const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> code{};
  unsigned int bytes = 0;
  const auto* const done =
      HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), code.data(), &bytes);
  if (done == nullptr) std::abort();
  return {reinterpret_cast<const char*>(code.data()), bytes};
}

}  // namespace greenroom::machine
