#include "protocols/base/base64.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace greenroom::base {
namespace {

constexpr std::string_view common =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

constexpr char letter_of(unsigned value, base64_form form) {
  if (value < common.size()) return common[value];
  const bool url = form == base64_form::url;
  return value == 62 ? (url ? '-' : '+') : (url ? '_' : '/');
}

constexpr std::array<std::int8_t, 256> values_of(base64_form form) {
  std::array<std::int8_t, 256> result{};
  for (auto& each : result) each = -1;
  for (unsigned i = 0; i < 64; ++i)
    result[static_cast<unsigned char>(letter_of(i, form))] = static_cast<std::int8_t>(i);
  return result;
}

constexpr auto standard_values = values_of(base64_form::standard);
constexpr auto url_values = values_of(base64_form::url);

}  // namespace

std::string to_base64(std::string_view bytes, base64_form form) {
  std::string result;
  result.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const auto count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i)
      group = group << 8U | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    for (std::size_t i = 0; i <= count; ++i)
      result += letter_of(group >> (18U - 6U * static_cast<unsigned>(i)) & 63U, form);
    if (form == base64_form::standard) result.append(3 - count, '=');
  }
  return result;
}

std::optional<std::string> from_base64(std::string_view text, base64_form form) {
  const auto& values = form == base64_form::url ? url_values : standard_values;
  if (form == base64_form::standard) {
    if (text.size() % 4 != 0) return std::nullopt;
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  }
  if (text.size() % 4 == 1) return std::nullopt;
  std::string result;
  result.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t group = 0;
  unsigned bits = 0;
  for (const char letter : text) {
    const auto value = values[static_cast<unsigned char>(letter)];
    if (value < 0) return std::nullopt;
    group = (group << 6U | static_cast<std::uint32_t>(value)) & 0xffffU;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    result += static_cast<char>(group >> bits & 0xffU);
  }
  // Bits that no byte uses are zero, else several texts would mean the same.
  if ((group & ((1U << bits) - 1)) != 0) return std::nullopt;
  return result;
}

}  // namespace greenroom::base
