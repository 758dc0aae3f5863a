#include "config/value_reader.hpp"

#include "config/expansion.hpp"
#include "config/text_form.hpp"
#include "protocols/base/duration.hpp"
#include "protocols/base/edit_distance.hpp"

#include <charconv>
#include <cmath>
#include <iterator>
#include <system_error>
#include <utility>

namespace greenroom::config {

namespace {

/// Suggests the list `[python3, w.py]` for the text `python3 w.py`.
std::string list_of_words(std::string_view text) {
  std::string list;
  for (std::size_t at = text.find_first_not_of(' '); at < text.size();
       at = text.find_first_not_of(' ', at)) {
    const auto end = std::min(text.find(' ', at), text.size());
    list.append(list.empty() ? "" : ", ").append(text.substr(at, end - at));
    at = end;
  }
  return '[' + list + ']';
}

/// Returns the shortest text, never with an exponent: people read these limits.
std::string number(double value) {
  char digits[512];
  const auto end =
      std::to_chars(std::begin(digits), std::end(digits), value, std::chars_format::fixed).ptr;
  return {std::begin(digits), end};
}

std::string duration_text(double ms) {
  return base::format_duration(std::chrono::milliseconds{static_cast<std::int64_t>(ms)});
}

}  // namespace

void value_reader::complain(const mark& at, std::string shown, std::string message,
                            std::string suggestion) {
  context_.problems.push_back(
      problem_at(at, std::move(shown), std::move(message), std::move(suggestion)));
}

bool value_reader::plain(const tree& found, const std::string& shown, std::string_view expected) {
  if (found.is == tree::kind::scalar) return true;
  complain(found.at, shown,
           "expected " + std::string{expected} + ", found " + describe_value(found));
  return false;
}

void value_reader::bound(const tree& found, const std::string& shown, double value, rule limits,
                         std::string (*show)(double)) {
  std::string wanted;
  if (limits.min == limits.max) {
    wanted = show(limits.min);
  } else if (std::isfinite(limits.max)) {
    wanted = "between " + show(limits.min) + " and " + show(limits.max);
  } else {
    wanted = "at least " + show(limits.min);
  }
  std::string suggestion;
  const bool percentage = limits.min >= 0 && limits.max <= 1 && value > 1 && value <= 100;
  if (percentage && value / 100 >= limits.min && value / 100 <= limits.max) {
    suggestion = number(value / 100);
  }
  complain(found.at, shown, "must be " + wanted + ", not " + found.text, std::move(suggestion));
}

void value_reader::read(const tree& found, const std::string& shown, bool& value, rule) {
  constexpr std::string_view expected = "true or false";
  if (!plain(found, shown, expected)) return;
  // The three spellings of YAML's core schema.
  for (const std::string_view yes : {"true", "True", "TRUE"}) {
    if (found.text == yes) {
      value = true;
      return;
    }
  }
  for (const std::string_view no : {"false", "False", "FALSE"}) {
    if (found.text == no) {
      value = false;
      return;
    }
  }
  std::string meant;
  for (const std::string_view yes : {"yes", "Yes", "on", "On", "1"}) {
    if (found.text == yes) meant = "true";
  }
  for (const std::string_view no : {"no", "No", "off", "Off", "0"}) {
    if (found.text == no) meant = "false";
  }
  complain(found.at, shown, "expected true or false, found " + describe_value(found),
           std::move(meant));
}

std::optional<double> value_reader::whole_number(const tree& found, const std::string& shown,
                                                 rule limits) {
  if (!plain(found, shown, "a whole number")) return std::nullopt;
  double wide = 0;
  // Some generators write 4 as 4.0.
  std::string_view digits = found.text;
  if (const auto point = digits.find('.');
      point != std::string_view::npos && point > 0 && point + 1 < digits.size()
      && digits.find_first_not_of('0', point + 1) == std::string_view::npos)
    digits = digits.substr(0, point);
  const auto* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, wide);
  if (error != std::errc{} || stop != end || wide != std::trunc(wide) || !std::isfinite(wide)
      || digits.find_first_of("eE.") != std::string_view::npos) {
    complain(found.at, shown, "expected a whole number, found " + describe_value(found));
  } else if (wide < std::max(limits.min, 0.0) || wide > std::min(limits.max, 1e15)) {
    if (!std::isfinite(limits.min)) limits.min = 0;
    bound(found, shown, wide, limits, number);
  } else {
    return wide;
  }
  return std::nullopt;
}

void value_reader::read(const tree& found, const std::string& shown, double& value, rule limits) {
  if (!plain(found, shown, "a number")) return;
  double parsed = 0;
  const auto* const end = found.text.data() + found.text.size();
  const auto [stop, error] = std::from_chars(found.text.data(), end, parsed);
  if (error == std::errc::result_out_of_range && stop == end) {
    complain(found.at, shown, "must be a number in the range of a double, not " + found.text);
  } else if (error != std::errc{} || stop != end || !std::isfinite(parsed)) {
    complain(found.at, shown, "expected a number, found " + describe_value(found));
  } else if (parsed < limits.min || parsed > limits.max) {
    bound(found, shown, parsed, limits, number);
  } else {
    value = parsed;
  }
}

void value_reader::read(const tree& found, const std::string& shown,
                        std::chrono::milliseconds& value, rule limits) {
  constexpr std::string_view expected = "a duration such as 250ms, 30s, 5m or 24h";
  if (!plain(found, shown, expected)) return;
  const auto parsed = base::parse_duration(found.text);
  if (parsed) {
    const auto ms = static_cast<double>(parsed->count());
    if (ms < limits.min || ms > limits.max) {
      bound(found, shown, ms, limits, duration_text);
    } else {
      value = *parsed;
    }
    return;
  }
  if (found.text.starts_with('-') && base::parse_duration(std::string_view{found.text}.substr(1))) {
    complain(found.at, shown, "must not be negative, not " + found.text);
    return;
  }
  if (base::is_too_long(found.text)) {
    complain(
        found.at, shown,
        "must be at most " + base::format_duration(base::longest_duration) + ", not " + found.text);
    return;
  }
  const auto with_unit = found.text + 's';
  complain(found.at, shown,
           "expected " + std::string{expected} + ", found " + describe_value(found),
           base::parse_duration(with_unit) ? with_unit : std::string{});
}

void value_reader::read(const tree& found, const std::string& shown,
                        std::optional<std::chrono::milliseconds>& value, rule limits) {
  if (found.is == tree::kind::scalar && found.text == "auto") {
    value.reset();
    return;
  }
  auto written = std::chrono::milliseconds{-1};
  read(found, shown, written, limits);
  if (written.count() >= 0) value = written;
}

void value_reader::read(const tree& found, const std::string& shown, std::string& value,
                        rule limits) {
  if (found.is != tree::kind::scalar) {
    complain(found.at, shown, "expected a text, found " + describe_value(found));
    return;
  }
  if (found.text.find('\0') != std::string::npos) {
    complain(found.at, shown, "a text cannot hold a zero byte");
    return;
  }
  if (!found.text.empty()) {
    const auto formed = check_form(found.text, limits.text, describe_value(found));
    if (!formed)
      return complain(found.at, shown, formed.error().message, formed.error().suggestion);
  }
  value = found.text;
}

void value_reader::read(const tree& found, const std::string& shown,
                        std::vector<std::string>& value, rule limits) {
  if (found.is == tree::kind::nothing) {
    value.clear();
    return;
  }
  if (found.is != tree::kind::list) {
    complain(found.at, shown, "expected a list, found " + describe_value(found),
             found.is == tree::kind::scalar ? list_of_words(found.text) : std::string{});
    return;
  }
  value.clear();
  for (std::size_t at = 0; at < found.items.size(); ++at) {
    read(found.items[at], shown + '[' + std::to_string(at) + ']', value.emplace_back(), limits);
  }
}

std::optional<std::size_t> value_reader::index_of(const tree& found, const std::string& shown,
                                                  const std::vector<std::string>& names) {
  if (found.is == tree::kind::scalar) {
    const auto match = std::ranges::find(names, found.text);
    if (match != names.end()) return static_cast<std::size_t>(match - names.begin());
  }
  std::string wanted;
  for (const auto& name : names) {
    wanted += (wanted.empty() ? "" : name == names.back() ? " or " : ", ") + name;
  }
  complain(found.at, shown, "expected " + wanted + ", found " + describe_value(found),
           std::string{base::nearest_of(found.text, names)});
  return std::nullopt;
}

void value_reader::read_size(const tree& found, const std::string& shown, std::uint64_t& value,
                             rule limits) {
  const auto parsed = base::parse_size(found.text);  // Only a scalar has a text.
  if (!parsed && found.text.starts_with('-')
      && base::parse_size(std::string_view{found.text}.substr(1))) {
    complain(found.at, shown, "must not be negative, not " + found.text);
  } else if (!parsed) {
    complain(found.at, shown, "expected a size such as 16MiB, found " + describe_value(found));
  } else if (const auto size = static_cast<double>(*parsed);
             size < limits.min || size > limits.max) {
    complain(found.at, shown,
             "must be between " + base::format_size(static_cast<std::uint64_t>(limits.min))
                 + " and " + base::format_size(static_cast<std::uint64_t>(limits.max)) + ", not "
                 + found.text);
  } else {
    value = *parsed;
  }
}

void value_reader::read_expanded(const tree& found, const std::string& shown, std::string& value,
                                 bool keeps_port) {
  if (found.is != tree::kind::scalar) {
    complain(found.at, shown, "expected a text, found " + describe_value(found));
    return;
  }
  auto expanded = expand(found.text, context_.environment, keeps_port);
  if (!expanded) return complain(found.at, shown, expanded.error().text);
  value = *std::move(expanded);
}

}  // namespace greenroom::config
