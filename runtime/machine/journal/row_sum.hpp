// The checksum of every row of the journal, over all columns and the row's identity.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace greenroom::machine {

/// Each step is a bijection of the state, so a change within any eight bytes is always detected,
/// and a larger change almost always. Protects against accidents, not against forgery.
class row_sum {
public:
  /// `kind` differs for each table.
  explicit row_sum(std::uint64_t kind) { add(kind); }

  row_sum& add(std::uint64_t value) {
    state_ = (state_ ^ value) * 0x9e3779b97f4a7c15ULL;
    state_ ^= state_ >> 32U;
    return *this;
  }
  row_sum& add(std::int64_t value) { return add(static_cast<std::uint64_t>(value)); }
  row_sum& add(std::string_view text) {
    add(static_cast<std::uint64_t>(text.size()));
    while (text.size() >= sizeof(std::uint64_t)) {
      add(word(text));
      text.remove_prefix(sizeof(std::uint64_t));
    }
    if (!text.empty()) add(word(text));
    return *this;
  }

  /// As SQLite stores it.
  [[nodiscard]] std::int64_t value() const { return static_cast<std::int64_t>(state_); }

private:
  /// Up to eight bytes, little-endian on every machine.
  static std::uint64_t word(std::string_view text) {
    std::uint64_t result = 0;
    const auto bytes = text.size() < sizeof result ? text.size() : sizeof result;
    std::memcpy(&result, text.data(), bytes);
    if constexpr (std::endian::native == std::endian::big) result = __builtin_bswap64(result);
    return result;
  }

  std::uint64_t state_ = 0x4752'4a4e'7375'6d73ULL;
};

}  // namespace greenroom::machine
