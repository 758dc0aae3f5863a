// JSON documents written member by member, in the order of the calls.
#pragma once

#include "protocols/base/json_text.hpp"

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace greenroom::base {

/// JSON text that is put in as it is. Refers to the text.
struct json_raw {
  std::string_view text;
};

template <json_style Style>
class json_object_in;
template <json_style Style>
class json_array_in;

/// One value on its way into a document. Refers to the texts it was made from.
class json_value {
public:
  json_value(std::string_view text) : held_{text} {}
  json_value(const std::string& text) : held_{std::string_view{text}} {}
  json_value(const char* text) : held_{std::string_view{text}} {}
  json_value(json_raw json) : held_{json} {}
  json_value(std::nullptr_t) : held_{json_raw{"null"}} {}
  template <std::same_as<bool> Bool>
  json_value(Bool value) : held_{json_raw{value ? "true" : "false"}} {}
  template <std::integral Integer>
  requires(!std::same_as<Integer, bool> && !std::same_as<Integer, char>) json_value(Integer value)
      : held_{std::to_string(value)} {}
  /// The shortest number that reads back to the same double; null for infinity and NaN.
  json_value(double value);
  template <class T>
  json_value(const std::optional<T>& value) : json_value{nullptr} {
    if (value) *this = json_value{*value};
  }
  template <json_style Style>
  json_value(const json_object_in<Style>& object) : held_{object.text()} {}
  template <json_style Style>
  json_value(const json_array_in<Style>& array) : held_{array.text()} {}

  void append_to(std::string& out, json_style style) const;

private:
  std::variant<std::string_view, json_raw, std::string> held_;
};

struct json_member {
  std::string_view name;
  json_value value;
};

/// An object in the making.
template <json_style Style>
class json_object_in {
public:
  json_object_in() = default;
  json_object_in(std::initializer_list<json_member> members) {
    for (const auto& [name, value] : members) add(name, value);
  }

  json_object_in& add(std::string_view name, const json_value& value) {
    if (text_.size() > 1) text_ += ',';
    append_json_string(text_, name, Style);
    text_ += ':';
    value.append_to(text_, Style);
    return *this;
  }
  json_object_in& raw(std::string_view name, std::string_view json) {
    return add(name, json_raw{json});
  }

  [[nodiscard]] std::string text() const& { return text_ + '}'; }
  [[nodiscard]] std::string text() && { return std::move(text_ += '}'); }
  operator std::string() const& { return text(); }
  operator std::string() && { return std::move(*this).text(); }

private:
  std::string text_ = "{";
};

/// An array in the making.
template <json_style Style>
class json_array_in {
public:
  json_array_in() = default;
  /// What `made_of` makes of each of `items`.
  template <class Items, class Make>
  json_array_in(const Items& items, Make made_of) {
    for (const auto& item : items) add(made_of(item));
  }

  json_array_in& add(const json_value& value) {
    if (text_.size() > 1) text_ += ',';
    value.append_to(text_, Style);
    return *this;
  }

  [[nodiscard]] std::string text() const& { return text_ + ']'; }
  [[nodiscard]] std::string text() && { return std::move(text_ += ']'); }

private:
  std::string text_ = "[";
};

using json_object = json_object_in<json_style{}>;
using json_array = json_array_in<json_style{}>;

}  // namespace greenroom::base
