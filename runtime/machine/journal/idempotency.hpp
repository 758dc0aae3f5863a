// Idempotency: compares two requests with the same key. `journal_writer::write` looks the key up
// and decides: new, the same request, or a conflict.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

namespace greenroom::machine {

/// SipHash-2-4 (Aumasson and Bernstein 2012), keyed, so that a caller cannot search for two inputs
/// with equal hashes. The journal stores the key beside the hashes.
[[nodiscard]] std::uint64_t request_hash(const std::pair<std::uint64_t, std::uint64_t>& key,
                                         std::uint64_t addressed, std::string_view input);

}  // namespace greenroom::machine
