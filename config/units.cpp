// Parses and formats durations and sizes.
#include "config/loader.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <utility>

namespace greenroom::config {

namespace {

struct quantity {
  std::int64_t whole = 0;
  std::int64_t thousandths = 0;
  bool fraction = false;
  std::string_view unit;
};

/// Consumes `12unit` or `12.345unit` at the beginning of `text`: up to twelve digits, optionally a
/// point and up to three digits, then letters.
std::optional<quantity> take(std::string_view& text) {
  quantity parsed;
  std::size_t at = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    if (at == 12) return std::nullopt;
    parsed.whole = parsed.whole * 10 + (text[at] - '0');
  }
  if (at == 0) return std::nullopt;
  if (at < text.size() && text[at] == '.') {
    const auto first = ++at;
    std::int64_t weight = 100;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, weight /= 10) {
      if (weight == 0) return std::nullopt;
      parsed.thousandths += (text[at] - '0') * weight;
    }
    if (at == first) return std::nullopt;
    parsed.fraction = true;
  }
  const auto unit = at;
  while (at < text.size()
         && ((text[at] >= 'a' && text[at] <= 'z') || (text[at] >= 'A' && text[at] <= 'Z')))
    ++at;
  parsed.unit = text.substr(unit, at - unit);
  text.remove_prefix(at);
  return parsed;
}

using duration_unit = std::pair<std::string_view, std::int64_t>;
constexpr std::array<duration_unit, 4> duration_units{
    {{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

constexpr std::array<std::pair<std::string_view, std::int64_t>, 8> size_units{
    {{"GiB", std::int64_t{1} << 30},
     {"MiB", std::int64_t{1} << 20},
     {"KiB", std::int64_t{1} << 10},
     {"GB", 1'000'000'000},
     {"MB", 1'000'000},
     {"kB", 1'000},
     {"B", 1},
     {"", 1}}};

/// Converts a quantity to the smallest unit; nothing if it is no whole number there or is above
/// `most`.
template <class Units>
std::optional<std::int64_t> measure(const quantity& parsed, const Units& units, std::int64_t most) {
  for (const auto& [unit, factor] : units) {
    if (unit != parsed.unit) continue;
    if (parsed.whole > most / factor) return std::nullopt;
    const auto fraction = parsed.thousandths * factor;
    if (fraction % 1000 != 0) return std::nullopt;
    const auto total = parsed.whole * factor + fraction / 1000;
    if (total > most) return std::nullopt;
    return total;
  }
  return std::nullopt;
}

}  // namespace

// The units of `1h30m` decrease from left to right, and only the last may have a fraction.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text == "0") return std::chrono::milliseconds{0};
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  std::span<const duration_unit> units{duration_units};
  while (!text.empty()) {
    const auto part = take(text);
    if (!part || (part->fraction && !text.empty())) return std::nullopt;
    const auto ms = measure(*part, units, longest_duration.count() - total);
    if (!ms) return std::nullopt;
    total += *ms;
    const auto used = std::ranges::find(units, part->unit, &duration_unit::first);
    units = units.subspan(static_cast<std::size_t>(used - units.begin()) + 1);
  }
  return std::chrono::milliseconds{total};
}

bool is_too_long(std::string_view text) {
  bool any = false;
  while (!text.empty()) {
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0) return false;
    text.remove_prefix(digits);
    const auto unit = std::ranges::find_if(duration_units, [&](const duration_unit& each) {
      return text.starts_with(each.first)
             && (text.size() == each.first.size()
                 || (text[each.first.size()] >= '0' && text[each.first.size()] <= '9'));
    });
    if (unit == duration_units.end()) return false;
    text.remove_prefix(unit->first.size());
    any = true;
  }
  return any;
}

std::string format_duration(std::chrono::milliseconds duration) {
  const auto ms = duration.count();
  if (ms == 0) return "0s";
  for (const auto& [unit, factor] : duration_units) {
    if (ms % factor == 0) return std::to_string(ms / factor) + std::string{unit};
  }
  return std::to_string(ms) + "ms";
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto parsed = take(text);
  if (!parsed || !text.empty()) return std::nullopt;
  const auto bytes = measure(*parsed, size_units, std::int64_t{1} << 50);
  if (!bytes) return std::nullopt;
  return static_cast<std::uint64_t>(*bytes);
}

std::string format_size(std::uint64_t bytes) {
  if (bytes != 0) {
    for (const auto& [unit, factor] : size_units) {
      const auto step = static_cast<std::uint64_t>(factor);
      if (unit.ends_with("iB") && bytes % step == 0) {
        return std::to_string(bytes / step) + std::string{unit};
      }
    }
  }
  return std::to_string(bytes) + "B";
}

}  // namespace greenroom::config
