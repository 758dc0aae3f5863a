#include "protocols/base/duration.hpp"

#include "protocols/base/number.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <span>
#include <system_error>
#include <utility>

namespace greenroom::base {

namespace {

struct quantity {
  std::int64_t whole = 0;
  std::int64_t thousandths = 0;
  bool fraction = false;
};

/// `12` or `12.345` at the beginning of `text`, which is what follows it afterwards: up to twelve
/// digits, then up to three behind a point.
std::optional<quantity> take_quantity(std::string_view& text) {
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
  text.remove_prefix(at);
  return parsed;
}

/// A number of any kind that is finite and not below zero.
std::optional<double> take_real(std::string_view& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || !std::isfinite(value) || value < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::string_view take_letters(std::string_view& text) {
  std::size_t at = 0;
  while (at < text.size()
         && ((text[at] >= 'a' && text[at] <= 'z') || (text[at] >= 'A' && text[at] <= 'Z')))
    ++at;
  const auto letters = text.substr(0, at);
  text.remove_prefix(at);
  return letters;
}

using unit = std::pair<std::string_view, std::int64_t>;
constexpr std::array<unit, 5> model_units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr auto duration_units = std::span{model_units}.subspan<1>();

/// Takes `text` apart into numbers with units that get smaller from left to right, as in `1h30m`.
/// `add` is called with each number, the milliseconds of its unit, and whether it is the last.
template <class TakeNumber, class Add>
bool each_part(std::string_view text, std::span<const unit> units, TakeNumber take_number,
               Add add) {
  while (!text.empty()) {
    const auto number = take_number(text);
    if (!number) return false;
    const auto used = std::ranges::find(units, take_letters(text), &unit::first);
    if (used == units.end() || !add(*number, used->second, text.empty())) return false;
    units = units.subspan(static_cast<std::size_t>(used - units.begin()) + 1);
  }
  return true;
}

constexpr std::array<unit, 8> size_units{{{"GiB", std::int64_t{1} << 30},
                                          {"MiB", std::int64_t{1} << 20},
                                          {"KiB", std::int64_t{1} << 10},
                                          {"GB", 1'000'000'000},
                                          {"MB", 1'000'000},
                                          {"kB", 1'000},
                                          {"B", 1},
                                          {"", 1}}};

/// The quantity times `factor`, unless it has a fraction then or is above `most`.
std::optional<std::int64_t> product(const quantity& parsed, std::int64_t factor,
                                    std::int64_t most) {
  if (parsed.whole > most / factor) return std::nullopt;
  const auto fraction = parsed.thousandths * factor;
  if (fraction % 1000 != 0) return std::nullopt;
  const auto total = parsed.whole * factor + fraction / 1000;
  return total > most ? std::nullopt : std::optional{total};
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text == "0") return std::chrono::milliseconds{0};
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  const bool good = each_part(
      text, duration_units, take_quantity, [&total](const quantity& part, auto unit_ms, bool last) {
        // Only the last part may have a fraction.
        if (part.fraction && !last) return false;
        const auto ms = product(part, unit_ms, longest_duration.count() - total);
        if (ms) total += *ms;
        return ms.has_value();
      });
  return good ? std::optional{std::chrono::milliseconds{total}} : std::nullopt;
}

std::optional<double> parse_seconds(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (const auto plain = parse_finite(text); plain && *plain >= 0) return plain;
  double total = 0;
  const bool good =
      each_part(text, model_units, take_real, [&total](double value, auto unit_ms, bool) {
        total += value * (static_cast<double>(unit_ms) / 1000);
        return true;
      });
  return good ? std::optional{total} : std::nullopt;
}

bool is_too_long(std::string_view text) {
  bool any = false;
  while (!text.empty()) {
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0) return false;
    text.remove_prefix(digits);
    const auto used = std::ranges::find_if(duration_units, [&](const auto& each) {
      return text.starts_with(each.first)
             && (text.size() == each.first.size()
                 || (text[each.first.size()] >= '0' && text[each.first.size()] <= '9'));
    });
    if (used == duration_units.end()) return false;
    text.remove_prefix(used->first.size());
    any = true;
  }
  return any;
}

std::string format_duration(std::chrono::milliseconds duration) {
  const auto ms = duration.count();
  if (ms == 0) return "0s";
  for (const auto& [name, factor] : duration_units) {
    if (ms % factor == 0) return std::to_string(ms / factor) + std::string{name};
  }
  return std::to_string(ms) + "ms";
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto parsed = take_quantity(text);
  if (!parsed) return std::nullopt;
  const auto used = std::ranges::find(size_units, text, &unit::first);
  if (used == size_units.end()) return std::nullopt;
  const auto bytes = product(*parsed, used->second, std::int64_t{1} << 50);
  if (!bytes) return std::nullopt;
  return static_cast<std::uint64_t>(*bytes);
}

std::string format_size(std::uint64_t bytes) {
  if (bytes != 0) {
    for (const auto& [name, factor] : size_units) {
      const auto step = static_cast<std::uint64_t>(factor);
      if (name.ends_with("iB") && bytes % step == 0) {
        return std::to_string(bytes / step) + std::string{name};
      }
    }
  }
  return std::to_string(bytes) + "B";
}

}  // namespace greenroom::base
