#include "config/map_reader.hpp"

#include "protocols/base/duration.hpp"
#include "protocols/base/edit_distance.hpp"
#include "protocols/base/json_text.hpp"
#include "protocols/base/number.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

namespace greenroom::config {
namespace {

constexpr base::json_style as_written{base::json_escapes::numbers, true};

/// True for a number in JSON's notation (RFC 8259, section 6).
bool is_json_number(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const auto from = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at - from;
  };
  if (at < text.size() && text[at] == '-') ++at;
  const bool zero = at < text.size() && text[at] == '0';
  const auto whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

}  // namespace

void append_json(std::string& out, const tree& from) {
  switch (from.is) {
    case tree::kind::nothing: out += "null"; return;
    case tree::kind::scalar: {
      const bool plain = !from.quoted
                         && (from.text == "true" || from.text == "false" || from.text == "null"
                             || is_json_number(from.text));
      if (plain)
        out += from.text;
      else
        base::append_json_string(out, from.text, as_written);
      return;
    }
    case tree::kind::list: {
      out += '[';
      const char* comma = "";
      for (const auto& item : from.items) {
        out += comma;
        append_json(out, item);
        comma = ",";
      }
      out += ']';
      return;
    }
    case tree::kind::map: {
      out += '{';
      const char* comma = "";
      for (const auto& entry : from.entries) {
        out += comma;
        base::append_json_string(out, entry.key, as_written);
        out += ':';
        append_json(out, entry.value);
        comma = ",";
      }
      out += '}';
      return;
    }
  }
}

map_reader::map_reader(const tree& from, std::string path, std::vector<problem>& problems)
    : from_{from}, path_{std::move(path)}, problems_{problems} {
  if (from.is != tree::kind::map)
    complain(from.at, "", "expected a map, found " + describe_value(from));
}

const tree* map_reader::take(const char* key) {
  known_.emplace_back(key);
  return from_.is == tree::kind::map ? from_.find(key) : nullptr;
}

void map_reader::text(const char* key, std::string& to) {
  const auto* value = take(key);
  if (value == nullptr) return;
  if (value->is != tree::kind::scalar || value->text.empty())
    complain(value->at, key, "expected a text, found " + describe_value(*value));
  else
    to = value->text;
}

void map_reader::texts(const char* key, std::vector<std::string>& to) {
  const auto* value = take(key);
  if (value == nullptr) return;
  to.clear();
  const auto add = [&](const tree& one) {
    if (one.is != tree::kind::scalar || one.text.empty())
      complain(one.at, key, "expected a text, found " + describe_value(one));
    else
      to.push_back(one.text);
  };
  if (value->is != tree::kind::list) return add(*value);
  for (const auto& one : value->items) add(one);
}

void map_reader::number(const char* key, double& to, double min, double max) {
  const auto* value = take(key);
  if (value == nullptr) return;
  const auto& text = value->text;
  const auto parsed = base::parse_finite(text);
  if (value->is != tree::kind::scalar || !parsed)
    complain(value->at, key, "expected a number, found " + describe_value(*value));
  else if (*parsed < min || *parsed > max)
    complain(value->at, key,
             "must be from " + base::exact_text(min) + " to " + base::exact_text(max) + ", found "
                 + text);
  else
    to = *parsed;
}

void map_reader::duration(const char* key, std::chrono::milliseconds& to) {
  const auto* value = take(key);
  if (value == nullptr) return;
  const auto parsed = base::parse_duration(value->text);
  if (value->is != tree::kind::scalar || !parsed || parsed->count() < 0)
    complain(value->at, key,
             "expected a duration such as 500ms, 30s or 5m, found " + describe_value(*value));
  else
    to = *parsed;
}

void map_reader::complain(const mark& at, const std::string& key, std::string message,
                          std::string suggestion) {
  auto whole = path_;
  if (!whole.empty() && !key.empty()) whole += '.';
  problems_.push_back(problem_at(at, whole + key, std::move(message), std::move(suggestion)));
}

void map_reader::finish() {
  for (const auto& entry : from_.entries)
    if (!is_extension(entry.key)
        && std::find(known_.begin(), known_.end(), entry.key) == known_.end())
      complain(entry.at, entry.key, "unknown key",
               std::string{base::nearest_of(entry.key, known_)});
}

}  // namespace greenroom::config
