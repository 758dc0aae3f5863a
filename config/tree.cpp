#include "config/tree.hpp"

#include "protocols/base/number.hpp"
#include "protocols/base/utf8.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>
#include <exception>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

namespace greenroom::config {

tree* tree::find(std::string_view key) {
  const auto found = std::ranges::find(entries, key, &tree_entry::key);
  return found == entries.end() ? nullptr : &found->value;
}

const tree* tree::find(std::string_view key) const { return const_cast<tree*>(this)->find(key); }

void tree::set(std::string_view key, tree value) {
  if (is == kind::nothing) is = kind::map;
  if (auto* const present = find(key)) {
    *present = std::move(value);
    return;
  }
  const auto at_value = value.at;
  entries.push_back({std::string{key}, at_value, std::move(value), false});
}

void tree::erase(std::string_view key) {
  std::erase_if(entries, [&](const tree_entry& entry) { return entry.key == key; });
}

std::string_view tree::name() const {
  const auto* const found = find("name");
  return found && found->is == kind::scalar ? std::string_view{found->text} : std::string_view{};
}

problem problem_at(const mark& at, std::string key, std::string message, std::string suggestion) {
  return {at.source ? *at.source : std::string{},
          at.line,
          at.column,
          std::move(key),
          std::move(message),
          std::move(suggestion)};
}

std::string below(const std::string& path, std::string_view key) {
  return path.empty() ? std::string{key} : path + '.' + std::string{key};
}

std::string describe_value(const tree& value) {
  switch (value.is) {
    case tree::kind::nothing: return "nothing";
    case tree::kind::list: return "a list";
    case tree::kind::map: return "a map";
    case tree::kind::scalar: break;
  }
  constexpr std::size_t longest = 60;
  if (value.text.size() <= longest) return '"' + value.text + '"';
  return '"' + value.text.substr(0, longest) + "…\"";
}

namespace {

/// Ends the parse; caught in `parse_tree`.
struct refused : std::exception {
  problem why;
  explicit refused(problem p) : why{std::move(p)} {}
};

// A configuration of 10,000 specialists has some 200,000 nodes. Aliases are copied, so this limit
// also stops a small file that expands exponentially.
constexpr std::size_t nodes_max = 2'000'000;
constexpr std::size_t levels_max = 32;

class tree_builder final : public YAML::EventHandler {
public:
  explicit tree_builder(const std::string& source)
      : source_{std::make_shared<const std::string>(source)} {}

  tree result() { return std::move(root_); }
  bool has_document() const { return documents_ > 0; }

  void OnDocumentStart(const YAML::Mark& at) override {
    if (++documents_ > 1) throw refused{at_place(at, "a second document in one file")};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& at, YAML::anchor_t anchor) override {
    add(make(tree::kind::nothing, at), anchor);
  }
  void OnAlias(const YAML::Mark& at, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      throw refused{at_place(at, "an alias of something that is not finished")};
    }
    count(found->second, at);
    auto copy = found->second;
    add(std::move(copy), YAML::NullAnchor);
  }
  void OnScalar(const YAML::Mark& at, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    auto scalar = make(tree::kind::scalar, at);
    refuse_tag(at, tag);
    scalar.text = value;
    scalar.quoted = tag == "!";
    add(std::move(scalar), anchor);
  }
  void OnSequenceStart(const YAML::Mark& at, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    refuse_tag(at, tag);
    open(make(tree::kind::list, at), anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& at, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    refuse_tag(at, tag);
    open(make(tree::kind::map, at), anchor);
  }
  void OnMapEnd() override { close(); }

private:
  struct level {
    tree value;
    YAML::anchor_t anchor = YAML::NullAnchor;
    bool has_key = false;
    std::string key;
    mark key_at;
    bool merges = false;
  };

  mark place(const YAML::Mark& at) const {
    return {source_, static_cast<std::size_t>(at.line) + 1,
            static_cast<std::size_t>(at.column) + 1};
  }
  problem at_place(const YAML::Mark& at, std::string message) const {
    return problem_at(place(at), {}, std::move(message));
  }
  tree make(tree::kind kind, const YAML::Mark& at) {
    if (++nodes_ > nodes_max) throw refused{at_place(at, "too many values")};
    tree made;
    made.is = kind;
    made.at = place(at);
    return made;
  }
  void count(const tree& value, const YAML::Mark& at) {
    if (++nodes_ > nodes_max) throw refused{at_place(at, "aliases expand to too many values")};
    for (const auto& item : value.items) count(item, at);
    for (const auto& entry : value.entries) count(entry.value, at);
  }
  void refuse_tag(const YAML::Mark& at, const std::string& tag) const {
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw refused{at_place(at, "tags such as " + tag + " mean nothing here")};
    }
  }
  void open(tree value, YAML::anchor_t anchor) {
    if (levels_.size() >= levels_max) {
      throw refused{problem_at(value.at, {}, "nested too deeply")};
    }
    // A map or list cannot be a key; yaml-cpp may report one as a key.
    if (!levels_.empty() && levels_.back().value.is == tree::kind::map && !levels_.back().has_key) {
      throw refused{problem_at(value.at, {}, "a key must be a plain text")};
    }
    levels_.push_back({std::move(value), anchor, false, {}, {}, false});
  }
  void close() {
    auto done = std::move(levels_.back());
    levels_.pop_back();
    merge(done.value);
    add(std::move(done.value), done.anchor);
  }
  /// https://yaml.org/type/merge.html
  void merge(tree& into) const {
    const auto found = std::ranges::find_if(into.entries, &tree_entry::merges);
    if (found == into.entries.end()) return;
    const auto from = std::move(*found);
    into.entries.erase(found);
    if (std::ranges::any_of(into.entries, &tree_entry::merges))
      throw refused{problem_at(from.at, "<<",
                               "is written twice in one map; name both in a list: <<: [*a, *b]")};
    const auto take = [&](const tree& base) {
      if (base.is != tree::kind::map)
        throw refused{problem_at(
            from.at, "<<", "expected a map or a list of maps, found " + describe_value(base))};
      for (const auto& entry : base.entries)
        if (into.find(entry.key) == nullptr) into.entries.push_back(entry);
    };
    if (from.value.is != tree::kind::list) return take(from.value);
    for (const auto& base : from.value.items) take(base);
  }
  void add(tree value, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) anchors_[anchor] = value;
    if (levels_.empty()) {
      root_ = std::move(value);
      return;
    }
    auto& parent = levels_.back();
    if (parent.value.is == tree::kind::list) {
      parent.value.items.push_back(std::move(value));
    } else if (!parent.has_key) {
      if (value.is != tree::kind::scalar) {
        throw refused{problem_at(value.at, {}, "a key must be a plain text")};
      }
      parent.merges = value.text == "<<" && !value.quoted;
      parent.key = std::move(value.text);
      parent.key_at = value.at;
      parent.has_key = true;
    } else {
      parent.value.entries.push_back(
          {std::move(parent.key), parent.key_at, std::move(value), parent.merges});
      parent.has_key = false;
    }
  }

  std::shared_ptr<const std::string> source_;
  std::vector<level> levels_;
  std::map<YAML::anchor_t, tree> anchors_;
  tree root_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

/// Reports every duplicate key of a map and keeps the first.
void refuse_duplicates(tree& value, const std::string& path, std::vector<problem>& problems) {
  std::map<std::string, std::size_t> first_line;
  for (auto& entry : value.entries) {
    const auto [seen, fresh] = first_line.try_emplace(entry.key, entry.at.line);
    if (!fresh) {
      problems.push_back(
          problem_at(entry.at, below(path, entry.key),
                     "duplicate key, first written on line " + std::to_string(seen->second)));
    }
    refuse_duplicates(entry.value, below(path, entry.key), problems);
  }
  if (first_line.size() != value.entries.size()) {
    std::vector<tree_entry> kept;
    for (auto& entry : value.entries) {
      if (first_line.erase(entry.key) == 1) kept.push_back(std::move(entry));
    }
    value.entries = std::move(kept);
  }
  for (std::size_t at = 0; at < value.items.size(); ++at) {
    const auto name = value.items[at].name();
    refuse_duplicates(value.items[at],
                      name.empty() ? path + '[' + std::to_string(at) + ']' : below(path, name),
                      problems);
  }
}

/// Returns the UTF-16 unit of `\uXXXX` at the beginning.
std::optional<std::uint32_t> utf16_unit(std::string_view text) {
  constexpr std::size_t length = 6;
  if (text.size() < length || !text.starts_with("\\u")) return std::nullopt;
  return base::parse_number<std::uint32_t>(text.substr(2, 4), 16);
}

/// JSON writes a character beyond U+FFFF as a surrogate pair, which YAML does not have: replaces
/// each pair with the character.
std::string with_whole_letters(std::string_view json) {
  std::string result;
  result.reserve(json.size());
  while (!json.empty()) {
    const auto high = utf16_unit(json);
    const auto low = high ? utf16_unit(json.substr(6)) : std::nullopt;
    if (low && base::is_high_surrogate(*high) && base::is_low_surrogate(*low)) {
      base::append_utf8(result, base::joined_surrogates(*high, *low));
      json.remove_prefix(12);
      continue;
    }
    const std::size_t taken = json.front() == '\\' ? std::min<std::size_t>(json.size(), 2) : 1;
    result += json.substr(0, taken);
    json.remove_prefix(taken);
  }
  return result;
}

}  // namespace

bool is_extension(std::string_view key) { return key.starts_with("x-") && key.size() > 2; }

parsed_tree parse_tree(std::string_view text, const std::string& source) {
  const auto refuse = [](problem why) { return parsed_tree{{}, {std::move(why)}}; };
  tree_builder builder{source};
  const auto whole = std::make_shared<const std::string>(source);
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (const auto good = text.substr(0, base::utf8_prefix(text)); good.size() < text.size()) {
    const auto line = static_cast<std::size_t>(std::ranges::count(good, '\n')) + 1;
    const auto column = good.size() - (good.rfind('\n') + 1) + 1;
    return refuse(problem_at({whole, line, column}, {}, "not UTF-8, which YAML is written in"));
  }
  try {
    const auto first = text.find_first_not_of(" \t\r\n");
    const bool json = first != std::string_view::npos && (text[first] == '{' || text[first] == '[');
    std::istringstream stream{json ? with_whole_letters(text) : std::string{text}};
    YAML::Parser parser{stream};
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const refused& stop) {
    return refuse(stop.why);
  } catch (const YAML::Exception& error) {
    return refuse(problem_at({whole, static_cast<std::size_t>(std::max(error.mark.line, 0)) + 1,
                              static_cast<std::size_t>(std::max(error.mark.column, 0)) + 1},
                             {}, "not YAML: " + error.msg));
  } catch (const std::exception& error) {
    return refuse(problem_at({whole, 1, 1}, {}, std::string{"not YAML: "} + error.what()));
  }
  parsed_tree result{builder.result(), {}};
  if (!result.value.at.source) result.value.at = {whole, 1, 1};
  refuse_duplicates(result.value, {}, result.problems);
  return result;
}

}  // namespace greenroom::config
