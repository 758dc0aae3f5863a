#include "config/reader.hpp"
#include "config/words.hpp"

#include "config/description.hpp"
#include "protocols/base/duration.hpp"
#include "protocols/base/http_url.hpp"
#include "protocols/base/utf8.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace greenroom::config {

void places::note(std::string path, mark at, std::string shown) {
  all_.try_emplace(std::move(path), place{std::move(at), std::move(shown)});
}

places::place places::find(std::string_view path) const {
  for (auto rest = path;;) {
    if (const auto found = all_.find(std::string{rest}); found != all_.end()) {
      auto result = found->second;
      if (rest.size() < path.size()) result.shown += path.substr(rest.size());
      return result;
    }
    const auto cut = rest.find_last_of(".[");
    if (cut == std::string_view::npos) break;
    rest = rest.substr(0, cut);
  }
  const auto root = all_.find(std::string{});
  return root == all_.end() ? place{} : place{root->second.at, std::string{path}};
}

bool is_name(std::string_view text) {
  constexpr std::string_view inner = "_-.:@+/";
  if (text.empty() || text.size() > 128) return false;
  // A slash separates two words, as in Qwen/Qwen2.5-7B.
  if (text.ends_with('/') || text.find("//") != std::string_view::npos) return false;
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (!plain(text.front()) && text.front() != '_' && text.front() != '@') return false;
  return std::ranges::all_of(
      text, [&](char c) { return plain(c) || inner.find(c) != std::string_view::npos; });
}

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

/// Collects the paths of all keys, to suggest the right section for a misplaced key.
void collect_paths(std::vector<std::string>& paths) {
  for (auto& key : describe_keys()) {
    if (key.path.find("NAME") == std::string::npos) paths.push_back(std::move(key.path));
  }
}

/// Reads one map; one reader for each section. `finish` reports unknown keys.
class reader {
public:
  reader(const tree& from, std::string path, std::string shown, reading& context)
      : from_{from}, path_{std::move(path)}, shown_{std::move(shown)}, context_{context} {
    context_.where.note(path_, from_.at, shown_);
    if (from_.is != tree::kind::map && from_.is != tree::kind::nothing) {
      complain(from_.at, shown_, "expected a map, found " + describe_value(from_));
    }
  }

  template <class T>
  void field(const char* key, T& value, const char* /*meaning*/, rule limits = {}) {
    if (const auto* found = take(key)) read(*found, below(shown_, key), value, limits);
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
    const auto* found = take(key);
    if (!found) return;
    const auto shown = below(shown_, key);
    const auto parsed = found->is == tree::kind::scalar ? base::parse_size(found->text)
                                                        : std::optional<std::uint64_t>{};
    if (!parsed && found->text.starts_with('-')
        && base::parse_size(std::string_view{found->text}.substr(1))) {
      complain(found->at, shown, "must not be negative, not " + found->text);
    } else if (!parsed) {
      complain(found->at, shown, "expected a size such as 16MiB, found " + describe_value(*found));
    } else if (const auto size = static_cast<double>(*parsed);
               size < limits.min || size > limits.max) {
      complain(found->at, shown,
               "must be between " + base::format_size(static_cast<std::uint64_t>(limits.min))
                   + " and " + base::format_size(static_cast<std::uint64_t>(limits.max)) + ", not "
                   + found->text);
    } else {
      value = *parsed;
    }
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
      auto meant = nearest(entry.key, known_);
      if (meant.empty()) {
        std::vector<std::string> paths;
        collect_paths(paths);
        for (const auto& path : paths) {
          if (path.ends_with('.' + entry.key)) meant = path;
        }
      }
      complain(entry.at, below(shown_, entry.key), "unknown key", std::move(meant));
    }
  }

private:
  void complain(const mark& at, std::string shown, std::string message,
                std::string suggestion = {}) {
    context_.problems.push_back(
        problem_at(at, std::move(shown), std::move(message), std::move(suggestion)));
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

  /// True for a scalar; else reports an error. Quotes do not matter: the key determines the type,
  /// and JSON and many generators quote durations, sizes and numbers.
  bool plain(const tree& found, const std::string& shown, std::string_view expected) {
    if (found.is == tree::kind::scalar) return true;
    complain(found.at, shown,
             "expected " + std::string{expected} + ", found " + describe_value(found));
    return false;
  }

  void bound(const tree& found, const std::string& shown, double value, rule limits, auto show) {
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

  void read(const tree& found, const std::string& shown, bool& value, rule) {
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

  template <std::unsigned_integral T>
  void read(const tree& found, const std::string& shown, T& value, rule limits) {
    if (!plain(found, shown, "a whole number")) return;
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
      value = static_cast<T>(wide);
    }
  }

  void read(const tree& found, const std::string& shown, double& value, rule limits) {
    if (!plain(found, shown, "a number")) return;
    double parsed = 0;
    const auto* const end = found.text.data() + found.text.size();
    const auto [stop, error] = std::from_chars(found.text.data(), end, parsed);
    if (error == std::errc::result_out_of_range && stop == end) {
      complain(found.at, shown, "must be a number that can be meant, not " + found.text);
    } else if (error != std::errc{} || stop != end || !std::isfinite(parsed)) {
      complain(found.at, shown, "expected a number, found " + describe_value(found));
    } else if (parsed < limits.min || parsed > limits.max) {
      bound(found, shown, parsed, limits, number);
    } else {
      value = parsed;
    }
  }

  void read(const tree& found, const std::string& shown, std::chrono::milliseconds& value,
            rule limits) {
    constexpr std::string_view expected = "a duration such as 250ms, 30s, 5m or 24h";
    if (!plain(found, shown, expected)) return;
    const auto parsed = base::parse_duration(found.text);
    const auto show = [](double ms) {
      return base::format_duration(std::chrono::milliseconds{static_cast<std::int64_t>(ms)});
    };
    if (parsed) {
      const auto ms = static_cast<double>(parsed->count());
      if (ms < limits.min || ms > limits.max) {
        bound(found, shown, ms, limits, show);
      } else {
        value = *parsed;
      }
      return;
    }
    if (found.text.starts_with('-')
        && base::parse_duration(std::string_view{found.text}.substr(1))) {
      complain(found.at, shown, "must not be negative, not " + found.text);
      return;
    }
    if (base::is_too_long(found.text)) {
      complain(found.at, shown,
               "must be at most " + base::format_duration(base::longest_duration) + ", not "
                   + found.text);
      return;
    }
    const auto with_unit = found.text + 's';
    complain(found.at, shown,
             "expected " + std::string{expected} + ", found " + describe_value(found),
             base::parse_duration(with_unit) ? with_unit : std::string{});
  }

  void read(const tree& found, const std::string& shown,
            std::optional<std::chrono::milliseconds>& value, rule limits) {
    if (found.is == tree::kind::scalar && found.text == "auto") {
      value.reset();
      return;
    }
    auto written = std::chrono::milliseconds{-1};
    read(found, shown, written, limits);
    if (written.count() >= 0) value = written;
  }

  void read(const tree& found, const std::string& shown, std::string& value, rule limits) {
    if (found.is != tree::kind::scalar) {
      complain(found.at, shown, "expected a text, found " + describe_value(found));
      return;
    }
    if (found.text.find('\0') != std::string::npos) {
      complain(found.at, shown, "a text cannot hold a zero byte");
      return;
    }
    if (!found.text.empty() && !well_formed(found, shown, limits.text)) return;
    value = found.text;
  }

  void read(const tree& found, const std::string& shown, std::vector<std::string>& value,
            rule limits) {
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

  template <class T>
  requires std::is_enum_v<T>
  void read(const tree& found, const std::string& shown, T& value, rule) {
    const auto words = words_of(T{});
    std::vector<std::string> names;
    for (const auto& [word, meaning] : words) names.emplace_back(word);
    if (found.is == tree::kind::scalar) {
      const auto match = std::ranges::find(names, found.text);
      if (match != names.end()) {
        value = words[static_cast<std::size_t>(match - names.begin())].second;
        return;
      }
    }
    std::string wanted;
    for (const auto& name : names) {
      wanted += (wanted.empty() ? "" : name == names.back() ? " or " : ", ") + name;
    }
    complain(found.at, shown, "expected " + wanted + ", found " + describe_value(found),
             nearest(found.text, names));
  }

  bool well_formed(const tree& found, const std::string& shown, rule::form form) {
    switch (form) {
      case rule::form::any: return true;
      case rule::form::endpoint:
        if (parse_endpoint(found.text)) return true;
        complain(found.at, shown,
                 "expected ADDR:PORT such as 127.0.0.1:7117, found " + describe_value(found));
        return false;
      case rule::form::http_url:
        if (const auto url = base::parse_http_url(found.text); !url)
          complain(found.at, shown,
                   "expected an http URL, found " + describe_value(found) + ", which "
                       + url.error().text,
                   found.text.find("://") == std::string::npos
                           && base::is_http_url("http://" + found.text)
                       ? "http://" + found.text
                       : std::string{});
        else
          return true;
        return false;
      case rule::form::url_path:
        if (const auto path = base::check_url_path(found.text); !path) {
          complain(found.at, shown, path.error().text + ", found " + describe_value(found),
                   base::check_url_path('/' + found.text) ? '/' + found.text : std::string{});
          return false;
        }
        return true;
      case rule::form::host: {
        if (is_host(found.text)) return true;
        const auto colon = found.text.rfind(':');
        complain(
            found.at, shown,
            "expected a name or an address without scheme and port (ports are not compared), "
            "such as greenroom.example.com, found "
                + describe_value(found),
            is_host(found.text.substr(0, colon)) ? found.text.substr(0, colon) : std::string{});
        return false;
      }
      case rule::form::origin: {
        if (is_origin(found.text)) return true;
        auto cut = found.text;
        while (cut.ends_with('/')) cut.pop_back();
        complain(found.at, shown,
                 "expected SCHEME://HOST[:PORT] as a browser sends it, such as "
                 "https://app.example.com, found "
                     + describe_value(found),
                 is_origin(cut)                ? cut
                 : is_origin("https://" + cut) ? "https://" + cut
                                               : std::string{});
        return false;
      }
    }
    return true;
  }

  /// Expands `${NAME}` and `${NAME:-default}` from the environment, and `$$` to one `$`.
  void read_expanded(const tree& found, const std::string& shown, std::string& value) {
    if (found.is != tree::kind::scalar) {
      complain(found.at, shown, "expected a text, found " + describe_value(found));
      return;
    }
    const std::string_view text = found.text;
    std::string result;
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (text[at] != '$' || at + 1 == text.size()) {
        result += text[at];
      } else if (text[at + 1] == '$') {
        result += '$';
        ++at;
      } else if (text[at + 1] == '{') {
        const auto close = text.find('}', at);
        if (close == std::string_view::npos) {
          complain(found.at, shown, "${ without its }");
          return;
        }
        const auto inside = text.substr(at + 2, close - at - 2);
        const auto dash = inside.find(":-");
        const std::string name{inside.substr(0, dash)};
        if (name == "PORT" && node_picks_the_port()) {
          result += base::port_mark;
          at = close;
          continue;
        }
        const auto variable = context_.environment.find(name);
        if (variable != context_.environment.end() && !variable->second.empty()) {
          result += variable->second;
        } else if (dash != std::string_view::npos) {
          result += inside.substr(dash + 2);
        } else if (variable == context_.environment.end()) {
          complain(found.at, shown, "the environment variable " + name + " is not set");
          return;
        }
        at = close;
      } else {
        result += '$';
      }
    }
    if (result.find('\0') != std::string::npos) {
      complain(found.at, shown, "a text cannot hold a zero byte");
      return;
    }
    if (!base::is_utf8(result)) {
      complain(found.at, shown, "what the environment puts in is not UTF-8");
      return;
    }
    value = std::move(result);
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
