#include "config/import/source_tree.hpp"

#include "protocols/base/json_text.hpp"

#include <algorithm>

#include <string>
#include <vector>

namespace greenroom::config {
namespace {

constexpr int json_depth = 32;

/// JSON without comments and without commas before a closing bracket.
std::string strict_json(std::string_view text) {
  std::string result;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      result += c;
      if (c == '\\' && i + 1 < text.size()) result += text[++i];
      in_string = c != '"';
    } else if (text.substr(i, 2) == "//") {
      i = std::min(text.find('\n', i), text.size()) - 1;
    } else if (text.substr(i, 2) == "/*") {
      i = std::min(text.find("*/", i + 2), text.size() - 2) + 1;
    } else {
      if (c == '}' || c == ']') {
        const auto last = result.find_last_not_of(" \t\r\n");
        if (last != std::string::npos && result[last] == ',') result.resize(last);
      }
      in_string = c == '"';
      result += c;
    }
  }
  return result;
}

tree scalar_of(std::string text, bool quoted) {
  tree result;
  result.is = tree::kind::scalar;
  result.text = std::move(text);
  result.quoted = quoted;
  return result;
}

/// @pre `json` is valid
tree made_of(std::string_view json) {
  if (json.starts_with('"')) {
    std::string room;
    const auto text = base::decode_string(json, room);
    return scalar_of(std::string{text ? *text : std::string_view{}}, true);
  }
  tree result;
  if (json == "null") return result;
  if (json.starts_with('{')) {
    result.is = tree::kind::map;
    static_cast<void>(base::each_field(json, [&](std::string_view key, std::string_view value) {
      result.set(key, made_of(value));
    }));
    return result;
  }
  if (!json.starts_with('[')) return scalar_of(std::string{json}, false);
  result.is = tree::kind::list;
  base::json_deaf nobody;
  base::json_scanner<base::json_deaf> scan{json, nobody};
  static_cast<void>(scan.take('['));
  for (scan.skip_space(); !scan.take(']'); scan.skip_space()) {
    const char* const begin = scan.position();
    if (!scan.value(json_depth)) break;
    result.items.push_back(made_of({begin, static_cast<std::size_t>(scan.position() - begin)}));
    scan.skip_space();
    static_cast<void>(scan.take(','));
  }
  return result;
}

}  // namespace

base::expected<tree, base::problem> tree_of_json(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  auto json = strict_json(text);
  if (!base::make_json(json, json_depth)) return base::problem{"bad-json", "is not valid JSON"};
  const auto begin = json.find_first_not_of(" \t\r\n");
  const auto end = json.find_last_not_of(" \t\r\n");
  return made_of(std::string_view{json}.substr(begin, end - begin + 1));
}

base::expected<tree, base::problem> tree_of_yaml(std::string_view text) {
  auto [result, problems] = parse_tree(text, "import");
  if (!problems.empty()) return base::problem{"bad-yaml", to_string(problems.front())};
  return std::move(result);
}

}  // namespace greenroom::config
