#include "protocols/base/ip_address.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace greenroom::base {

namespace {

constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::optional<std::array<std::uint8_t, 4>> parse_ipv4(std::string_view text) {
  std::array<std::uint8_t, 4> bytes{};
  for (std::size_t part = 0; part < bytes.size(); ++part) {
    const auto end = part + 1 < bytes.size() ? text.find('.') : text.size();
    if (end == std::string_view::npos) return std::nullopt;
    const auto digits = text.substr(0, end);
    const auto* const stop = digits.data() + digits.size();
    const auto [at, wrong] = std::from_chars(digits.data(), stop, bytes[part]);
    const bool octal = digits.size() > 1 && digits.front() == '0';
    if (wrong != std::errc{} || at != stop || octal) return std::nullopt;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return bytes;
}

/// Appends groups of up to four hexadecimal digits to `to`, two bytes each. The last group may be
/// an IPv4 address. An empty text has no groups.
bool take_groups(std::string_view text, std::array<std::uint8_t, 16>& to, std::size_t& size) {
  while (!text.empty()) {
    const auto end = std::min(text.find(':'), text.size());
    const auto group = text.substr(0, end);
    if (end == text.size() && group.find('.') != std::string_view::npos) {
      const auto four = parse_ipv4(group);
      if (!four || size + four->size() > to.size()) return false;
      std::copy(four->begin(), four->end(), to.begin() + static_cast<std::ptrdiff_t>(size));
      size += four->size();
      return true;
    }
    std::uint16_t value = 0;
    const auto* const stop = group.data() + group.size();
    const auto [at, wrong] = std::from_chars(group.data(), stop, value, 16);
    if (wrong != std::errc{} || at != stop || group.size() > 4 || size + 2 > to.size())
      return false;
    to[size++] = static_cast<std::uint8_t>(value >> 8U);
    to[size++] = static_cast<std::uint8_t>(value & 0xffU);
    if (end == text.size()) return true;
    text.remove_prefix(end + 1);
    if (text.empty()) return false;  // A trailing colon.
  }
  return true;
}

std::optional<ip_address> parse_ipv6(std::string_view text) {
  std::array<std::uint8_t, 16> head{}, tail{};
  std::size_t before = 0, after = 0;
  const auto gap = text.find("::");
  if (gap == std::string_view::npos) {
    if (!take_groups(text, head, before) || before != head.size()) return std::nullopt;
    return ip_address{head};
  }
  const auto left = text.substr(0, gap);
  const auto right = text.substr(gap + 2);
  if (left.find('.') != std::string_view::npos || right.find("::") != std::string_view::npos
      || !take_groups(left, head, before) || !take_groups(right, tail, after)
      || before + after > head.size() - 2)
    return std::nullopt;
  std::copy_backward(tail.begin(), tail.begin() + static_cast<std::ptrdiff_t>(after), head.end());
  return ip_address{head};
}

}  // namespace

bool ip_address::is_ipv4() const { return std::equal(mapped.begin(), mapped.end(), bytes.begin()); }

bool ip_address::is_loopback() const {
  if (is_ipv4()) return bytes[12] == 127;
  return bytes[15] == 1
         && std::all_of(bytes.begin(), bytes.end() - 1, [](auto b) { return b == 0; });
}

bool ip_address::is_unspecified() const {
  const auto begin = bytes.begin() + (is_ipv4() ? 12 : 0);
  return std::all_of(begin, bytes.end(), [](auto b) { return b == 0; });
}

std::optional<ip_address> parse_ip_address(std::string_view text) {
  if (text.find(':') != std::string_view::npos) return parse_ipv6(text.substr(0, text.find('%')));
  const auto four = parse_ipv4(text);
  if (!four) return std::nullopt;
  ip_address result;
  std::copy(mapped.begin(), mapped.end(), result.bytes.begin());
  std::copy(four->begin(), four->end(), result.bytes.begin() + mapped.size());
  return result;
}

}  // namespace greenroom::base
