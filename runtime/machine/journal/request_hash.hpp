// What two requests with the same idempotency key are compared by.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

namespace greenroom::machine {

/// SipHash-2-4 (Aumasson and Bernstein 2012): with a key that callers do not know, nobody can look
/// for two inputs that are taken for the same. The key is kept in the journal beside the hashes.
[[nodiscard]] std::uint64_t request_hash(const std::pair<std::uint64_t, std::uint64_t>& key,
                                         std::uint64_t addressed, std::string_view input);

}  // namespace greenroom::machine
