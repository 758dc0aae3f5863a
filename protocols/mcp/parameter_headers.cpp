#include "protocols/mcp/parameter_headers.hpp"

#include "protocols/base/json_text.hpp"
#include "protocols/base/number.hpp"
#include "protocols/base/raw_object.hpp"
#include "protocols/mcp/header_value.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace greenroom::protocols::mcp {
namespace {

using base::is_raw_integer, base::is_raw_object, base::raw_member, base::raw_text;

constexpr std::string_view declaration = "x-mcp-header";
constexpr int depth_max = 32;
constexpr std::size_t headers_max = 64;
/// The largest integer that every program reads exactly (JavaScript's MAX_SAFE_INTEGER).
constexpr std::int64_t safe_max = 9007199254740991;

bool is_token(std::string_view text) {
  constexpr std::string_view signs = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || signs.find(c) != std::string_view::npos;
  });
}

/// How often the declaration occurs as a key, wherever it is.
struct declaration_counter : base::json_deaf {
  std::size_t count = 0;
  std::string room;
  void key(std::string_view raw) { count += base::unescape(raw, room) == declaration ? 1U : 0U; }
};

class collector {
public:
  /// Reads the properties of an object's schema. False: an error was found.
  bool read(std::string_view schema, int depth_left) {
    if (depth_left == 0) return fail("is nested too deep");
    const auto properties = raw_member(schema, "properties");
    if (!is_raw_object(properties)) return true;
    bool good = true;
    const bool whole =
        base::each_field(properties, [&](std::string_view key, std::string_view property) {
          if (!good || !is_raw_object(property)) return;
          path_.emplace_back(key);
          good = take(property) && read(property, depth_left - 1);
          path_.pop_back();
        });
    return good && (whole || fail("is not valid JSON"));
  }

  [[nodiscard]] std::vector<parameter_header>& found() { return found_; }
  [[nodiscard]] std::size_t seen() const { return seen_; }
  [[nodiscard]] const std::string& why() const { return why_; }
  bool fail(std::string why) {
    why_ = std::move(why);
    return false;
  }

private:
  bool take(std::string_view property) {
    const auto value = raw_member(property, declaration);
    if (value.empty()) return true;
    ++seen_;
    const auto name = raw_text(value);
    if (!name || !is_token(*name)) return fail("has a name that is no token: " + shown(value));
    if (found_.size() == headers_max) return fail("declares too many headers");
    for (const auto& other : found_)
      if (same_name(other.name, *name)) return fail("declares '" + *name + "' twice");
    const auto type = raw_text(raw_member(property, "type")).value_or("");
    parameter_header one{*name, path_, parameter_header::kind::text};
    if (type == "integer")
      one.type = parameter_header::kind::integer;
    else if (type == "boolean")
      one.type = parameter_header::kind::boolean;
    else if (type != "string")
      return fail("declares '" + *name + "' for a value that is no string, integer or boolean");
    found_.push_back(std::move(one));
    return true;
  }

  static std::string shown(std::string_view value) { return std::string{value.substr(0, 80)}; }

  std::vector<std::string> path_;
  std::vector<parameter_header> found_;
  std::size_t seen_ = 0;
  std::string why_;
};

/// The raw value at the end of a path; empty: there is none, or it is null.
std::string_view value_at(std::string_view object, const std::vector<std::string>& path) {
  for (const auto& key : path) object = raw_member(object, key);
  return object == "null" ? std::string_view{} : object;
}

/// The integer that a text is, where 42.0 is one too; nothing for all that is not safe.
std::optional<std::int64_t> integer_in(std::string_view text) {
  std::optional<std::int64_t> result;
  if (is_raw_integer(text)) {
    result = base::parse_number<std::int64_t>(text);
  } else if (const auto real = base::parse_finite(text);
             real && *real == std::trunc(*real) && std::abs(*real) <= 1e15) {
    result = static_cast<std::int64_t>(*real);
  }
  return result && *result <= safe_max && *result >= -safe_max ? result : std::nullopt;
}

bool is_same(const parameter_header& declared, std::string_view field, std::string_view value) {
  switch (declared.type) {
    case parameter_header::kind::text: return raw_text(value) == std::string{field};
    case parameter_header::kind::boolean: return field == value;
    case parameter_header::kind::integer: break;
  }
  const auto asked = integer_in(field);
  return asked && asked == integer_in(value);
}

}  // namespace

base::expected<std::vector<parameter_header>, base::problem> parameter_headers(
    std::string_view input_schema) {
  constexpr std::string_view code = "bad-x-mcp-header";
  if (input_schema.find(declaration) == std::string_view::npos
      && input_schema.find("\\u") == std::string_view::npos)
    return std::vector<parameter_header>{};
  declaration_counter all;
  base::json_scanner<declaration_counter> scan{input_schema, all};
  scan.skip_space();
  if (!scan.value(base::json_depth_max)) return base::problem{code, "the schema is not valid JSON"};
  if (all.count == 0) return std::vector<parameter_header>{};
  collector properties;
  if (!properties.read(input_schema, depth_max))
    return base::problem{code, "the schema " + properties.why()};
  if (properties.seen() != all.count)
    return base::problem{code, "the schema has x-mcp-header outside of plain properties"};
  return std::move(properties.found());
}

base::expected<void, failure> check_parameters(const std::vector<parameter_header>& declared,
                                               std::span<const header_field> fields,
                                               std::string_view arguments) {
  for (const auto& one : declared) {
    const auto name = std::string{parameter_prefix} + one.name;
    std::optional<std::string_view> field;
    for (const auto& [key, text] : fields) {
      if (!same_name(key, name)) continue;
      if (field) return header_mismatch(name + " occurs twice");
      field = text;
    }
    const auto value = value_at(arguments, one.path);
    if (value.empty()) {
      if (field) return header_mismatch(name + " has a value and the body has none");
      continue;
    }
    if (!field) return header_mismatch(name + " is missing");
    const auto text = decoded_header(*field);
    if (!text) return header_mismatch(name + " has invalid characters or malformed Base64");
    if (!is_same(one, *text, value))
      return header_mismatch(name + " does not have the value of the body");
  }
  return {};
}

std::vector<std::pair<std::string, std::string>> parameter_fields(
    const std::vector<parameter_header>& declared, std::string_view arguments) {
  std::vector<std::pair<std::string, std::string>> result;
  for (const auto& one : declared) {
    const auto value = value_at(arguments, one.path);
    if (value.empty() || is_raw_object(value) || value.starts_with('[')) continue;
    const auto text = raw_text(value);
    result.emplace_back(std::string{parameter_prefix} + one.name,
                        encoded_header(text ? *text : std::string{value}));
  }
  return result;
}

}  // namespace greenroom::protocols::mcp
