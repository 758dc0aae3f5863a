#include "config/import/source_tree.hpp"
#include "protocols/base/number.hpp"
#include "protocols/base/utf8.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace greenroom::config {
namespace {

constexpr int toml_depth_max = 32;

bool is_bare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
         || c == '-';
}

class toml_reader {
public:
  explicit toml_reader(std::string_view text) : text_{text} {}

  base::expected<tree, base::problem> read() {
    tree root;
    root.is = tree::kind::map;
    auto* table = &root;
    for (skip(true); !at_end(); skip(true)) {
      const bool good = peek() == '[' ? header(root, table) : pair(*table, toml_depth_max);
      if (good) skip(false);
      if (!good || !(at_end() || peek() == '\n')) return failed();
    }
    return root;
  }

private:
  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }
  [[nodiscard]] char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool take(std::string_view wanted) {
    if (text_.substr(at_, wanted.size()) != wanted) return false;
    at_ += wanted.size();
    return true;
  }

  /// Blanks and comments, and ends of lines too when `lines`.
  void skip(bool lines) {
    while (!at_end()) {
      const char c = peek();
      if (c == '#')
        at_ = std::min(text_.find('\n', at_), text_.size());
      else if (c == ' ' || c == '\t' || c == '\r' || (lines && c == '\n'))
        ++at_;
      else
        break;
    }
  }

  [[nodiscard]] base::problem failed() const {
    const auto line =
        std::count(text_.begin(),
                   text_.begin() + static_cast<std::ptrdiff_t>(std::min(at_, text_.size())), '\n');
    return {"bad-toml", "is not valid TOML in line " + std::to_string(line + 1)};
  }

  /// `[a.b]` and `[[a.b]]`.
  bool header(tree& root, tree*& table) {
    const bool array = take("[[");
    if (!array && !take("[")) return false;
    std::vector<std::string> path;
    if (!keys(path) || !take(array ? "]]" : "]")) return false;
    auto* at = &root;
    for (std::size_t i = 0; i < path.size(); ++i) {
      at = &child(*at, path[i]);
      if (array && i + 1 == path.size()) {
        if (at->is == tree::kind::map && !at->entries.empty()) return false;
        at->is = tree::kind::list;
        at->items.emplace_back().is = tree::kind::map;
      }
      if (at->is == tree::kind::list) {
        if (at->items.empty()) return false;
        at = &at->items.back();
      }
      if (at->is != tree::kind::map) return false;
    }
    table = at;
    return true;
  }

  /// The value of a key, made to a table when there is none.
  static tree& child(tree& table, const std::string& key) {
    if (table.find(key) == nullptr) {
      tree fresh;
      fresh.is = tree::kind::map;
      table.set(key, std::move(fresh));
    }
    return *table.find(key);
  }

  bool keys(std::vector<std::string>& path) {
    do {
      skip(false);
      std::string key;
      if (peek() == '"' || peek() == '\'') {
        if (!quoted(key)) return false;
      } else {
        while (!at_end() && is_bare(peek())) key += text_[at_++];
        if (key.empty()) return false;
      }
      path.push_back(std::move(key));
      skip(false);
      if (path.size() > static_cast<std::size_t>(toml_depth_max)) return false;
    } while (take("."));
    return true;
  }

  bool pair(tree& table, int depth_left) {
    std::vector<std::string> path;
    if (!keys(path) || !take("=")) return false;
    skip(false);
    auto* at = &table;
    for (std::size_t i = 0; i + 1 < path.size(); ++i) {
      at = &child(*at, path[i]);
      if (at->is != tree::kind::map) return false;
    }
    if (at->find(path.back()) != nullptr) return false;
    tree found;
    if (!value(found, depth_left)) return false;
    at->set(path.back(), std::move(found));
    return true;
  }

  bool value(tree& to, int depth_left) {
    if (depth_left == 0) return false;
    if (peek() == '[') return list(to, depth_left);
    if (peek() == '{') return inline_table(to, depth_left);
    to.is = tree::kind::scalar;
    to.quoted = peek() == '"' || peek() == '\'';
    if (to.quoted) return quoted(to.text);
    while (!at_end()
           && (is_bare(peek()) || std::string_view{"+.:"}.find(peek()) != std::string_view::npos))
      to.text += text_[at_++];
    return !to.text.empty();
  }

  bool list(tree& to, int depth_left) {
    to.is = tree::kind::list;
    ++at_;
    for (skip(true); !take("]"); skip(true)) {
      if (!value(to.items.emplace_back(), depth_left - 1)) return false;
      skip(true);
      if (!take(",") && peek() != ']') return false;
    }
    return true;
  }

  bool inline_table(tree& to, int depth_left) {
    to.is = tree::kind::map;
    ++at_;
    for (skip(true); !take("}"); skip(true)) {
      if (!pair(to, depth_left - 1)) return false;
      skip(true);
      if (!take(",") && peek() != '}') return false;
    }
    return true;
  }

  bool quoted(std::string& to) {
    if (take("\"\"\"")) return several_lines(to, "\"\"\"", true);
    if (take("'''")) return several_lines(to, "'''", false);
    const char quote = text_[at_++];
    while (!at_end() && peek() != quote) {
      if (peek() == '\n') return false;
      if (peek() == '\\' && quote == '"') {
        if (!escape(to)) return false;
      } else {
        to += text_[at_++];
      }
    }
    return take({&quote, 1});
  }

  bool several_lines(std::string& to, std::string_view end, bool escapes) {
    if (!take("\r\n")) static_cast<void>(take("\n"));
    while (!at_end()) {
      if (take(end)) {
        // Up to two more quotes belong to the text.
        for (int more = 0; more < 2 && peek() == end[0]; ++more) to += text_[at_++];
        return true;
      }
      if (peek() == '\\' && escapes) {
        if (!escape(to)) return false;
      } else {
        to += text_[at_++];
      }
    }
    return false;
  }

  bool escape(std::string& to) {
    ++at_;
    const char c = peek();
    constexpr std::string_view letters = "btnfre\"\\";
    constexpr std::string_view meanings = "\b\t\n\f\r\x1b\"\\";
    if (const auto found = letters.find(c); c != '\0' && found != std::string_view::npos) {
      to += meanings[found];
      ++at_;
      return true;
    }
    if (c == 'u' || c == 'U') {
      const std::size_t digits = c == 'u' ? 4 : 8;
      // The text may end among the digits.
      if (text_.size() - at_ <= digits) return false;
      const auto point = base::parse_number<std::uint32_t>(text_.substr(at_ + 1, digits), 16);
      if (!point || *point > 0x10ffff || base::is_high_surrogate(*point)
          || base::is_low_surrogate(*point))
        return false;
      base::append_utf8(to, *point);
      at_ += digits + 1;
      return true;
    }
    if (c != '\n' && c != ' ' && c != '\t' && c != '\r') return false;
    // A line that goes on.
    at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

base::expected<tree, base::problem> tree_of_toml(std::string_view text) {
  if (!base::is_utf8(text)) return base::problem{"bad-toml", "is not UTF-8"};
  return toml_reader{text}.read();
}

}  // namespace greenroom::config
