// Learned state as numbers in a record: versioned, checked, and never trusted when it is read.
#pragma once

#include "protocols/base/expected.hpp"

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace greenroom::runtime {

/// Writes integers and doubles little end first.
class state_writer {
public:
  void put(std::uint64_t value) {
    for (int i = 0; i < 8; ++i) body_.push_back(static_cast<char>((value >> (8 * i)) & 0xFF));
  }
  void put32(std::uint32_t value) {
    for (int i = 0; i < 4; ++i) body_.push_back(static_cast<char>((value >> (8 * i)) & 0xFF));
  }
  void put(double value) { put(std::bit_cast<std::uint64_t>(value)); }
  void put(float value) { put32(std::bit_cast<std::uint32_t>(value)); }
  void put(std::string_view text) {
    put(static_cast<std::uint64_t>(text.size()));
    body_.append(text);
  }
  /// A record (`record.hpp`) with all that was put, as one block.
  std::string sealed(std::string_view kind, std::uint32_t version) const;
  const std::string& body() const { return body_; }

private:
  std::string body_;
};

/// Reads what a writer wrote. After the first failure every read gives zeros and `failed` stays
/// true, so a caller checks once, before it believes anything.
class state_reader {
public:
  explicit state_reader(std::string_view body) : rest_(body) {}

  /// The numbers of a record of this kind and version, or why there are none. Refers to `sealed`.
  /// Releases up to 0.1.0 wrote the kind, the version, the length and the checksum as numbers in
  /// front of the numbers; such a text is read as well.
  static base::expected<std::string_view> open(std::string_view sealed, std::string_view kind,
                                               std::uint32_t version);

  std::uint64_t integer();
  std::uint32_t integer32();
  double number();
  float small_number();
  std::string_view text();
  /// A count of things to follow, at most `limit` of at least `bytes_each` bytes.
  std::size_t count(std::size_t limit, std::size_t bytes_each);
  /// A number that must be finite and within [low, high].
  double number_within(double low, double high);
  float small_number_within(float low, float high);

  /// From now on specialists are numbers below `count`: what is read becomes an index.
  void expect_members(std::uint32_t count) { members_ = count; }
  /// The number of a specialist.
  std::uint32_t member();
  /// The same, or a number that stands for none, as the caller knows it.
  std::uint32_t member_or(std::uint32_t none);

  bool failed() const { return failed_; }
  void fail() { failed_ = true; }
  bool at_end() const { return rest_.empty(); }

private:
  static base::expected<std::string_view> open_first_format(std::string_view sealed,
                                                            std::string_view kind,
                                                            std::uint32_t version);

  std::string_view rest_;
  std::uint32_t members_ = 0;
  bool failed_ = false;
};

}  // namespace greenroom::runtime
