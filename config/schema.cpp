#include "config/schema.hpp"

#include "config/description.hpp"
#include "config/words.hpp"
#include "protocols/base/duration.hpp"

#include <algorithm>
#include <charconv>
#include <concepts>
#include <type_traits>

namespace greenroom::config {

const schema* schema::find(std::string_view child) const {
  const auto found = std::ranges::find(children, child, &schema::key);
  return found == children.end() ? nullptr : &*found;
}

namespace {

std::string written(bool value) { return value ? "true" : "false"; }
std::string written(double value) {
  char digits[32];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
  return {digits, end};
}
template <std::unsigned_integral T>
std::string written(T value) {
  return std::to_string(value);
}
std::string written(std::chrono::milliseconds value) { return base::format_duration(value); }
std::string written(const std::optional<std::chrono::milliseconds>& value) {
  return value ? base::format_duration(*value) : "auto";
}
std::string written(const std::string& value) { return value; }
std::string written(const std::vector<std::string>& value) { return value.empty() ? "[]" : "…"; }
template <class T>
requires std::is_enum_v<T> std::string written(T value) { return std::string{word_of(value)}; }

std::string type_name(bool) { return "true or false"; }
std::string type_name(double) { return "number"; }
template <std::unsigned_integral T>
std::string type_name(T) {
  return "whole number";
}
std::string type_name(std::chrono::milliseconds) { return "duration"; }
std::string type_name(const std::optional<std::chrono::milliseconds>&) {
  return "duration or auto";
}
std::string type_name(const std::string&) { return "text"; }
std::string type_name(const std::vector<std::string>&) { return "list of texts"; }
template <class T>
requires std::is_enum_v<T> std::string type_name(T) {
  std::string names;
  for (const auto& [word, meaning] : words_of(T{}))
    names += (names.empty() ? "" : " or ") + std::string{word};
  return names;
}

class schema_builder {
public:
  explicit schema_builder(schema& parent) : parent_{parent} {}

  template <class T>
  void field(const char* key, T& value, const char* meaning, rule = {}) {
    add({schema::kind::scalar, key, type_name(value), written(value), meaning, {}});
  }
  template <class T>
  void expanded(const char* key, T& value, const char* meaning) {
    field(key, value, meaning);
  }
  void expanded(const char* key, std::map<std::string, std::string>&, const char* meaning) {
    add({schema::kind::texts, key, "map of texts", {}, meaning, {}});
  }
  void size(const char* key, std::uint64_t& value, const char* meaning, rule) {
    add({schema::kind::scalar, key, "size", base::format_size(value), meaning, {}});
  }
  template <class S>
  void section(const char* key, S& value, const char* meaning) {
    build(add({schema::kind::section, key, {}, {}, meaning, {}}), value);
  }
  template <class S>
  void named(const char* key, std::vector<S>&, const char* meaning) {
    S one;
    build(add({schema::kind::named, key, {}, {}, meaning, {}}), one);
  }
  template <class S>
  void table(const char* key, std::map<std::string, S>&, const char* meaning) {
    S one;
    build(add({schema::kind::table, key, {}, {}, meaning, {}}), one);
  }

private:
  schema& add(schema child) { return parent_.children.emplace_back(std::move(child)); }
  template <class S>
  static void build(schema& into, S& value) {
    schema_builder inner{into};
    describe(inner, value);
  }

  schema& parent_;
};

schema build_whole() {
  schema root;
  root.is = schema::kind::section;
  const auto scalar = [&](const char* key, const char* type, const char* meaning) {
    root.children.push_back({schema::kind::scalar, key, type, {}, meaning, {}});
  };
  scalar("extends", "text", "a profile, or a file next to this one, that this one builds on");
  scalar("only", "list of texts", "the specialists to keep of the extended configuration");
  scalar("drop", "list of texts", "the specialists to leave out of the extended configuration");
  scalar("cast_size", "whole number", "the cast is repeated until it has this many specialists");
  auto& defaults = root.children.emplace_back();
  defaults.is = schema::kind::section;
  defaults.key = "defaults";
  defaults.meaning = "keys of every specialist that does not write them itself";
  specialist one;
  schema_builder inner{defaults};
  describe_but_name(inner, one);
  node whole;
  schema_builder builder{root};
  describe(builder, whole);
  return root;
}

void list_keys(const schema& from, const std::string& path, std::vector<key_description>& into) {
  for (const auto& child : from.children) {
    const auto at = path.empty() ? child.key : path + '.' + child.key;
    switch (child.is) {
      case schema::kind::scalar:
        into.push_back({at, child.type, child.fallback, child.meaning});
        break;
      case schema::kind::texts:
        into.push_back({at + ".NAME", "text", child.fallback, child.meaning});
        break;
      case schema::kind::section:
        // The same keys as a specialist's, which are documented there.
        if (at == "defaults") {
          into.push_back({at, "map", {}, child.meaning});
        } else {
          list_keys(child, at, into);
        }
        break;
      case schema::kind::named:
      case schema::kind::table: list_keys(child, at + ".NAME", into); break;
    }
  }
}

}  // namespace

const schema& whole_schema() {
  static const schema whole = build_whole();
  return whole;
}

std::vector<key_description> describe_keys() {
  std::vector<key_description> keys;
  list_keys(whole_schema(), {}, keys);
  return keys;
}

}  // namespace greenroom::config
