// The one format of state on disk: a named and versioned record, restored exactly after a crash.
#pragma once

#include "protocols/base/expected.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace greenroom::runtime {

/// `kind version` on the first line, then `key=value` lines, `end` on the last line, so that a
/// truncated record is detected. Values may hold any bytes; doubles are restored exactly. A block
/// of bytes is a line `key:size:checksum` (FNV-1a, 64 bits), the bytes as they are, and a line end.
class record_writer {
public:
  record_writer(std::string_view kind, unsigned version);

  void put(std::string_view key, std::string_view value);
  void put(std::string_view key, const char* value) { put(key, std::string_view{value}); }
  void put(std::string_view key, double value);
  void put(std::string_view key, std::uint64_t value);
  void put(std::string_view key, bool value) { put(key, std::uint64_t{value}); }
  /// One line of several values, read by `fields`.
  void put(std::string_view key, const std::vector<std::string>& fields);
  void put_block(std::string_view key, std::string_view bytes);

  std::string finish() &&;

private:
  std::string text_;
};

class record_reader {
public:
  /// A problem unless the text is a complete record of this kind and of a version from 1 to
  /// `version_max`, with sound blocks.
  static base::expected<record_reader> open(std::string_view text, std::string_view kind,
                                            unsigned version_max);

  [[nodiscard]] unsigned version() const { return version_; }
  /// Nothing when the key is missing or the value has another type.
  [[nodiscard]] std::optional<std::string> text(std::string_view key) const;
  /// Also nothing for infinity and NaN.
  [[nodiscard]] std::optional<double> finite(std::string_view key) const;
  /// A percentage: from 0 to 100.
  [[nodiscard]] std::optional<double> percentage(std::string_view key) const;
  [[nodiscard]] std::optional<std::uint64_t> whole(std::string_view key) const;
  [[nodiscard]] std::optional<bool> flag(std::string_view key) const;
  /// Every line of this key, in order.
  [[nodiscard]] std::vector<std::vector<std::string>> fields(std::string_view key) const;
  /// Refers to the text that was opened.
  [[nodiscard]] std::optional<std::string_view> block(std::string_view key) const;

private:
  base::expected<void> take_line(std::string_view line, std::string_view& rest);

  unsigned version_ = 0;
  std::vector<std::pair<std::string, std::string>> lines_;
  std::vector<std::pair<std::string_view, std::string_view>> blocks_;
};

/// The element of `all` with this name.
template <class All>
auto named(const All& all, std::string_view name) -> std::optional<typename All::value_type> {
  for (const auto each : all) {
    if (name_of(each) == name) return each;
  }
  return std::nullopt;
}

}  // namespace greenroom::runtime
