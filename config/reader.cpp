#include "config/reader.hpp"

#include "config/description.hpp"
#include "config/schema.hpp"
#include "protocols/base/edit_distance.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace greenroom::config {

namespace {

/// The path of a key that is known in another section; empty when there is none. Of several, the
/// last.
std::string key_elsewhere(const std::string& key) {
  std::string result;
  for (const auto& known : describe_keys())
    if (known.path.find("NAME") == std::string::npos && known.path.ends_with('.' + key))
      result = known.path;
  return result;
}

/// Reads one map; one reader for each section. `finish` reports unknown keys.
class reader {
public:
  reader(const tree& from, std::string path, std::string shown, reading& context)
      : from_{from},
        path_{std::move(path)},
        shown_{std::move(shown)},
        context_{context},
        values_{context} {
    context_.where.note(path_, from_.at, shown_);
    if (from_.is != tree::kind::map && from_.is != tree::kind::nothing) {
      complain(from_.at, shown_, "expected a map, found " + describe_value(from_));
    }
  }

  template <class T>
  void field(const char* key, T& value, const char* /*meaning*/, rule limits = {}) {
    if (const auto* found = take(key)) values_.read(*found, below(shown_, key), value, limits);
  }

  void expanded(const char* key, std::string& value, const char* /*meaning*/) {
    if (const auto* found = take(key)) read_expanded(*found, below(shown_, key), value);
  }
  void expanded(const char* key, std::vector<std::string>& value, const char* meaning) {
    field(key, value, meaning);
    const auto* found = from_.find(key);
    if (!found || found->is != tree::kind::list) return;
    for (std::size_t at = 0; at < value.size() && value.size() == found->items.size(); ++at) {
      read_expanded(found->items[at], below(shown_, key) + '[' + std::to_string(at) + ']',
                    value[at]);
    }
  }
  void expanded(const char* key, std::map<std::string, std::string>& value, const char*) {
    const auto* found = take(key);
    if (!found) return;
    if (found->is != tree::kind::map) {
      complain(found->at, below(shown_, key), "expected a map, found " + describe_value(*found));
      return;
    }
    for (const auto& entry : found->entries) {
      const auto shown = below(below(shown_, key), entry.key);
      if (entry.key.empty()
          || entry.key.find_first_of(std::string_view{"=\0", 2}) != std::string::npos) {
        complain(entry.at, shown, "not a name that can be given a value");
        continue;
      }
      read_expanded(entry.value, shown, value[entry.key]);
    }
  }

  void size(const char* key, std::uint64_t& value, const char* /*meaning*/, rule limits) {
    if (const auto* found = take(key)) values_.read_size(*found, below(shown_, key), value, limits);
  }

  template <class S>
  void section(const char* key, S& value, const char* /*meaning*/) {
    if (const auto* found = take(key)) {
      reader inner{*found, below(path_, key), below(shown_, key), context_};
      describe(inner, value);
      inner.finish();
    }
  }

  template <class S>
  void named(const char* key, std::vector<S>& values, const char* /*meaning*/) {
    const auto* found = take(key);
    if (!found || found->is == tree::kind::nothing) return;
    if (found->is != tree::kind::list) {
      complain(found->at, below(shown_, key), "expected a list, found " + describe_value(*found));
      return;
    }
    for (std::size_t at = 0; at < found->items.size(); ++at) {
      const auto& item = found->items[at];
      const auto position = '[' + std::to_string(at) + ']';
      const auto name = item.name();
      const auto shown =
          is_name(name) ? below(below(shown_, key), name) : below(shown_, key) + position;
      auto& value = values.emplace_back();
      reader inner{item, below(path_, key) + position, shown, context_};
      describe(inner, value);
      inner.finish();
      const auto* const written = item.find("name");
      if (!written) {
        if (item.is == tree::kind::map || item.is == tree::kind::nothing) {
          complain(item.at, below(shown, "name"), "a name is needed");
        }
      } else if (written->is == tree::kind::scalar && !is_name(name)) {
        complain(written->at, below(shown, "name"),
                 "a name has letters, digits and _-.:@+/ and at most 128 of them, not "
                     + describe_value(*written));
      }
    }
  }

  template <class S>
  void table(const char* key, std::map<std::string, S>& values, const char* /*meaning*/) {
    const auto* found = take(key);
    if (!found || found->is == tree::kind::nothing) return;
    if (found->is != tree::kind::map) {
      complain(found->at, below(shown_, key), "expected a map, found " + describe_value(*found));
      return;
    }
    for (const auto& entry : found->entries) {
      const auto path = below(below(path_, key), entry.key);
      const auto shown = below(below(shown_, key), entry.key);
      context_.where.note(path, entry.at, shown);
      if (!is_name(entry.key)) {
        complain(entry.at, shown, "a name has letters, digits and _-.:@+/ and at most 128 of them");
        continue;
      }
      reader inner{entry.value, path, shown, context_};
      describe(inner, values[entry.key]);
      inner.finish();
    }
  }

  void finish() {
    for (const auto& entry : from_.entries) {
      if (is_extension(entry.key)) continue;
      if (std::ranges::find(known_, entry.key) != known_.end()) continue;
      std::string meant{base::nearest_of(entry.key, known_)};
      if (meant.empty()) meant = key_elsewhere(entry.key);
      complain(entry.at, below(shown_, entry.key), "unknown key", std::move(meant));
    }
  }

private:
  void complain(const mark& at, std::string shown, std::string message,
                std::string suggestion = {}) {
    values_.complain(at, std::move(shown), std::move(message), std::move(suggestion));
  }

  const tree* take(const char* key) {
    known_.emplace_back(key);
    const auto* found = from_.find(key);
    if (!found) return nullptr;
    context_.where.note(below(path_, key), found->at, below(shown_, key));
    for (std::size_t at = 0; at < found->items.size(); ++at) {
      // The items' own readers note maps, under the items' names.
      if (found->items[at].is != tree::kind::scalar) continue;
      const auto position = '[' + std::to_string(at) + ']';
      context_.where.note(below(path_, key) + position, found->items[at].at,
                          below(shown_, key) + position);
    }
    return found;
  }

  void read_expanded(const tree& found, const std::string& shown, std::string& value) {
    values_.read_expanded(found, shown, value, node_picks_the_port());
  }

  /// In an http backend `${PORT}` is no variable: each instance of the worker gets its own port. In
  /// `defaults` the backend's kind is not known yet.
  [[nodiscard]] bool node_picks_the_port() const {
    if (path_.starts_with("defaults")) return true;
    const auto* const kind = from_.find("kind");
    return kind != nullptr && kind->text == "http";
  }

  const tree& from_;
  std::string path_;
  std::string shown_;
  reading& context_;
  value_reader values_;
  std::vector<std::string> known_;
};

}  // namespace

node read_node(const tree& whole, reading& context) {
  node result;
  reader root{whole, {}, {}, context};
  describe(root, result);
  root.finish();
  return result;
}

void read_defaults(const tree& defaults, reading& context) {
  specialist ignored;
  reader inner{defaults, "defaults", "defaults", context};
  describe_but_name(inner, ignored);
  inner.finish();
}

}  // namespace greenroom::config
