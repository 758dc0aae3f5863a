// A small versioned text record, for state that must be restored exactly after a crash.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace greenroom::runtime::rollout {

/// `kind version` on the first line, `key=value` lines, `end` on the last, so that a truncated
/// record is detected. Values may hold any bytes; doubles are restored exactly.
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

  std::string finish() &&;

private:
  std::string text_;
};

class record_reader {
public:
  /// Nothing, with the reason in `error`, unless the text is a complete record of this kind and of
  /// a version from 1 to `version_max`.
  static std::optional<record_reader> open(std::string_view text, std::string_view kind,
                                           unsigned version_max, std::string& error);

  unsigned version() const { return version_; }
  /// Nothing when the key is missing or its value has another type.
  std::optional<std::string> text(std::string_view key) const;
  /// Also nothing for infinity and NaN.
  std::optional<double> finite(std::string_view key) const;
  /// A percentage: from 0 to 100.
  std::optional<double> percentage(std::string_view key) const;
  std::optional<std::uint64_t> whole(std::string_view key) const;
  std::optional<bool> flag(std::string_view key) const;
  /// Every line of this key, in order.
  std::vector<std::vector<std::string>> fields(std::string_view key) const;

private:
  unsigned version_ = 0;
  std::vector<std::pair<std::string, std::string>> lines_;
};

/// The element of `all` with this name.
template <class All>
auto named(const All& all, std::string_view name) -> std::optional<typename All::value_type> {
  for (const auto each : all) {
    if (name_of(each) == name) return each;
  }
  return std::nullopt;
}

}  // namespace greenroom::runtime::rollout
