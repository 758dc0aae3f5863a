#include "runtime/machine/mcp/hmac_signer.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <cassert>
#include <cstdlib>
#include <utility>

namespace greenroom::machine {
namespace {

constexpr std::size_t key_bytes = 32;

std::string random_key() {
  std::array<unsigned char, key_bytes> bytes{};
  // Without random bytes nothing that is signed could be trusted.
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) std::abort();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

hmac_signer::hmac_signer(std::string key) : key_{std::move(key)} {
  assert(key_.size() >= key_bytes);
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
